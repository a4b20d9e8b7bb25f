"""The Hugging Face source: its lists, pages and damaged answers."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.base import Listing, ListingKind, Refused, SourceError, Unreadable
from bot.sources.fetch import Answer, Fetcher
from bot.sources.huggingface import PAGE, HuggingFace, _Pages
from recommender.paper import Paper, web_link
from tests.support.paper_sources import PaperSources, Reply

FRIDAY = date(2026, 3, 6)
THURSDAY = date(2026, 3, 5)
DAILY = f"/api/daily_papers?date={FRIDAY}&limit={PAGE}&p=0"

WHOLE = Paper(
    id="2603.01234",
    title="Learning What a Channel Likes",
    abstract="We learn a taste from emoji.",
    authors=("Ada Moreau", "Bo Lindqvist"),
    published=date(2026, 3, 3),
    upvotes=17,
    comments=4,
    organization="Institute of Examples",
    code_url="https://github.com/example/likes",
    project_url="https://likes.example.org/",
    discussion_url="https://huggingface.co/papers/2603.01234",
)


def paper(number: int) -> Paper:
    return Paper(id=f"2603.{number:05d}", title=f"The paper with number {number}", upvotes=number, published=THURSDAY)


def source(server: PaperSources, fetcher: Fetcher) -> HuggingFace:
    return HuggingFace(fetcher, server.url + "/")


def ids(listings: object) -> list[str]:
    assert isinstance(listings, (list, tuple))
    return [listing.paper.id for listing in listings]


async def test_the_list_of_a_day_is_read_whole(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(FRIDAY, [WHOLE])
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert batch.listings == (Listing(WHOLE, "huggingface", FRIDAY, ListingKind.DAILY),)
    assert (batch.notes, batch.failure) == ((), None)


async def test_every_missed_day_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    for number, day in enumerate((THURSDAY, FRIDAY)):
        server.huggingface(day, [paper(number)])
    batch = await source(server, fetcher).fetch(THURSDAY - timedelta(days=1), FRIDAY, {})
    assert [(listing.paper.id, listing.listed_on) for listing in batch.listings] == [
        ("2603.00000", THURSDAY),
        ("2603.00001", FRIDAY),
    ]


async def test_a_long_list_is_read_page_by_page(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(FRIDAY, map(paper, range(2 * PAGE + 3)))
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert len(batch.listings) == 2 * PAGE + 3
    assert [request.query["p"] for request in server.requests] == ["0", "1", "2"]


async def test_a_server_that_ignores_page_numbers_is_asked_only_twice(server: PaperSources, fetcher: Fetcher) -> None:
    full_page = json.dumps([{"paper": {"id": f"2603.{n:05d}", "title": f"Paper {n}"}} for n in range(PAGE)])
    server.answer("/api/daily_papers", full_page)
    assert len((await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings) == PAGE
    assert len(server.requests) == 2


async def test_an_unchanged_list_gives_no_listings_and_the_same_memory(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(FRIDAY, map(paper, range(PAGE + 1)))
    hf = source(server, fetcher)
    first = await hf.fetch(FRIDAY, FRIDAY, {})
    again = await hf.fetch(FRIDAY, FRIDAY, first.memory)
    assert (again.listings, again.notes) == ((), ())
    assert again.memory == first.memory
    assert len(server.requests) == 4


async def test_a_changed_page_after_an_unchanged_page_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(FRIDAY, map(paper, range(PAGE + 1)))
    hf = source(server, fetcher)
    first = await hf.fetch(FRIDAY, FRIDAY, {})
    server.huggingface(FRIDAY, map(paper, range(PAGE + 2)))
    again = await hf.fetch(FRIDAY, FRIDAY, first.memory)
    assert ids(again.listings) == [f"2603.{PAGE:05d}", f"2603.{PAGE + 1:05d}"]


async def test_an_empty_list_gives_a_note(server: PaperSources, fetcher: Fetcher) -> None:
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert batch.listings == ()
    assert batch.notes == ("Hugging Face's Daily Papers list is empty.",)


async def test_only_id_and_title_are_needed(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer(DAILY, json.dumps([{"paper": {"id": "2603.00001v2"}, "title": "A title"}]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing == Listing(
        Paper(
            id="2603.00001",
            title="A title",
            published=FRIDAY,
            discussion_url="https://huggingface.co/papers/2603.00001v2",
        ),
        "huggingface",
        FRIDAY,
        ListingKind.DAILY,
    )


async def test_papers_without_an_id_or_a_title_are_counted_and_left_out(server: PaperSources, fetcher: Fetcher) -> None:
    items = [{"paper": {"id": "2603.00001", "title": "A title"}}, {"paper": {"id": "2603.00002"}}, {"paper": None}, 7]
    server.answer(DAILY, json.dumps(items))
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert ids(batch.listings) == ["2603.00001"]
    assert batch.notes == ("3 of Hugging Face's papers came without an id or a title and were left out.",)


async def test_a_paper_that_is_not_on_arxiv_links_to_hugging_face(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer(DAILY, json.dumps([{"paper": {"id": "a report", "title": "A report of our own"}}]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.id == "hf:a report"
    assert listing.paper.link == "https://huggingface.co/papers/a%20report"


async def test_titles_and_names_are_cleaned(server: PaperSources, fetcher: Fetcher) -> None:
    item = {
        "id": "2603.00001",
        "title": "  A \u202etitle\x00\n with \ud800 tricks " + "x" * 2_000,
        "authors": [{"name": " Ada\tMoreau "}, {"name": None}, {}, 3, {"name": "Ada Moreau"}],
    }
    server.answer(DAILY, json.dumps([{"paper": item}]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.title.startswith("A title with tricks")
    assert len(listing.paper.title) <= 1_000
    assert listing.paper.authors == ("Ada Moreau",)


@pytest.mark.parametrize("date_text", ["2999-01-01T00:00:00Z", "0001-01-01", "yesterday", 20260306, None])
async def test_an_implausible_date_becomes_the_day_of_the_list(
    server: PaperSources, fetcher: Fetcher, date_text: object
) -> None:
    item = {"id": "2603.00001", "title": "A title", "publishedAt": date_text, "submittedOnDailyAt": date_text}
    server.answer(DAILY, json.dumps([{"paper": item}]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.published, listing.listed_on) == (FRIDAY, FRIDAY)


async def test_a_list_in_another_encoding_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    body = '[{"paper": {"id": "2603.00001", "title": "Gödel’s café"}}]'
    server.answer(DAILY, Reply(body.encode("cp1252"), headers={"Content-Type": "application/json; charset=utf-8"}))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.title == "Gödel’s café"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!doctype html><html>We are down.</html>",
        '[{"paper": {"id": "2603.00001", "title": "A tit',
        '{"error": "no"}',
        "null",
        "[" * 100_000,
        "[" + "9" * 10_000 + "]",
        b"\x00\xff\xfe",
    ],
)
async def test_a_body_that_is_no_list_of_papers_is_unreadable(
    server: PaperSources, fetcher: Fetcher, body: str | bytes
) -> None:
    server.answer(DAILY, body)
    with pytest.raises(Unreadable, match=r"^127\.0\.0\.1 answered with "):
        await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})


async def test_a_failing_day_keeps_the_listings_of_earlier_days(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(THURSDAY, [paper(1)])
    server.answer(DAILY, Reply(status=403))
    batch = await source(server, fetcher).fetch(THURSDAY, FRIDAY, {})
    assert ids(batch.listings) == ["2603.00001"]
    assert isinstance(batch.failure, Refused)


async def test_a_400_for_today_is_no_failure(server: PaperSources, fetcher: Fetcher) -> None:
    server.huggingface(THURSDAY, [paper(1)])
    server.answer(DAILY, Reply(status=400))
    batch = await source(server, fetcher).fetch(THURSDAY, FRIDAY, {})
    assert (ids(batch.listings), batch.failure) == (["2603.00001"], None)


@pytest.mark.parametrize(
    "hostile",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://github.com@evil.example/x",
        "https://github.com/x y",
        "https://github.com/<!channel>",
        "https://github.com/" + "x" * 3_000,
        "github.com/x/y",
        ["https://github.com/x/y"],
        None,
    ],
)
async def test_a_link_that_can_not_be_followed_is_left_out(
    server: PaperSources, fetcher: Fetcher, hostile: object
) -> None:
    item = {"id": "2603.00001", "title": "A title", "githubRepo": hostile, "projectPage": hostile}
    server.answer(DAILY, json.dumps([{"paper": item}]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.code_url, listing.paper.project_url) == ("", "")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2603.00001"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
FIELDS = (
    "id",
    "authors",
    "publishedAt",
    "submittedOnDailyAt",
    "title",
    "summary",
    "upvotes",
    "organization",
    "comments",
    "githubRepo",
    "projectPage",
)
inner = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything))
outer = st.fixed_dictionaries(
    {},
    optional={"paper": inner | anything, "title": anything, "numComments": anything, "organization": anything},
)


@given(st.lists(outer | anything, max_size=4) | anything)
def test_any_values_in_the_fields_give_valid_papers(body: object) -> None:
    pages = _Pages(FRIDAY)
    answer = Answer("https://huggingface.co/x", 200, json.dumps(body).encode())
    try:
        pages.add(answer, FRIDAY)
    except SourceError:
        return
    for listing in pages.listings.values():
        paper = listing.paper
        assert paper.id
        assert paper.title
        assert 0 <= paper.upvotes <= 10**9
        assert 0 <= paper.comments <= 10**9
        for url in (paper.code_url, paper.project_url, paper.discussion_url):
            assert url == web_link(url)
        for text in (paper.id, paper.title, paper.abstract, paper.organization, *paper.authors):
            text.encode()  # a lone surrogate could not be
            assert "\x00" not in text
