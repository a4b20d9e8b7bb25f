"""Ingest: reads papers from the sources into the store and the index.

A run that fails is not recorded as done, so the next run looks back over the days it missed. Papers and the record of
the run are written in one transaction. A source that fails never stops another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from bot import metrics
from bot.paper_index import PaperIndex
from bot.ports.platform import Clock
from bot.sources.base import Batch, Listing, ListingKind, Source, SourceError
from bot.store import common_feeds, papers, runs
from bot.store.common_feeds import CommonFeed
from bot.store.database import Store
from bot.store.errors import StoreError
from bot.store.leases import SOURCE, Leases
from bot.store.states import RunState
from recommender.paper import arxiv_id

log = structlog.get_logger(__name__)
OpenFeed = Callable[[str, str], Source]
"""The feed of a stranger, from its address and its name."""
_AT_ONCE = 1_000
_READ_ELSEWHERE = "Another process of Paperboy reads it just now."
_OLD_CROSS_DAYS = 62
"""A paper cross-listed this long after its arXiv number was given is no news."""
_NO_NEWS = (ListingKind.REPLACE, ListingKind.REPLACE_CROSS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reading one source: how many listings and new papers it gave, and why it failed, if it did."""

    source: str
    listed: int = 0
    added: int = 0
    notes: tuple[str, ...] = ()
    failure: str = ""


