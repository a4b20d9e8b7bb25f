"""Sources → store and index: one that fails stops no other, and what is no news makes none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.jobs.ingest import Ingest, Outcome, is_news
from bot.sources.base import Batch, Listing, ListingKind, Refused, SourceError, TimedOut
from bot.store import papers, runs
from bot.store.database import Store
from bot.store.errors import StoreBusy
from bot.store.states import RunState
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, Shelf, harness_over, paper

DAY = date(2026, 3, 2)


def reading(harness: BotHarness, *sources: Shelf) -> Ingest:
    return Ingest(harness.store, harness.app.paper_index, sources, harness.clock, look_back_days=7)


async def news(harness: BotHarness) -> dict[str, date]:
    async with harness.store.read() as tx:
        return await papers.listed_on(tx, await papers.news(tx, date(2020, 1, 1), date(2030, 1, 1)))


@pytest.mark.parametrize(
    "error",
    [
        Refused("no (503).", 503),
        TimedOut("slow"),
        SourceError(""),
        ValueError("odd\nline"),
        RecursionError(),
        KeyError("x"),
    ],
)
async def test_one_source_that_fails_stops_no_other(sqlite_store: Store, clock: Clock, error: Exception) -> None:
    harness = harness_over(sqlite_store, clock)
    good, bad = Shelf("good", {DAY: [paper(1)]}), Shelf("bad", fails=error)
    told: list[Outcome] = []
    outcomes = await reading(harness, bad, good).run(report=told.append)
    assert [(outcome.source, outcome.added, bool(outcome.failure)) for outcome in outcomes] == [
        ("bad", 0, True),
        ("good", 1, False),
    ]
    assert {one.source for one in told} == {"bad", "good"}
    assert "2603.00001" in harness.app.paper_index.engine
    async with harness.store.read() as tx:
        assert [run.source for run in await runs.failing(tx)] == ["bad"]


async def test_a_store_that_does_not_answer_is_said_and_leaves_nothing_running(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = harness_over(sqlite_store, clock)
    finished = asyncio.Event()

    class Slow(Shelf):
        async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
            await asyncio.sleep(0)
            batch = await super().fetch(since, until, memory)
            finished.set()
            return batch

    ingest = reading(harness, Shelf("bad", fails=StoreBusy("locked")), Slow("slow", {DAY: [paper(1)]}))
    with pytest.raises(StoreBusy):
        await ingest.run()
    assert finished.is_set()
    assert "2603.00001" in harness.app.paper_index.engine
    assert not await ingest.due(timedelta(hours=1)), "it was tried"


async def test_a_failed_run_is_not_done_and_the_next_looks_back(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    shelf = Shelf(fails=Refused("no (503).", 503))
    ingest = reading(harness, shelf)
    await ingest.run()
    clock.advance(timedelta(days=3))
    shelf.fails = None
    await ingest.run()
    async with harness.store.read() as tx:
        run = await runs.latest(tx, "shelf")
    assert run is not None
    assert (run.state, run.since, run.until) == (RunState.DONE, DAY - timedelta(days=4), DAY + timedelta(days=3))


async def test_a_later_day_asked_for_leaves_no_gap_in_what_was_read(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    shelf = Shelf()
    ingest = reading(harness, shelf)
    await ingest.run()
    clock.advance(timedelta(days=5))
    await ingest.run(since=clock.now.date())
    assert shelf.asked[-1][:2] == (DAY, DAY + timedelta(days=5))
    await ingest.run(since=DAY - timedelta(days=30))
    assert shelf.asked[-1][0] == DAY - timedelta(days=30)


@pytest.mark.parametrize("kind", [ListingKind.REPLACE, ListingKind.REPLACE_CROSS])
async def test_a_revision_is_kept_and_found_but_is_no_news(
    sqlite_store: Store, clock: Clock, kind: ListingKind
) -> None:
    harness = harness_over(sqlite_store, clock)
    await reading(harness, Shelf(lists={DAY: [paper(1)]}, kind=kind)).run()
    assert await news(harness) == {}
    assert (await harness.say("search 2603.00001")).lines


@pytest.mark.parametrize(
    ("paper_id", "kind", "fresh"),
    [
        ("2603.00001", ListingKind.NEW, True),
        ("2603.00001", ListingKind.DAILY, True),
        ("1706.03762", ListingKind.DAILY, True),
        ("2602.00001", ListingKind.CROSS, True),
        ("2512.00001", ListingKind.CROSS, False),
        ("hep-th/9901001", ListingKind.CROSS, False),
        ("doi:10.1000/x", ListingKind.CROSS, True),
        ("2603.00001", ListingKind.REPLACE, False),
        ("2603.00001", ListingKind.BACKFILL, True),
        ("feed:1", ListingKind.FEED, True),
    ],
)
def test_which_listings_are_news(paper_id: str, kind: ListingKind, fresh: bool) -> None:
    assert is_news(Listing(Paper(paper_id, "T"), "s", DAY, kind)) is fresh


async def test_a_paper_becomes_news_on_the_first_day_it_was_listed(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    later = DAY - timedelta(days=1)
    await reading(harness, Shelf(lists={DAY - timedelta(days=3): [paper(1)], later: [paper(1)], DAY: [paper(1)]})).run()
    assert await news(harness) == {"2603.00001": DAY - timedelta(days=3)}


async def test_one_paper_from_two_sources_is_one_with_the_best_of_both_and_its_votes(
    store: Store, clock: Clock
) -> None:
    harness = harness_over(store, clock)
    title = "A paper of which two sources tell under its long title"
    feed = Paper("feed:1", title, "Short.", url="https://blog.example/p")
    arxiv = Paper("2603.00009", title, "A much longer abstract than that.", ("Ada Lovelace",), upvotes=0)
    await reading(harness, Shelf("feed", {DAY: [feed]})).run()
    await harness.invite()
    await harness.say(f"submit {title}")
    await harness.react("feed:1", "👍")
    await reading(
        harness, Shelf("arxiv", {DAY: [arxiv]}), Shelf("hf", {DAY: [Paper("2603.00009", title, upvotes=42)]})
    ).run()
    async with harness.store.read() as tx:
        assert await papers.count(tx) == 1
    assert len(harness.app.paper_index.engine) == 1
    whole = await harness.say("abstract 2603.00009")
    [card] = whole.cards
    assert card.upvotes == 42
    assert card.authors == "Ada Lovelace"
    assert whole.text == "A much longer abstract than that."
    assert "Learned from 1 vote" in (await harness.say("taste")).text


async def test_a_paper_that_turns_out_to_be_another_leaves_the_index(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    early, late = "The working title of one long paper", "The final title of the same long paper"
    await reading(harness, Shelf("a", {DAY: [Paper("feed:1", early), Paper("2603.00001", late)]})).run()
    assert len(harness.app.paper_index.engine) == 2
    await reading(harness, Shelf("b", {DAY: [Paper("2603.00001", early)]})).run()
    assert "feed:1" not in harness.app.paper_index.engine
    assert len(harness.app.paper_index.engine) == 1
    await harness.invite(PLACE)
    assert (await harness.say("similar feed:1")).ok, "its old name still leads to it"


async def test_a_source_is_due_when_its_last_try_is_long_enough_ago(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    ingest = reading(harness, Shelf())
    assert await ingest.due(timedelta(hours=1))
    await ingest.run()
    assert not await ingest.due(timedelta(hours=1))
    clock.advance(timedelta(hours=1))
    assert await ingest.due(timedelta(hours=1))


def _undated(number: int, name: str = "") -> Listing:
    return Listing(paper(number), "shelf", DAY, ListingKind.UNDATED, (name,) if name else ())


class Listings(Shelf):
    """A source that gives the listings that it was told."""

    def __init__(self, *listings: Listing) -> None:
        super().__init__()
        self.listings = listings

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        return Batch(self.listings)


async def test_undated_papers_are_news_only_if_they_came_after_the_first_reading(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    shelf = Listings(_undated(1), _undated(2))
    ingest = reading(harness, shelf)
    await ingest.run()
    assert await news(harness) == {}
    assert "2603.00001" in harness.app.paper_index.engine
    shelf.listings = (_undated(1), _undated(2), _undated(3))
    await ingest.run()
    await ingest.run()
    assert await news(harness) == {"2603.00003": DAY}


async def test_a_paper_that_its_source_lists_under_another_title_is_one_paper(store: Store, clock: Clock) -> None:
    def listing(title: str, name: str = "feed 77", doi: str = "") -> Listing:
        found = Paper(id=f"doi:{doi}" if doi else f"title:{title}", title=title, url="https://x.example/77", doi=doi)
        return Listing(found, "shelf", DAY, ListingKind.FEED, (name,))

    harness = harness_over(store, clock)
    shelf = Listings(listing("Soil carbon under long drought (3 comments)"))
    ingest = reading(harness, shelf)
    await ingest.run()
    shelf.listings = (listing("Soil carbon under long drought (4 comments)"),)
    await ingest.run()
    (paper_id,) = await news(harness)
    async with harness.store.read() as tx:
        stored = await papers.get(tx, paper_id)
        assert await papers.count(tx) == 1
        assert await papers.resolve(tx, "http://www.x.example/77/?utm_source=mail#top") == paper_id
    assert stored is not None
    assert stored.title == "Soil carbon under long drought (4 comments)"
    shelf.listings = (listing("Another work with the same name", doi="10.1000/1"),)
    await ingest.run()
    shelf.listings = (listing("Yet another work with its name", doi="10.1000/2"),)
    await ingest.run()
    async with harness.store.read() as tx:
        assert await papers.count(tx) == 2, "two DOIs are two papers"


async def test_a_withdrawn_paper_is_found_and_marked_but_never_picked(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    shelf = Shelf("shelf", {DAY: [replace(paper(1), withdrawn=True), paper(2), paper(3)]})
    await reading(harness, shelf).run()
    assert set(await news(harness)) == {"2603.00002", "2603.00003"}
    revised = Listing(replace(paper(2), withdrawn=True), "shelf", DAY, ListingKind.REPLACE)
    await reading(harness, Listings(revised)).run()
    assert set(await news(harness)) == {"2603.00003"}, "a paper that is withdrawn later is no candidate either"
    await harness.invite()
    answer = await harness.say("abstract 2603.00002")
    assert answer.cards[0].title.startswith("Withdrawn: ")
