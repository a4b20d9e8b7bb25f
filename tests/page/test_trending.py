"""The page of what is trending."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.reports import trends
from bot.reports.listings import Period
from tests.page.conftest import Site
from tests.support.harness import paper


async def test_the_most_upvoted_papers_of_the_period_come_first(site: Site) -> None:
    today = site.bot.clock.now.date()
    await site.bot.list_papers([paper(1, upvotes=3), paper(2)], today)
    await site.bot.list_papers([paper(3, upvotes=50)], today - timedelta(days=5))
    await site.bot.list_papers([paper(4, upvotes=99)], today - timedelta(days=20))
    shown = {
        period: [n for n in (1, 2, 3, 4) if paper(n).title in (await site.get(f"/trending?period={period}")).text]
        for period in Period
    }
    assert shown == {Period.DAY: [1], Period.WEEK: [1, 3], Period.MONTH: [1, 3, 4]}
    month = (await site.get("/trending?period=month")).text
    assert [month.index(paper(n).title) for n in (4, 3, 1)] == sorted(month.index(paper(n).title) for n in (4, 3, 1))


async def test_long_lists_have_pages(site: Site) -> None:
    await site.bot.list_papers([paper(number, upvotes=200 - number) for number in range(45)])
    first, second = [(await site.get(f"/trending?page={number}")).text for number in (1, 2)]
    assert (first.count('class="paper"'), second.count('class="paper"')) == (25, 20)
    assert 'value="26"' in second
    assert (await site.get("/trending?page=3")).status == 404


async def test_nothing_trending_says_why(site: Site) -> None:
    await site.bot.list_papers([paper(1)])
    assert "No paper of the last 7 days has upvotes yet." in (await site.get("/trending")).text


@pytest.mark.parametrize("period", ["year", "DAY", "x" * 10_000, "%00"])
async def test_another_period_is_a_plain_404(site: Site, period: str) -> None:
    page = await site.get(f"/trending?period={period[:5_000]}")
    assert page.status == 404
    assert "It is one of these: day, week, month." in page.text


async def test_it_is_one_statement(site: Site) -> None:
    await site.bot.list_papers([paper(number, upvotes=number) for number in range(5)])
    statements: list[str] = []
    engine = site.bot.store.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    async with site.bot.store.read() as tx:
        papers = await trends.trending_papers(tx, Period.MONTH, site.bot.clock.now.date(), 50)
    assert [each.upvotes for each in papers] == [4, 3, 2, 1]
    assert len([text for text in statements if text.lstrip().upper().startswith("SELECT")]) == 1
