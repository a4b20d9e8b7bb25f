"""arXiv's announcements, its query API, and the bad days of both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from bot.sources.arxiv import ArXiv
from bot.sources.base import Batch, ListingKind, RateLimited, Refused, Unreachable, Unreadable
from bot.sources.fetch import Fetcher
from recommender.paper import Paper
from tests.sources.conftest import Standing
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


def source(world: PaperSources, fetcher: Fetcher, *categories: str) -> ArXiv:
    return ArXiv(fetcher, categories or ("cs.LG",), url=world.url, rss_url=world.url + "/")


def kinds(batch: Batch) -> dict[str, ListingKind]:
    return {listing.paper.id: listing.kind for listing in batch.listings}


@pytest.mark.parametrize("form", [arxiv_atom, arxiv_rss])
async def test_a_days_announcement_comes_whole_in_either_form(
    world: PaperSources, fetcher: Fetcher, form: object
) -> None:
    assert callable(form)
    world.answer("/atom/cs.LG", form("cs.LG", FRIDAY, [(WHOLE, "new")]))
    (listing,) = (await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper == WHOLE
    assert (listing.source, listing.listed_on, listing.kind) == ("arxiv", FRIDAY, ListingKind.NEW)


async def test_the_rss_form_is_read_when_the_atom_form_cannot_be_had(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    world.answer("/atom/cs.LG", Reply("no", status=406))
    batch = await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert (kinds(batch), batch.failure) == ({"2603.00001": ListingKind.NEW}, None)


async def test_new_and_listed_again_are_told_apart(world: PaperSources, fetcher: Fetcher) -> None:
    entries = [
        (paper(n), kind.value)
        for n, kind in enumerate((ListingKind.NEW, ListingKind.CROSS, ListingKind.REPLACE, ListingKind.REPLACE_CROSS))
    ]
    world.arxiv_feed("cs.LG", FRIDAY, entries)
    batch = await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert list(kinds(batch).values()) == [
        ListingKind.NEW,
        ListingKind.CROSS,
        ListingKind.REPLACE,
        ListingKind.REPLACE_CROSS,
    ]


async def test_the_abstracts_own_head_tells_the_kind_when_nothing_else_does(
    world: PaperSources, fetcher: Fetcher
) -> None:
    feed = arxiv_atom("cs.LG", FRIDAY, [(paper(1), "replace")])
    world.answer("/atom/cs.LG", feed.replace("<arxiv:announce_type>replace</arxiv:announce_type>", ""))
    assert kinds(await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})) == {"2603.00001": ListingKind.REPLACE}


@pytest.mark.parametrize(
    ("its_id", "published"),
    [("2501.01234", date(2025, 1, 31)), ("math/0309136", date(2003, 9, 30)), ("hep-th/9912001", date(1999, 12, 31))],
)
async def test_an_old_paper_listed_again_is_as_old_as_its_id(
    world: PaperSources, fetcher: Fetcher, its_id: str, published: date
) -> None:
    old = Paper(id=its_id, title="An old paper, listed again", categories=("cs.LG",))
    world.arxiv_feed("cs.LG", FRIDAY, [(old, "cross")])
    (listing,) = (await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.published, listing.listed_on) == (published, FRIDAY)


async def test_a_paper_in_two_categories_is_one_listing_of_the_stronger_kind(
    world: PaperSources, fetcher: Fetcher
) -> None:
    world.arxiv_feed("cs.CL", FRIDAY, [(paper(1), "cross")])
    world.arxiv_feed("cs.LG", FRIDAY, [(paper(1), "new")])
    assert kinds(await source(world, fetcher, "cs.CL", "cs.LG").fetch(FRIDAY, FRIDAY, {})) == {
        "2603.00001": ListingKind.NEW
    }


async def test_authors_come_as_one_line_with_tex_accents(world: PaperSources, fetcher: Fetcher) -> None:
    line = r"Paulo Andr\'e Lima, G\"unter \L{}ukasz (1 and 2), Sam O'Neil, Al Smith, Jr., Xin Yu ((1) MIT, (2) ETH)"
    world.arxiv_feed("cs.LG", FRIDAY, [Paper(id="2603.00001", title="Names", authors=(line,))])
    (listing,) = (await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert listing.paper.authors == ("Paulo André Lima", "Günter Łukasz", "Sam O'Neil", "Al Smith, Jr.", "Xin Yu")


async def test_doi_and_foreign_classifications(world: PaperSources, fetcher: Fetcher) -> None:
    one = Paper(id="2603.00001", title="Classes", categories=("cs.LG", "68T05", "I.2.6; H.3"), doi="10.1145/1.2")
    world.answer("/atom/cs.LG", arxiv_rss("cs.LG", FRIDAY, [(one, "new")]))
    (listing,) = (await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})).listings
    assert (listing.paper.doi, listing.paper.categories) == ("10.1145/1.2", ("cs.LG",))


@pytest.mark.parametrize("form", [arxiv_atom, arxiv_rss])
async def test_an_empty_weekend_is_no_error_and_says_why(world: PaperSources, fetcher: Fetcher, form: object) -> None:
    assert callable(form)
    world.answer("/atom/cs.LG", form("cs.LG", SATURDAY, []))
    batch = await source(world, fetcher).fetch(SATURDAY, SATURDAY, {})
    assert (batch.listings, batch.failure) == ((), None)
    assert batch.notes == ("arXiv announces nothing on Saturdays and Sundays.",)


async def test_an_empty_weekday_says_that_too(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY)
    batch = await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert batch.notes == ("arXiv announced nothing on 6 March: a holiday there, or a quiet day.",)


async def test_entries_that_make_no_sense_are_counted_and_left_out(world: PaperSources, fetcher: Fetcher) -> None:
    nameless, unknown = Paper(id="not an id", title="Who am I"), paper(2)
    entries = [(paper(1), "new"), (nameless, "new"), (unknown, "withdrawn-by-aliens")]
    world.answer("/atom/cs.LG", arxiv_atom("cs.LG", FRIDAY, entries))
    batch = await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert list(kinds(batch)) == ["2603.00001"]
    assert batch.notes == ("2 of arXiv's entries could not be read and were left out.",)


async def test_what_did_not_change_gives_nothing_and_stays_remembered(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    arxiv = source(world, fetcher)
    first = await arxiv.fetch(FRIDAY, FRIDAY, {})
    again = await arxiv.fetch(FRIDAY, FRIDAY, first.memory)
    assert (again.listings, again.notes, again.memory) == ((), (), first.memory)


async def test_missed_days_are_filled_by_the_api(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(5)])
    earlier = [paper(n, day) for n, day in enumerate((FRIDAY - timedelta(days=7), MONDAY, WEDNESDAY, THURSDAY))]
    world.arxiv([*earlier, paper(9, WEDNESDAY, "math.CO")])
    batch = await source(world, fetcher).fetch(MONDAY, FRIDAY, {})
    assert [(listing.paper, listing.listed_on, listing.kind) for listing in batch.listings[1:]] == [
        (earlier[1], MONDAY, ListingKind.BACKFILL),
        (earlier[2], WEDNESDAY, ListingKind.BACKFILL),
        (earlier[3], THURSDAY, ListingKind.BACKFILL),
    ]
    assert kinds(batch)["2603.00005"] is ListingKind.NEW


async def test_the_api_is_left_alone_when_nothing_was_missed(world: PaperSources, fetcher: Fetcher) -> None:
    arxiv = source(world, fetcher)
    memory: Mapping[str, str] = {}
    for day in (THURSDAY, FRIDAY, SATURDAY, MONDAY + timedelta(days=7)):
        world.arxiv_feed("cs.LG", day, [paper(day.day, day)])
        # The day before is asked for again, as a careful caller does.
        batch = await arxiv.fetch(day if not memory else day - timedelta(days=1), day, memory)
        memory = batch.memory
    assert "/api/query" not in world.paths()


async def test_a_day_between_two_late_feeds_is_not_lost(world: PaperSources, fetcher: Fetcher) -> None:
    arxiv = source(world, fetcher)
    world.arxiv_feed("cs.LG", MONDAY, [paper(1, MONDAY)])
    tuesday = MONDAY + timedelta(days=1)
    memory = (await arxiv.fetch(tuesday, tuesday, {})).memory  # a Tuesday, before the feed was rebuilt
    world.arxiv([paper(2, tuesday)])
    world.arxiv_feed("cs.LG", WEDNESDAY, [paper(3, WEDNESDAY)])
    batch = await arxiv.fetch(THURSDAY, THURSDAY, memory)
    assert list(kinds(batch)) == ["2603.00003", "2603.00002"]


async def test_a_category_chosen_later_is_looked_back_for(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY)
    memory = (await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})).memory
    world.arxiv([paper(2, THURSDAY, "cs.CL")])
    world.arxiv_feed("cs.CL", FRIDAY)
    batch = await source(world, fetcher, "cs.LG", "cs.CL").fetch(THURSDAY, FRIDAY, memory)
    assert kinds(batch) == {"2603.00002": ListingKind.BACKFILL}


async def test_when_the_api_fails_the_feed_is_kept_and_the_run_is_not_done(
    world: PaperSources, fetcher: Fetcher
) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    world.answer("/api/query", Reply("Not Acceptable", status=406))
    batch = await source(world, fetcher).fetch(THURSDAY, FRIDAY, {})
    assert kinds(batch) == {"2603.00001": ListingKind.NEW}
    assert isinstance(batch.failure, Refused)
    assert str(batch.failure) == "127.0.0.1 refused to answer (406); the next run will ask again."


async def test_one_category_that_fails_does_not_stop_the_others(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    batch = await source(world, fetcher, "cs.XX", "cs.LG").fetch(FRIDAY, FRIDAY, {})
    assert kinds(batch) == {"2603.00001": ListingKind.NEW}
    assert str(batch.failure) == "arXiv has no list of cs.XX (404); check the category's name."


async def test_a_busy_feed_host_is_not_asked_in_another_form(world: PaperSources, fetcher: Fetcher) -> None:
    world.answer("/atom/cs.LG", Reply(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited, match=r"arxiv\.org asked not to be asked again for 60 minutes"):
        await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})
    assert world.paths() == ["/atom/cs.LG"]


async def test_a_406_with_a_good_feed_is_a_good_feed(world: PaperSources, fetcher: Fetcher) -> None:
    world.answer("/api/query", Reply(arxiv_api([WHOLE]), status=406))
    assert await source(world, fetcher).papers([WHOLE.id]) == [WHOLE]
    world.answer("/atom/cs.LG", Reply(arxiv_atom("cs.LG", FRIDAY, [(WHOLE, "new")]), status=406))
    assert kinds(await source(world, fetcher).fetch(FRIDAY, FRIDAY, {})) == {WHOLE.id: ListingKind.NEW}


async def test_every_request_keeps_arxivs_pace(world: PaperSources, fetcher: Fetcher, standing: Standing) -> None:
    world.arxiv_feed("cs.LG", FRIDAY, [paper(1)])
    world.arxiv_feed("cs.CL", FRIDAY, [paper(2)])
    await source(world, fetcher, "cs.LG", "cs.CL").fetch(THURSDAY, FRIDAY, {})
    assert world.paths() == ["/atom/cs.LG", "/atom/cs.CL", "/api/query"]
    assert standing.slept == [3.0, 3.0]


async def test_a_long_answer_of_the_api_is_read_page_by_page(world: PaperSources, fetcher: Fetcher) -> None:
    many = [paper(n, THURSDAY) for n in range(1_001)]
    world.arxiv(many)
    found = [listing.paper async for listing in source(world, fetcher).backfill(THURSDAY, THURSDAY)]
    assert found == many
    assert [asked.query["start"] for asked in world.asked] == ["0", "500", "1000"]


async def test_a_long_span_is_asked_for_week_by_week(world: PaperSources, fetcher: Fetcher) -> None:
    days = [MONDAY - timedelta(weeks=weeks) for weeks in (5, 3, 1)]
    world.arxiv([paper(n, day) for n, day in enumerate(days)])
    found = [listing.listed_on async for listing in source(world, fetcher).backfill(days[0], MONDAY)]
    assert found == days
    assert len(world.asked) == 6


async def test_an_empty_page_in_the_middle_is_asked_for_again(world: PaperSources, fetcher: Fetcher) -> None:
    world.answer("/api/query", arxiv_api([], total=1), arxiv_api([paper(1, THURSDAY)], total=1))
    found = [listing.paper.id async for listing in source(world, fetcher).backfill(THURSDAY, THURSDAY)]
    assert found == ["2603.00001"]


async def test_empty_pages_for_ever_are_an_error(world: PaperSources, fetcher: Fetcher) -> None:
    world.answer("/api/query", arxiv_api([], total=10**9))
    with pytest.raises(Unreadable, match="stopped after 0 of"):
        _ = [listing async for listing in source(world, fetcher).backfill(THURSDAY, THURSDAY)]
    assert len(world.asked) == 3


async def test_single_papers_come_in_the_order_asked_for_each_once(world: PaperSources, fetcher: Fetcher) -> None:
    world.arxiv([paper(1), paper(2)])
    asked = ["https://arxiv.org/pdf/2603.00002v3", "2603.00001", "arXiv:2603.00002", "2603.09999"]
    assert await source(world, fetcher).papers(asked) == [paper(2), paper(1)]
    assert world.asked[0].query["id_list"] == "2603.00002,2603.00001,2603.09999"


async def test_many_ids_are_asked_for_in_portions(world: PaperSources, fetcher: Fetcher) -> None:
    many = [paper(n) for n in range(150)]
    world.arxiv(many)
    assert await source(world, fetcher).papers(one.id for one in many) == many
    assert len(world.asked) == 2


async def test_no_ids_ask_nothing(world: PaperSources, fetcher: Fetcher) -> None:
    assert await source(world, fetcher).papers([]) == []
    assert world.asked == []


async def test_what_is_no_arxiv_id_is_said_before_asking(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused, match="“1234” is no arXiv id; one looks like"):
        await source(world, fetcher).papers(["2603.00001", "1234"])
    assert world.asked == []


@pytest.mark.parametrize("status", [200, 400])
async def test_an_error_entry_is_arxivs_own_no(world: PaperSources, fetcher: Fetcher, status: int) -> None:
    world.answer("/api/query", Reply(arxiv_error("incorrect id format for 1234"), status=status))
    with pytest.raises(Refused, match="arXiv refused the question: incorrect id format for 1234"):
        await source(world, fetcher).papers(["2603.00001"])


async def test_without_categories_the_mend_is_said(world: PaperSources, fetcher: Fetcher) -> None:
    with pytest.raises(Refused, match=r"name one, for example cs\.LG"):
        await ArXiv(fetcher, ()).fetch(FRIDAY, FRIDAY, {})


async def test_a_host_that_can_not_be_reached_is_not_asked_for_every_category(
    fetcher: Fetcher, standing: Standing
) -> None:
    async def waited(*categories: str) -> float:
        before = standing.seconds
        arxiv = ArXiv(fetcher, categories, url="http://127.0.0.1:1", rss_url="http://127.0.0.1:1")
        with pytest.raises(Unreachable):
            await arxiv.fetch(FRIDAY, FRIDAY, {})
        return standing.seconds - before

    assert await waited("cs.LG", "cs.CV", "cs.CL", "cs.AI") <= 2 * await waited("cs.LG")