class Ingest:
    """Runs sources: those of the settings, and the feeds in the store, which `open_feed` opens. `look_back_days` is how
    far a first run, or one after failures, looks back at most.

    `names` are the names of all of them. The list is brought up to date whenever the sources are looked at.
    """

    def __init__(
        self,
        store: Store,
        paper_index: PaperIndex,
        sources: Sequence[Source],
        clock: Clock,
        look_back_days: int,
        open_feed: OpenFeed | None = None,
        leases: Leases | None = None,
    ) -> None:
        self._store, self._paper_index, self.sources, self._clock = store, paper_index, tuple(sources), clock
        self._look_back, self._open_feed = timedelta(days=look_back_days), open_feed
        self._leases = leases or Leases(store)
        self.names = [source.name for source in self.sources]
        self._running = asyncio.Lock()

    async def all_sources(self) -> list[Source]:
        """The sources of the settings, and the feeds for all channels that are in the store."""
        own_names = {source.name for source in self.sources}
        stored: list[Source] = []
        if self._open_feed:
            async with self._store.read() as tx:
                feeds = await common_feeds.list_all(tx)
            stored = [self._open_feed(feed.url, feed.name) for feed in feeds if feed.name not in own_names]
        sources = [*self.sources, *stored]
        self.names[:] = [source.name for source in sources]
        return sources

    async def add_feed(self, feed: CommonFeed) -> int:
        """Add a feed for all channels, if it can be read. Returns the number of papers that it lists. Raises
        SourceError."""
        async with self._store.write() as tx:
            await common_feeds.add(tx, feed)
        source = next((source for source in await self.all_sources() if source.name == feed.name), None)
        outcome = await self._read(source, None) if source else None
        outcome = outcome or Outcome(feed.name, failure="It is gone already.")
        if outcome.failure:
            await self.drop_feed(feed.name)
            raise SourceError(outcome.failure)
        await self._paper_index.sync()
        return outcome.listed

    async def drop_feed(self, name: str) -> None:
        """Read a feed for all channels no more."""
        async with self._store.write() as tx:
            await common_feeds.drop(tx, name)
        await self.all_sources()

    async def run(
        self,
        only: Collection[str] | None = None,
        since: date | None = None,
        report: Callable[[Outcome], None] | None = None,
        every: timedelta | None = None,
    ) -> list[Outcome]:
        """Read every source, or those named; `since` looks further back than the records ask for. With `every`, a
        source is left out that was tried within that time, or that another process reads now."""
        async with self._running:
            sources = [source for source in await self.all_sources() if only is None or source.name in only]
            # All results are awaited: no read goes on in the background after another met a store that does not answer.
            reads = (self._read(source, since, report, every) for source in sources)
            outcomes = await asyncio.gather(*reads, return_exceptions=True)
            await self._paper_index.sync()
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            return [outcome for outcome in outcomes if isinstance(outcome, Outcome)]

    async def due(self, every: timedelta) -> list[str]:
        """The names of the sources that were last tried longer ago than `every`."""
        names = [source.name for source in await self.all_sources()]
        now = self._clock()
        async with self._store.read() as tx:
            last_runs = {name: await runs.latest(tx, name) for name in names}
        return [name for name, run in last_runs.items() if runs.is_due(run, every, now)]

    async def _read(
        self,
        source: Source,
        since: date | None,
        report: Callable[[Outcome], None] | None = None,
        every: timedelta | None = None,
    ) -> Outcome | None:
        """Read a source while no other process reads it. None if it was left out."""
        async with self._leases.holding(SOURCE + source.name) as held:
            if held:
                outcome = await self._read_alone(source, since, every)
            else:
                outcome = Outcome(source.name, failure=_READ_ELSEWHERE) if every is None else None
        if report and outcome:
            report(outcome)
        return outcome

    async def _read_alone(self, source: Source, since: date | None, every: timedelta | None) -> Outcome | None:
        now = self._clock()
        today = now.date()
        async with self._store.write() as tx:
            last_run = await runs.latest(tx, source.name, RunState.DONE)
            # The last day read is read again: it may not have been over.
            known_until = last_run.until if last_run and last_run.until <= today else date.min
            # Never later than the records ask for: what lies between would be taken for read.
            first_day = min(since or today, max(known_until, today - self._look_back))
            run_id = await runs.begin(tx, source.name, first_day, today, now, every)
        if run_id is None:
            return None
        memory = last_run.memory if last_run and since is None else {}
        try:
            batch = await source.fetch(first_day, today, memory)
            outcome = await self._store_batch(source.name, run_id, batch, is_first=last_run is None)
        except SourceError as error:
            outcome = Outcome(source.name, failure=_why(error))
        except StoreError:
            raise
        except Exception as error:
            log.exception("A source failed unexpectedly.", source=source.name)
            outcome = Outcome(source.name, failure=f"{type(error).__name__}: {error}")
        metrics.SOURCE_RUNS.labels("failed" if outcome.failure else "done").inc()
        if outcome.failure:
            log.warning("A source could not be read.", source=source.name, why=outcome.failure)
            async with self._store.write() as tx:
                await runs.fail(tx, run_id, outcome.failure, self._clock())
        else:
            log.info("A source was read.", source=source.name, listed=outcome.listed, new=outcome.added)
        return outcome

    async def _store_batch(self, name: str, run_id: int, batch: Batch, *, is_first: bool) -> Outcome:
        now = self._clock()
        new_count = 0
        async with self._store.write() as tx:
            for start in range(0, len(batch.listings), _AT_ONCE):
                listings = batch.listings[start : start + _AT_ONCE]
                # A paper became news on the first day on which it was listed.
                by_day = sorted(filter(is_news, listings), key=lambda listing: listing.listed_on, reverse=True)
                undated = {listing.paper.id for listing in listings if listing.kind is ListingKind.UNDATED}
                news = {listing.paper.id: listing.listed_on for listing in by_day}
                if is_first:  # an archive without dates is known from its first reading on
                    news = {paper_id: day for paper_id, day in news.items() if paper_id not in undated}
                names = {listing.paper.id: listing.names for listing in listings if listing.names}
                listed_papers = [listing.paper for listing in listings]
                result = await papers.record(tx, listed_papers, now, news, names=names, undated=undated)
                new_count += result.new
            if batch.failure is None:
                await runs.done(
                    tx,
                    run_id,
                    listed=len(batch.listings),
                    added=new_count,
                    notes=batch.notes,
                    memory=dict(batch.memory),
                    now=now,
                )
        failure = _why(batch.failure) if batch.failure else ""
        return Outcome(name, len(batch.listings), new_count, batch.notes, failure)


def _why(error: SourceError) -> str:
    return str(error) or type(error).__name__


def is_news(listing: Listing) -> bool:
    """Whether a listing makes its paper news: not for a revision, nor for an old paper that is only cross-listed."""
    if listing.kind in _NO_NEWS:
        return False
    number = arxiv_id(listing.paper.id)
    if listing.kind is not ListingKind.CROSS or number is None or "/" in number:
        return listing.kind is not ListingKind.CROSS or number is None
    number_month = date(2000 + int(number[:2]), int(number[2:4]), 1)
    return listing.listed_on - number_month <= timedelta(days=_OLD_CROSS_DAYS)
