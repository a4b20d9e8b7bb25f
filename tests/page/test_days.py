"""The pages of days, weeks and months."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.page.days import span_named
from bot.page.views import span_url
from bot.reports.listings import Period, Span
from bot.store import listings as store_listings
from bot.store import papers
from bot.store.database import Store
from bot.web.errors import PageError
from tests.fakes.clock import Clock
from tests.page.conftest import Site
from tests.support.harness import paper


async def test_the_start_shows_the_latest_day_with_the_most_upvoted_first(site: Site) -> None:
    today = site.bot.clock.now.date()
    await site.bot.list_papers([paper(1, upvotes=3), paper(2, upvotes=40)], today)
    page = await site.get("/")
    assert page.status == 200
    assert page.text.index(paper(2).title) < page.text.index(paper(1).title)
    assert "2 papers, the most upvoted first." in page.text
    assert f"{today.day} {today:%B} {today.year}" in page.text


async def test_a_day_without_upvotes_does_not_speak_of_them(site: Site) -> None:
    await site.bot.list_papers([paper(1), paper(2)])
    page = await site.get("/")
    assert "2 papers." in page.text
    assert "upvoted" not in page.text


async def test_days_link_to_the_nearest_days_that_have_papers(site: Site) -> None:
    today = site.bot.clock.now.date()
    for number, ago in enumerate((0, 4, 9)):
        await site.bot.list_papers([paper(number)], today - timedelta(days=ago))
    page = await site.get(f"/day/{today - timedelta(days=4)}")
    assert f'href="/day/{today - timedelta(days=9)}"' in page.text
    assert f'href="/day/{today}"' in page.text
    assert paper(1).title in page.text
    assert paper(0).title not in page.text


async def test_weeks_and_months_hold_the_papers_of_all_their_days(site: Site) -> None:
    monday, sunday = date(2026, 3, 2), date(2026, 3, 8)
    await site.bot.list_papers([paper(1)], monday)
    await site.bot.list_papers([paper(2)], sunday)
    await site.bot.list_papers([paper(3)], sunday + timedelta(days=1))
    week = await site.get("/week/2026-W10")
    assert [paper(number).title in week.text for number in (1, 2, 3)] == [True, True, False]
    month = await site.get("/month/2026-03")
    assert all(paper(number).title in month.text for number in (1, 2, 3))
    assert (await site.get("/month/2026-02")).status == 200


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/day/2026-02-28", "arXiv announces nothing on Saturdays and Sundays."),
        ("/day/2026-02-25", "No papers were listed then."),
        ("/day/9999-12-31", "These days are still to come."),
        ("/week/9999-W52", "These days are still to come."),
        ("/month/9999-12", "These days are still to come."),
        ("/day/0001-01-01", "No papers were listed then."),
    ],
)
async def test_an_empty_period_says_why(site: Site, path: str, reason: str) -> None:
    page = await site.get(path)
    assert page.status == 200
    assert reason in page.text


@pytest.mark.parametrize("path", ["/day/2026-02-30", "/day/yesterday", "/week/2026-W54", "/month/2026-13", "/day/١٢"])
async def test_a_day_that_does_not_exist_is_a_plain_404(site: Site, path: str) -> None:
    page = await site.get(path)
    assert page.status == 404
    assert "One looks like" in page.text


async def test_long_lists_have_pages(site: Site) -> None:
    today = site.bot.clock.now.date()
    await site.bot.list_papers([paper(number) for number in range(70)], today)
    assert "Page 1 of 3" in (await site.get("/")).text
    last = await site.get(f"/day/{today}?page=3")
    assert last.text.count('class="paper"') == 20
    for page in ("4", "0", "-1", "9999", "x", "1e3", "²"):
        assert (await site.get(f"/day/{today}?page={page}")).status == 404, page


async def test_titles_from_outside_are_escaped(site: Site) -> None:
    await site.bot.list_papers([paper(1, title='<script>alert(1)</script> & "more"')])
    page = await site.get("/")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_answers_forbid_scripts_frames_and_referrers(site: Site) -> None:
    for path in ("/", "/nothing", "/healthz"):
        headers = (await site.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


@given(st.sampled_from(Period), st.dates())
def test_every_day_is_in_its_period_and_the_address_names_it(period: Period, day: date) -> None:
    span = Span.around(period, day)
    assert span.since <= day <= span.until
    name = span_url(span).rsplit("/", 1)[1]
    assert span_named(period, name) == span


@given(st.sampled_from(Period), st.text(max_size=20))
def test_any_name_is_a_period_or_a_page_error(period: Period, name: str) -> None:
    with suppress(PageError):
        assert span_named(period, name).period is period


async def test_a_day_in_one_category_has_its_papers_pages_and_feed(site: Site) -> None:
    learning = [replace(paper(number), categories=("cs.LG", "stat.ML")) for number in range(30)]
    others = [replace(paper(100 + number, upvotes=5), categories=("cs.LGX", "cs.CL")) for number in range(3)]
    await site.bot.list_papers([*learning, *others])
    whole = await site.get("/")
    assert "33 papers" in whole.text
    assert re.search(r'<a href="/day/\S+\?cat=cs\.LG">cs\.LG</a>', whole.text)
    first = await site.get("/?cat=CS.lg")
    assert "30 papers" in first.text
    assert 'aria-current="true">cs.LG</a>' in first.text
    assert 'href="/feeds/day.atom?cat=cs.LG"' in first.text
    [older] = re.findall(r'href="([^"]*)" rel="next">Page 2', first.text)
    assert "?cat=cs.LG&amp;page=2" in older
    second = await site.get(older.replace("&amp;", "&"))
    assert (second.status, second.text.count("<article>")) == (200, 5)
    assert (await site.get("/?cat=stat.ML")).text.count("<article>") == 25
    feed = feedparser.parse((await site.get("/feeds/day.atom?cat=cs.CL")).text)
    assert len(feed.entries) == 3
    assert feed.feed.title == "Papers of the day in cs.CL · Paperboy"


async def test_a_category_without_papers_says_so_and_a_wrong_one_is_none(site: Site) -> None:
    await site.bot.list_papers([paper(0)])
    page = await site.get("/?cat=hep-th")
    assert (page.status, "No paper of this day is in hep-th." in page.text) == (200, True)
    for wrong in ("%25", "cs.LG%22", "x" * 50, "cs.", "%C3%A9"):
        assert (await site.get(f"/?cat={wrong}")).status == 404
        assert (await site.get(f"/feeds/day.atom?cat={wrong}")).status == 404


async def test_every_database_finds_the_papers_of_a_category(store: Store, clock: Clock) -> None:
    listed = [replace(paper(number), categories=(("cs.LG", "cs.CL"), ("cs.CLX",), ())[number]) for number in range(3)]
    day = clock().date()
    async with store.write() as tx:
        await papers.record(tx, listed, clock(), {each.id: day for each in listed})
        assert [each.id for each in await store_listings.listed_in(tx, day, "cs.CL", 10)] == [listed[0].id]
        assert await store_listings.count_in(tx, day, "cs.CL") == 1
        assert await store_listings.count_in(tx, day, "cs.LGX") == 0
