"""Finished pages: kept in memory, not sent twice, and never older than the store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.page import search as search_page
from bot.page.cache import _KeptPages
from bot.reports import search as reports_search
from bot.store import runs
from tests.page.conftest import Site
from tests.support.harness import paper

PATHS = ["/", "/trending", "/search?q=graphs", "/paper/2603.00000"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_browser_that_has_the_page_gets_a_304(site: Site, path: str) -> None:
    await site.bot.list_papers([paper(0, upvotes=1)])
    first = await site.get(path)
    assert first.status == 200
    assert first.headers["Cache-Control"] == "public, max-age=60"
    for had in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"other", W/{first.headers["ETag"]}'},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = await site.get(path, **had)
        assert (again.status, again.text) == (304, ""), had
        assert again.headers["ETag"] == first.headers["ETag"]
    for other in ({"If-None-Match": '"other"', "If-Modified-Since": first.headers["Last-Modified"]}, {}):
        assert (await site.get(path, **other)).text == first.text
    assert (await site.ask("HEAD", path)).headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_new_after_every_change_of_the_papers(site: Site, path: str) -> None:
    await site.bot.list_papers([paper(0, upvotes=1)])
    first = await site.get(path)
    site.bot.clock.advance(timedelta(seconds=2))
    await site.bot.list_papers([paper(0, upvotes=777)])
    for had in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        again = await site.get(path, **had)
        assert again.status == 200
        assert "777" in again.text


async def test_the_day_and_a_run_of_a_source_change_the_page(site: Site) -> None:
    tags = [(await site.get("/")).headers["ETag"]]
    site.bot.clock.advance(timedelta(days=1))
    tags.append((await site.get("/")).headers["ETag"])
    async with site.bot.store.write() as tx:
        day = site.bot.clock.now.date()
        run = await runs.start(tx, "shelf", day, day, site.bot.clock())
        await runs.fail(tx, run, "it is closed", site.bot.clock())
    page = await site.get("/")
    assert "Shelf could not be read (it is closed)." in page.text
    assert "Sources last read" in page.text
    assert len({*tags, page.headers["ETag"]}) == 3


async def test_a_kept_page_is_not_made_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.bot.list_papers([paper(0)])
    first = await site.get("/search?q=graphs")
    monkeypatch.setattr(search_page, "search", None)
    assert (await site.get("/search?q=graphs")).text == first.text


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("/", ["/?utm_source=mail", "/?n=1&n=2&page", "/?q=graphs"]),
        ("/trending?period=week", ["/trending?x=1&period=week&y=2"]),
        ("/search?q=graphs&sort=newest", ["/search?sort=newest&q=graphs", "/search?q=graphs&n=1&sort=newest"]),
        ("/paper/2603.00000", ["/paper/2603.00000?q=x&page=3"]),
    ],
)
async def test_a_parameter_that_changes_nothing_makes_no_other_page(site: Site, path: str, others: list[str]) -> None:
    await site.bot.list_papers([paper(0, upvotes=1)])
    first = await site.get(path)
    for other in others:
        answer = await site.get(other)
        assert (answer.headers["ETag"], answer.text) == (first.headers["ETag"], first.text)


async def test_each_parameter_of_a_page_makes_another(site: Site) -> None:
    await site.bot.list_papers([paper(number) for number in range(60)])
    paths = [
        *("/", "/?page=2", "/trending", "/trending?period=day", "/search?q=graphs", "/search?q=graph"),
        "/search?q=graphs&sort=newest",
        *("/paper/2603.00000", "/paper/2603.00000?sort=newest", "/paper/2603.00001"),
    ]
    assert len({(await site.get(path)).headers["ETag"] for path in paths}) == len(paths)


async def test_many_visitors_of_one_page_have_it_made_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.bot.list_papers([paper(0)])
    searches, search = list[str](), reports_search.search

    async def counted(store: Any, index: Any, query: str, *args: Any, **how: Any) -> Any:
        searches.append(query)
        return await search(store, index, query, *args, **how)

    monkeypatch.setattr(search_page, "search", counted)
    answers = await asyncio.gather(*(site.get("/search?q=graphs") for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert searches == ["graphs"]


async def test_many_visitors_who_are_sent_elsewhere_are_all_sent_there(site: Site) -> None:
    await site.bot.list_papers([paper(0)])
    answers = await asyncio.gather(*(site.get("/paper/https://arxiv.org/abs/2603.00000v2") for _ in range(10)))
    assert {(answer.status, answer.headers["Location"]) for answer in answers} == {(302, "/paper/2603.00000")}


async def test_errors_are_not_kept_and_have_no_tag(site: Site) -> None:
    for had in ({}, {"If-Modified-Since": "Fri, 01 Jan 2999 00:00:00 GMT"}, {"If-None-Match": "*"}):
        answer = await site.get("/paper/9999.00001", **had)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
        assert "ETag" not in answer.headers


@pytest.mark.parametrize("since", ["nonsense", "Fri, 01 Jan 99999999999999 00:00:00 GMT", "\xff", "0"])
async def test_a_date_that_is_none_is_ignored(site: Site, since: str) -> None:
    assert (await site.get("/", **{"If-Modified-Since": since})).status == 200


def test_kept_pages_are_bounded_and_the_oldest_go_first() -> None:
    kept = _KeptPages(5_000)
    for number in range(10):
        kept.put(str(number), b"x" * 1_000)
        assert kept.get("0") == (b"x" * 1_000)
    assert kept.get("1") is None
    assert kept.get("9") is not None
    kept.put("9", b"y" * 1_000)
    assert kept.get("8") is not None  # putting a page again takes no more room
    kept.put("large", b"x" * 600_000)
    assert kept.get("large") is None
