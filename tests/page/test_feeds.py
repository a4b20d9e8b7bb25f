"""The Atom feeds, as feed readers see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.page import atom
from bot.page.atom import AtomEntry, AtomFeed, AtomLink
from bot.page.feed_entries import entries_of
from bot.page.views import page_templates
from bot.reports.news_items import NewsItem
from bot.store import papers
from recommender import Paper
from tests.page.atom_rules import broken_rules
from tests.page.conftest import Answer, Site
from tests.support.harness import paper

FEEDS = ["/feeds/day.atom", "/feeds/trending.atom", "/feeds/trending.atom?period=month", "/feeds/search.atom?q=graphs"]


def parsed(answer: Answer) -> Any:
    """The feed as feedparser reads it, once it is valid."""
    assert answer.status == 200, answer.text
    body = answer.text.encode()
    assert broken_rules(body) == []
    feed = feedparser.parse(body)
    assert feed.bozo is False, feed.get("bozo_exception")
    return feed


async def titles(site: Site, path: str) -> list[str]:
    return [entry.title for entry in parsed(await site.get(path)).entries]


@pytest.mark.parametrize("path", FEEDS)
async def test_every_feed_is_valid_with_and_without_papers(site: Site, path: str) -> None:
    assert parsed(await site.get(path)).entries == []
    await site.bot.list_papers([paper(number, upvotes=number + 1) for number in range(0, 80, 8)])
    answer = await site.get(path)
    feed = parsed(answer)
    assert len(feed.entries) == 10
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    [self_link] = [link for link in feed.feed.links if link.rel == "self"]
    assert self_link.href.startswith(f"{site.url}{path}")
    assert (await site.get(self_link.href.removeprefix(site.url))).text == answer.text


async def test_a_feed_reader_reads_every_field_of_a_paper_back(site: Site) -> None:
    await site.bot.list_papers(
        [
            paper(
                1,
                title='Bounds of $O(n^2)$ & "more" <fast>',
                abstract="We show $\\alpha$-stable sums. They <b>hold</b>. Code: https://github.com/ada/sums.",
                organization="Lab & Sons",
                published=date(2026, 2, 27),
                upvotes=7,
                comments=3,
                discussion_url="https://huggingface.co/papers/2603.00001",
                project_url="https://sums.example/?a=1&b=2",
            )
        ]
    )
    feed = parsed(await site.get("/feeds/day.atom"))
    assert feed.feed.title == "Papers of the day · Paperboy"
    assert feed.feed.generator == "Paperboy"
    [entry] = feed.entries
    assert entry.title == 'Bounds of O(n^2) & "more" <fast>'
    assert [author.name for author in entry.authors] == ["Ada Lovelace", "Emmy Noether"]
    assert [tag.term for tag in entry.tags] == ["cs.LG"]
    assert entry.updated == f"{site.bot.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert entry.published == "2026-02-27T00:00:00Z"
    assert "α-stable sums" in entry.summary
    assert entry.link == f"{site.url}/paper/2603.00001"
    links = {(link.rel, link.get("title", "")): link.href for link in entry.links}
    assert links["via", "Paper"] == "https://arxiv.org/abs/2603.00001"
    assert links["related", "PDF"] == "https://arxiv.org/pdf/2603.00001"
    assert links["related", "Code"] == "https://github.com/ada/sums"
    assert links["related", "Project page"] == "https://sums.example/?a=1&b=2"
    assert links["related", "Hugging Face"] == "https://huggingface.co/papers/2603.00001"
    [content] = entry.content
    assert content.type == "text/html"
    assert "Lab &amp; Sons" in content.value


async def test_votes_and_comments_change_neither_an_entry_nor_the_order(site: Site) -> None:
    some = [paper(number, upvotes=number) for number in range(1, 5)]
    await site.bot.list_papers(some)
    first = await site.get("/feeds/day.atom")
    site.bot.clock.advance(timedelta(hours=2))
    await site.bot.list_papers([replace(each, upvotes=90 - each.upvotes, comments=4) for each in some])
    assert (await site.get("/feeds/day.atom")).text == first.text


async def test_the_day_feed_goes_back_over_earlier_days_until_it_is_full(site: Site) -> None:
    today = site.bot.clock.now.date()
    await site.bot.list_papers([paper(number, upvotes=1) for number in range(90)], today - timedelta(days=3))
    site.bot.clock.advance(timedelta(hours=1))
    await site.bot.list_papers([paper(number) for number in range(100, 130)], today)
    entries = await titles(site, "/feeds/day.atom")
    assert len(entries) == 100
    assert set(entries[:30]) == {paper(number).title for number in range(100, 130)}


async def test_a_search_feed_has_the_latest_papers_that_match_the_whole_query(site: Site) -> None:
    today = site.bot.clock.now.date()
    for number, ago in ((8, 300), (16, 60), (24, 0), (1, 0)):
        await site.bot.list_papers([paper(number)], today - timedelta(days=ago))
        site.bot.clock.advance(timedelta(hours=1))
    assert await titles(site, "/feeds/search.atom?q=graphs") == [paper(number).title for number in (24, 16, 8)]
    assert await titles(site, "/feeds/search.atom?q=graphs+-%22setting+16%22") == [paper(n).title for n in (24, 8)]
    assert parsed(await site.get("/feeds/search.atom?q=graphs")).feed.title == "“graphs” · Paperboy"


async def test_a_search_feed_has_imported_papers_too_by_their_day(site: Site) -> None:
    async with site.bot.store.write() as tx:
        imported = [paper(8, published=date(2020, 5, 1)), paper(16, published=date(2021, 5, 1)), paper(24)]
        await papers.record(tx, imported, site.bot.clock())
    await site.bot.app.paper_index.sync()
    assert await titles(site, "/feeds/search.atom?q=graphs") == [paper(number).title for number in (16, 8, 24)]
    assert await titles(site, "/feeds/day.atom") == []


async def test_withdrawn_papers_leave_the_feeds(site: Site) -> None:
    await site.bot.list_papers([paper(8, upvotes=3)])
    await site.bot.list_papers([paper(8, upvotes=3, withdrawn=True)])
    for path in FEEDS:
        assert await titles(site, path) == []


async def test_a_feed_that_did_not_change_is_not_sent_again(site: Site) -> None:
    await site.bot.list_papers([paper(8, upvotes=3)])
    path = "/feeds/day.atom"
    first = await site.get(path)
    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"other", W/{first.headers["ETag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first.headers["Last-Modified"]},
        {"If-None-Match": first.headers["ETag"], "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        again = await site.get(path, **headers)
        assert (again.status, again.text) == (304, ""), headers
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == "public, max-age=300"
    site.bot.clock.advance(timedelta(minutes=5))
    await site.bot.list_papers([paper(9)])
    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
        {"If-Modified-Since": "yesterday"},
        {"If-Modified-Since": f"Mon, 01 Jan {10**12} 00:00:00 GMT"},
        {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"},
    ):
        assert (await site.get(path, **headers)).status == 200, headers


async def test_head_tells_what_get_would(site: Site) -> None:
    await site.bot.list_papers([paper(8)])
    answer, head = await site.get("/feeds/day.atom"), await site.ask("HEAD", "/feeds/day.atom")
    assert (head.status, head.text) == (200, "")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/feeds/search.atom", 400),
        ("/feeds/search.atom?q=+", 400),
        (f"/feeds/search.atom?q={'x' * 501}", 413),
        ("/feeds/trending.atom?period=year", 404),
        ("/feeds/nothing.atom", 404),
    ],
)
async def test_a_wrong_address_is_told_in_one_line(site: Site, path: str, status: int) -> None:
    answer = await site.get(path, Accept="application/atom+xml, */*;q=0.1")
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize("query", ['"><script>alert(1)</script>', "a\r\nSet-Cookie: x=1", "\0\x0b￿", "é ☃ 𝔘", "&amp;"])
async def test_any_query_makes_a_valid_feed(site: Site, query: str) -> None:
    await site.bot.list_papers([paper(8)])
    answer = await site.get(f"/feeds/search.atom?q={quote(query)}")
    feed = parsed(answer)
    assert "Set-Cookie" not in answer.headers
    assert feed.feed.title.startswith("“")


async def test_ids_of_feeds_stay_and_differ(site: Site) -> None:
    await site.bot.list_papers([paper(8, upvotes=1)])
    feeds = [parsed(await site.get(path)) for path in FEEDS]
    assert len({feed.feed.id for feed in feeds}) == len(FEEDS)
    assert len({feed.entries[0].id for feed in feeds}) == 1
    assert atom.entry_id("2603.00008") == feeds[0].entries[0].id == "urn:uuid:602f1bde-7753-5a99-a730-da878c8368e0"


async def test_the_page_of_feeds_lists_them_and_makes_one_for_a_search(site: Site) -> None:
    page = await site.get("/feeds")
    assert page.text.count('rel="alternate" type="application/atom+xml"') == 4
    made = await site.get("/feeds?q=%22graph+networks%22+-survey")
    assert f"{site.url}/feeds/search.atom?q=%22graph+networks%22+-survey" in made.text


async def test_a_doi_with_signs_that_no_link_may_have_makes_a_valid_feed(site: Site) -> None:
    await site.bot.list_papers([Paper("doi:10.1234/a{b}|c^d`e\\f", "A paper with quite a strange digital object id")])
    [entry] = parsed(await site.get("/feeds/day.atom")).entries
    assert "https://doi.org/10.1234/a%7Bb%7D%7Cc%5Ed%60e%5Cf" in [link.href for link in entry.links]


hostile = st.text(st.characters(codec=None), max_size=60)
any_paper = st.builds(
    Paper,
    id=hostile,
    title=hostile,
    abstract=hostile,
    authors=st.lists(hostile, max_size=3).map(tuple),
    categories=st.lists(hostile, max_size=3).map(tuple),
    published=st.none() | st.dates(),
    organization=hostile,
    url=hostile | st.just("javascript:alert(1)") | st.just("https://x.example/\x01\x7f"),
    pdf_url=hostile,
    source=hostile,
)
moments = st.datetimes(timezones=st.just(UTC))
TEMPLATES = page_templates()


@given(st.lists(st.tuples(any_paper, moments), max_size=4, unique_by=lambda pair: pair[0].id), hostile, hostile)
def test_hostile_papers_make_a_valid_feed(some: list[tuple[Paper, datetime]], title: str, why: str) -> None:
    items = [NewsItem(each, at, f"{number}", why) for number, (each, at) in enumerate(some)]
    entries = entries_of(items, "https://papers.example", TEMPLATES)
    body = atom.xml(
        AtomFeed(
            atom.feed_id("site", title), title, title, "https://papers.example/f", "https://papers.example/", entries
        )
    )
    assert broken_rules(body) == []
    feed = feedparser.parse(body)
    assert feed.bozo is False
    assert len(feed.entries) == len(some)
    assert b"javascript:" not in body


@given(hostile, hostile, hostile)
def test_texts_come_back_without_what_xml_forbids(title: str, summary: str, author: str) -> None:
    entry = AtomEntry(
        "urn:x:1", title, atom.NOTHING_YET, None, (f"A {author}",), (), summary, "", (AtomLink("via", "https://x.y"),)
    )
    body = atom.xml(AtomFeed("urn:x:0", "t", "s", "https://x.y/f", "https://x.y/", (entry,)))
    assert broken_rules(body) == []
