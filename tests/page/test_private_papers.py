"""Private papers, which members taught or feeds of channels brought, are on no public page."""

from __future__ import annotations

import pytest

from bot.store import contributions
from tests.page.conftest import Site
from tests.support.harness import PLACE, paper

SECRET = "Wombats in the basement of our laboratory"


@pytest.fixture
async def secret_id(site: Site) -> str:
    await site.bot.list_papers([paper(1, "Wombats in the open field", upvotes=1)])
    await site.bot.invite()
    channel = await site.bot.channel(PLACE)
    async with site.bot.store.write() as tx:
        given = paper(2, SECRET, "Our secret abstract of wombats.", upvotes=9)
        paper_id = await contributions.give(tx, channel, "ada", given, site.bot.clock())
    assert paper_id
    assert SECRET in [line.title for line in (await site.bot.say("search wombats")).lines]
    return paper_id


async def test_no_public_page_shows_a_private_paper(site: Site, secret_id: str) -> None:
    paths = [
        *("/", "/day", "/week", "/month", f"/day/{site.bot.clock.now.date()}"),
        *(f"/trending?period={period}" for period in ("day", "week", "month")),
        *(f"/search?q=wombats&sort={sort}" for sort in ("best", "newest", "upvotes")),
        *("/search?q=basement", "/search?q=2603.00002", f"/search?q={secret_id}", "/paper/2603.00001"),
    ]
    for path in paths:
        page = await site.get(path)
        assert page.status == 200, path
        for text in (SECRET, "secret", "/paper/taught", "/paper/2603.00002"):
            assert text not in page.text, path


async def test_a_private_paper_has_no_page_under_any_of_its_names(site: Site, secret_id: str) -> None:
    for name in (secret_id, "2603.00002", "https://arxiv.org/abs/2603.00002", SECRET):
        answer = await site.get(f"/paper/{name}")
        assert answer.status == 404, name
        assert "secret" not in answer.text
