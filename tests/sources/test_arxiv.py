"""The arXiv source: announcements and the query API, with their failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.sources.arxiv import ArXiv
from bot.sources.base import Batch, ListingKind, RateLimited, Refused, Unreachable, Unreadable
from bot.sources.fetch import Fetcher
from recommender.paper import Paper
from tests.sources.conftest import FakeTime
from tests.support.paper_sources import (
    PaperSources,
    Reply,
    arxiv_api,
    arxiv_atom,
    arxiv_error,
    arxiv_rss,
)

MONDAY = date(2026, 3, 2)
WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = (MONDAY + timedelta(days=days) for days in (2, 3, 4, 5))

WHOLE = Paper(
    id="2603.01234",
    title="Channels & Tastes: a < b",
    abstract="We learn what a channel likes; for a < b it is $O(n)$.",
    authors=("Ada Moreau", "Bo Lindqvist"),
    categories=("cs.LG", "stat.ML"),
    published=FRIDAY,
)


def paper(number: int, day: date = FRIDAY, category: str = "cs.LG") -> Paper:
    title = f"The paper with number {number}"
    return Paper(id=f"2603.{number:05d}", title=title, categories=(category,), published=day)


def source(server: PaperSources, fetcher: Fetcher, *categories: str) -> ArXiv:
    return ArXiv(fetcher, categories or ("cs.LG",), url=server.url, rss_url=server.url + "/")


def kinds(batch: Batch) -> dict[str, ListingKind]:
    return {listing.paper.id: listing.kind for listing in batch.listings}


@pytest.mark.parametrize("form", [arxiv_atom, arxiv_rss])
async def test_an_announcement_is_read_whole_from_atom_and_from_rss(
    server: PaperSources, fetcher: Fetcher, form: object
) -> None:
    assert callable(form)
    server.answer("/atom/cs.LG", form("cs.LG", FRIDAY, [(WHOLE, "new")]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper == WHOLE
    assert (listing.source, listing.listed_on, listing.kind) == ("arxiv", FRIDAY, ListingKind.NEW)


async def test_rss_is_read_when_atom_is_refused(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    server.answer("/atom/cs.LG", Reply("no", status=406))
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert (kinds(batch), batch.failure) == ({"2603.00001": ListingKind.NEW}, None)


async def test_the_announce_type_becomes_the_listing_kind(server: PaperSources, fetcher: Fetcher) -> None:
    entries = [
        (paper(n), kind.value)
        for n, kind in enumerate((ListingKind.NEW, ListingKind.CROSS, ListingKind.REPLACE, ListingKind.REPLACE_CROSS))
    ]
    server.arxiv_feed("cs.LG", FRIDAY, entries)
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert list(kinds(batch).values()) == [
        ListingKind.NEW,
        ListingKind.CROSS,
        ListingKind.REPLACE,
        ListingKind.REPLACE_CROSS,
    ]


async def test_the_listing_kind_is_read_from_the_abstract_without_an_announce_type(
    server: PaperSources, fetcher: Fetcher
) -> None:
    feed = arxiv_atom("cs.LG", FRIDAY, [(paper(1), "replace")])
    server.answer("/atom/cs.LG", feed.replace("<arxiv:announce_type>replace</arxiv:announce_type>", ""))
    assert kinds(await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})) == {"2603.00001": ListingKind.REPLACE}


@pytest.mark.parametrize(
    ("paper_id", "published"),
    [("2501.01234", date(2025, 1, 31)), ("math/0309136", date(2003, 9, 30)), ("hep-th/9912001", date(1999, 12, 31))],
)
async def test_a_cross_listed_paper_is_published_in_the_month_of_its_id(
    server: PaperSources, fetcher: Fetcher, paper_id: str, published: date
) -> None:
    old = Paper(id=paper_id, title="An old paper, listed again", categories=("cs.LG",))
    server.arxiv_feed("cs.LG", FRIDAY, [(old, "cross")])
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.published, listing.listed_on) == (published, FRIDAY)


async def test_a_paper_in_two_categories_is_one_listing_of_the_stronger_kind(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.arxiv_feed("cs.CL", FRIDAY, [(paper(1), "cross")])
    server.arxiv_feed("cs.LG", FRIDAY, [(paper(1), "new")])
    assert kinds(await source(server, fetcher, "cs.CL", "cs.LG").fetch(FRIDAY, FRIDAY, {})) == {
        "2603.00001": ListingKind.NEW
    }


async def test_a_line_of_authors_with_tex_accents_is_split(server: PaperSources, fetcher: Fetcher) -> None:
    line = r"Paulo Andr\'e Lima, G\"unter \L{}ukasz (1 and 2), Sam O'Neil, Al Smith, Jr., Xin Yu ((1) MIT, (2) ETH)"
    server.arxiv_feed("cs.LG", FRIDAY, [Paper(id="2603.00001", title="Names", authors=(line,))])
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.authors == ("Paulo André Lima", "Günter Łukasz", "Sam O'Neil", "Al Smith, Jr.", "Xin Yu")


async def test_a_doi_is_read_and_categories_of_other_classifications_are_left_out(
    server: PaperSources, fetcher: Fetcher
) -> None:
    sent = Paper(id="2603.00001", title="Classes", categories=("cs.LG", "68T05", "I.2.6; H.3"), doi="10.1145/1.2")
    server.answer("/atom/cs.LG", arxiv_rss("cs.LG", FRIDAY, [(sent, "new")]))
    (listing,) = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.doi, listing.paper.categories) == ("10.1145/1.2", ("cs.LG",))


@pytest.mark.parametrize("form", [arxiv_atom, arxiv_rss])
async def test_an_empty_feed_on_a_weekend_gives_a_note(server: PaperSources, fetcher: Fetcher, form: object) -> None:
    assert callable(form)
    server.answer("/atom/cs.LG", form("cs.LG", SATURDAY, []))
    batch = await source(server, fetcher).fetch(SATURDAY, SATURDAY, {})
    assert (batch.listings, batch.failure) == ((), None)
    assert batch.notes == ("arXiv announces nothing on Saturdays and Sundays.",)


async def test_an_empty_feed_on_a_weekday_gives_a_note(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY)
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert batch.notes == ("arXiv announced nothing on 6 March: a holiday there, or a quiet day.",)


async def test_entries_without_an_id_or_with_an_unknown_kind_are_counted_and_left_out(
    server: PaperSources, fetcher: Fetcher
) -> None:
    nameless, unknown = Paper(id="not an id", title="Who am I"), paper(2)
    entries = [(paper(1), "new"), (nameless, "new"), (unknown, "withdrawn-by-aliens")]
    server.answer("/atom/cs.LG", arxiv_atom("cs.LG", FRIDAY, entries))
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert list(kinds(batch)) == ["2603.00001"]
    assert batch.notes == ("2 of arXiv's entries could not be read and were left out.",)


async def test_an_unchanged_list_gives_no_listings_and_the_same_memory(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    arxiv = source(server, fetcher)
    first = await arxiv.fetch(FRIDAY, FRIDAY, {})
    again = await arxiv.fetch(FRIDAY, FRIDAY, first.memory)
    assert (again.listings, again.notes, again.memory) == ((), (), first.memory)


async def test_missed_days_are_read_from_the_query_api(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(5)])
    earlier = [paper(n, day) for n, day in enumerate((FRIDAY - timedelta(days=7), MONDAY, WEDNESDAY, THURSDAY))]
    server.arxiv([*earlier, paper(9, WEDNESDAY, "math.CO")])
    batch = await source(server, fetcher).fetch(MONDAY, FRIDAY, {})
    assert [(listing.paper, listing.listed_on, listing.kind) for listing in batch.listings[1:]] == [
        (earlier[1], MONDAY, ListingKind.BACKFILL),
        (earlier[2], WEDNESDAY, ListingKind.BACKFILL),
        (earlier[3], THURSDAY, ListingKind.BACKFILL),
    ]
    assert kinds(batch)["2603.00005"] is ListingKind.NEW


async def test_the_query_api_is_not_asked_when_no_day_was_missed(server: PaperSources, fetcher: Fetcher) -> None:
    arxiv = source(server, fetcher)
    memory: Mapping[str, str] = {}
    for day in (THURSDAY, FRIDAY, SATURDAY, MONDAY + timedelta(days=7)):
        server.arxiv_feed("cs.LG", day, [paper(day.day, day)])
        # The day before is asked for again, as a careful caller does.
        batch = await arxiv.fetch(day if not memory else day - timedelta(days=1), day, memory)
        memory = batch.memory
    assert "/api/query" not in server.paths()


async def test_a_day_between_two_late_feeds_is_not_lost(server: PaperSources, fetcher: Fetcher) -> None:
    arxiv = source(server, fetcher)
    server.arxiv_feed("cs.LG", MONDAY, [paper(1, MONDAY)])
    tuesday = MONDAY + timedelta(days=1)
    memory = (await arxiv.fetch(tuesday, tuesday, {})).memory  # a Tuesday, before the feed was rebuilt
    server.arxiv([paper(2, tuesday)])
    server.arxiv_feed("cs.LG", WEDNESDAY, [paper(3, WEDNESDAY)])
    batch = await arxiv.fetch(THURSDAY, THURSDAY, memory)
    assert list(kinds(batch)) == ["2603.00003", "2603.00002"]


async def test_a_category_added_later_is_backfilled(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY)
    memory = (await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})).memory
    server.arxiv([paper(2, THURSDAY, "cs.CL")])
    server.arxiv_feed("cs.CL", FRIDAY)
    batch = await source(server, fetcher, "cs.LG", "cs.CL").fetch(THURSDAY, FRIDAY, memory)
    assert kinds(batch) == {"2603.00002": ListingKind.BACKFILL}


async def test_a_failed_query_api_keeps_the_feed_and_reports_the_failure(
    server: PaperSources, fetcher: Fetcher
) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    server.answer("/api/query", Reply("Not Acceptable", status=406))
    batch = await source(server, fetcher).fetch(THURSDAY, FRIDAY, {})
    assert kinds(batch) == {"2603.00001": ListingKind.NEW}
    assert isinstance(batch.failure, Refused)
    assert str(batch.failure) == "127.0.0.1 refused to answer (406); the next run will ask again."


async def test_a_failing_category_does_not_stop_the_others(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    batch = await source(server, fetcher, "cs.XX", "cs.LG").fetch(FRIDAY, FRIDAY, {})
    assert kinds(batch) == {"2603.00001": ListingKind.NEW}
    assert str(batch.failure) == "arXiv has no list of cs.XX (404); check the category's name."


async def test_rss_is_not_tried_when_atom_is_rate_limited(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/atom/cs.LG", Reply(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited, match=r"arxiv\.org asked not to be asked again for 60 minutes"):
        await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert server.paths() == ["/atom/cs.LG"]


async def test_a_good_feed_with_status_406_is_read(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/api/query", Reply(arxiv_api([WHOLE]), status=406))
    assert await source(server, fetcher).papers([WHOLE.id]) == [WHOLE]
    server.answer("/atom/cs.LG", Reply(arxiv_atom("cs.LG", FRIDAY, [(WHOLE, "new")]), status=406))
    assert kinds(await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})) == {WHOLE.id: ListingKind.NEW}


async def test_every_request_keeps_the_pace_of_arxiv(
    server: PaperSources, fetcher: Fetcher, fake_time: FakeTime
) -> None:
    server.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    server.arxiv_feed("cs.CL", FRIDAY, [paper(2)])
    await source(server, fetcher, "cs.LG", "cs.CL").fetch(THURSDAY, FRIDAY, {})
    assert server.paths() == ["/atom/cs.LG", "/atom/cs.CL", "/api/query"]
    assert fake_time.sleeps == [3.0, 3.0]


async def test_a_long_answer_of_the_api_is_read_page_by_page(server: PaperSources, fetcher: Fetcher) -> None:
    many = [paper(n, THURSDAY) for n in range(1_001)]
    server.arxiv(many)
    papers = [listing.paper async for listing in source(server, fetcher).backfill(THURSDAY, THURSDAY)]
    assert papers == many
    assert [request.query["start"] for request in server.requests] == ["0", "500", "1000"]


async def test_a_long_backfill_is_queried_week_by_week(server: PaperSources, fetcher: Fetcher) -> None:
    days = [MONDAY - timedelta(weeks=weeks) for weeks in (5, 3, 1)]
    server.arxiv([paper(n, day) for n, day in enumerate(days)])
    listed_days = [listing.listed_on async for listing in source(server, fetcher).backfill(days[0], MONDAY)]
    assert listed_days == days
    assert len(server.requests) == 6


async def test_an_empty_api_page_is_requested_again(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/api/query", arxiv_api([], total=1), arxiv_api([paper(1, THURSDAY)], total=1))
    ids = [listing.paper.id async for listing in source(server, fetcher).backfill(THURSDAY, THURSDAY)]
    assert ids == ["2603.00001"]


async def test_three_empty_api_pages_in_a_row_are_an_error(server: PaperSources, fetcher: Fetcher) -> None:
    server.answer("/api/query", arxiv_api([], total=10**9))
    with pytest.raises(Unreadable, match="stopped after 0 of"):
        _ = [listing async for listing in source(server, fetcher).backfill(THURSDAY, THURSDAY)]
    assert len(server.requests) == 3


async def test_single_papers_come_once_in_the_order_of_their_ids(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv([paper(1), paper(2)])
    ids = ["https://arxiv.org/pdf/2603.00002v3", "2603.00001", "arXiv:2603.00002", "2603.09999"]
    assert await source(server, fetcher).papers(ids) == [paper(2), paper(1)]
    assert server.requests[0].query["id_list"] == "2603.00002,2603.00001,2603.09999"


async def test_many_ids_are_requested_in_batches(server: PaperSources, fetcher: Fetcher) -> None:
    many = [paper(n) for n in range(150)]
    server.arxiv(many)
    assert await source(server, fetcher).papers(listed.id for listed in many) == many
    assert len(server.requests) == 2


async def test_no_request_is_made_for_no_ids(server: PaperSources, fetcher: Fetcher) -> None:
    assert await source(server, fetcher).papers([]) == []
    assert server.requests == []


async def test_an_invalid_arxiv_id_is_refused_before_any_request(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused, match="“1234” is no arXiv id; one looks like"):
        await source(server, fetcher).papers(["2603.00001", "1234"])
    assert server.requests == []


@pytest.mark.parametrize("status", [200, 400])
async def test_an_error_entry_of_the_api_is_refused_with_its_reason(
    server: PaperSources, fetcher: Fetcher, status: int
) -> None:
    server.answer("/api/query", Reply(arxiv_error("incorrect id format for 1234"), status=status))
    with pytest.raises(Refused, match="arXiv refused the question: incorrect id format for 1234"):
        await source(server, fetcher).papers(["2603.00001"])


async def test_without_categories_the_error_asks_for_one(server: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused, match=r"name one, for example cs\.LG"):
        await ArXiv(fetcher, ()).fetch(FRIDAY, FRIDAY, {})


async def test_an_unreachable_host_is_not_asked_for_every_category(fetcher: Fetcher, fake_time: FakeTime) -> None:
    async def waiting_time(*categories: str) -> float:
        before = fake_time.seconds
        arxiv = ArXiv(fetcher, categories, url="http://127.0.0.1:1", rss_url="http://127.0.0.1:1")
        with pytest.raises(Unreachable):
            await arxiv.fetch(FRIDAY, FRIDAY, {})
        return fake_time.seconds - before

    assert await waiting_time("cs.LG", "cs.CV", "cs.CL", "cs.AI") <= 2 * await waiting_time("cs.LG")


async def test_a_feed_covers_the_day_of_its_newest_entry(server: PaperSources, fetcher: Fetcher) -> None:
    arxiv = source(server, fetcher)
    tuesday = MONDAY + timedelta(days=1)
    built_today = arxiv_atom("cs.LG", MONDAY, [(paper(1, MONDAY), "new")])
    built_today = built_today.replace(f"<updated>{MONDAY}T", f"<updated>{tuesday}T")
    server.answer("/atom/cs.LG", built_today)
    memory = (await arxiv.fetch(tuesday, tuesday, {})).memory
    server.arxiv([paper(2, tuesday)])
    server.arxiv_feed("cs.LG", WEDNESDAY, [paper(3, WEDNESDAY)])
    batch = await arxiv.fetch(WEDNESDAY, WEDNESDAY, memory)
    assert list(kinds(batch)) == ["2603.00003", "2603.00002"]


@pytest.mark.parametrize("kind", ["new", "replace"])
async def test_a_withdrawn_paper_is_marked(server: PaperSources, fetcher: Fetcher, kind: str) -> None:
    withdrawn = replace(paper(1), abstract="This paper has been withdrawn by the authors due to an error in Lemma 2.")
    server.arxiv_feed("cs.LG", FRIDAY, [(withdrawn, kind), (paper(2), "new")])
    batch = await source(server, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert {listing.paper.id: listing.paper.withdrawn for listing in batch.listings} == {
        "2603.00001": True,
        "2603.00002": False,
    }


async def test_one_id_that_the_api_refuses_costs_no_other(server: PaperSources, fetcher: Fetcher) -> None:
    server.arxiv([paper(1), paper(3)])
    server.answer("/api/query?id_list=2603.00001%2C2603.00002%2C2603.00003&max_results=3", arxiv_error("bad id"))
    server.answer("/api/query?id_list=2603.00002%2C2603.00003&max_results=2", Reply(arxiv_error("bad id"), status=400))
    server.answer("/api/query?id_list=2603.00002&max_results=1", Reply(arxiv_error("bad id"), status=400))
    single_papers = await source(server, fetcher).papers(["2603.00001", "2603.00002", "2603.00003"])
    assert [single.id for single in single_papers] == ["2603.00001", "2603.00003"]
