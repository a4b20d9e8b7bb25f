"""Reads the feeds that managers added for their channels.

Such a feed is a stranger's: its address may lead to public servers only, and its papers are private papers of the
channel. No text of it changes a paper that a source lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.jobs import restoring
from bot.jobs.ingest import OpenFeed
from bot.ports.platform import Clock
from bot.sources.base import Batch, Listing, ListingKind, SourceError
from bot.store import channel_feeds, channels, contributions, papers, runs
from bot.store.channel_feeds import ChannelFeed
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.errors import StoreError
from bot.store.leases import SOURCE, Leases
from bot.store.states import RunState

log = structlog.get_logger(__name__)
IsNews = Callable[[Listing], bool]
"""Whether the entry of a feed is news for the feed's channel, and not only known from now on."""
_MOST_TAKEN = 200
"""Papers that one reading of a feed may bring."""
_AT_ONCE = 5
_NEWS = timedelta(days=3)
_LONG_AGO = timedelta(days=400)
_KEPT = timedelta(days=60)


class ChannelFeeds:
    """The feeds of channels. Without `open_feed` none are read."""

    def __init__(self, store: Store, clock: Clock, open_feed: OpenFeed | None, leases: Leases | None = None) -> None:
        self._store, self._clock, self._open_feed = store, clock, open_feed
        self._leases = leases or Leases(store)

    @property
    def are_read(self) -> bool:
        """Whether feeds of channels are read here."""
        return self._open_feed is not None

    async def due(self, every: timedelta) -> list[ChannelFeed]:
        """The feeds that were last tried longer ago than `every`."""
        if not self.are_read:
            return []
        now = self._clock()
        async with self._store.read() as tx:
            feeds = await channel_feeds.list_all(tx)
            names = [feed.run_name for feed in feeds]
            tried = await runs.tried_within(tx, names, every, now) if feeds else set()
        return [feed for feed in feeds if feed.run_name not in tried]

    async def read_all(self, feeds: Sequence[ChannelFeed] | None = None, every: timedelta | None = None) -> None:
        """Read these feeds, or every feed of every channel; with `every`, those that were not tried within that time.
        One that fails costs no other."""
        if not self.are_read:
            return
        if feeds is None:
            async with self._store.read() as tx:
                feeds = await channel_feeds.list_all(tx)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(feed: ChannelFeed) -> None:
            async with slots:
                try:
                    await self.read(feed, every)
                except SourceError as error:
                    log.warning("A channel's feed could not be read.", source=feed.run_name, why=str(error))

        outcomes = await asyncio.gather(*map(read, feeds), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def read(self, feed: ChannelFeed, every: timedelta | None = None) -> int:
        """Read one feed. Returns the number of papers that it lists; 0 if it was tried within `every`, or if another
        process reads it now. Raises SourceError."""
        async with self._leases.holding(SOURCE + feed.run_name) as held:
            return await self._read_alone(feed, every) if held else 0

    async def _read_alone(self, feed: ChannelFeed, every: timedelta | None) -> int:
        assert self._open_feed
        now = self._clock()
        async with self._store.write() as tx:
            last_run = await runs.latest(tx, feed.run_name, RunState.DONE)
            run_id = await runs.begin(tx, feed.run_name, now.date(), now.date(), now, every)
        if run_id is None:
            return 0
        try:
            source = self._open_feed(feed.url, feed.name)
            batch = await source.fetch(now.date(), now.date(), last_run.memory if last_run else {})
        except Exception as error:
            reason = str(error) if isinstance(error, SourceError) else f"It failed in an unexpected way ({error!r})."
            async with self._store.write() as tx:
                await runs.fail(tx, run_id, reason, self._clock())
            if isinstance(error, StoreError | SourceError):
                raise
            raise SourceError(reason) from error
        async with self._store.write() as tx:
            channel = await channels.get(tx, feed.channel_id)
            if channel and feed.name in [kept.name for kept in await channel_feeds.for_channel(tx, feed.channel_id)]:
                # After a restore, nobody knows which of the papers the channel has had since the backup.
                catching_up, is_first = await restoring.is_catching_up(tx), last_run is None

                def is_news(listing: Listing) -> bool:
                    return not catching_up and (not is_first or _is_recent(listing, now))

                new = await _keep(tx, channel, feed, batch, self._clock(), is_news)
                await runs.done(
                    tx,
                    run_id,
                    listed=len(batch.listings),
                    added=new,
                    notes=batch.notes,
                    memory=dict(batch.memory),
                    now=self._clock(),
                )
        return len(batch.listings)


async def _keep(
    tx: AsyncConnection, channel: Channel, feed: ChannelFeed, batch: Batch, now: datetime, is_news: IsNews
) -> int:
    """Give the papers of a feed to its channel. A paper that a source lists stays as the source tells it, and comes to
    the channel from there."""
    before = set(await channel_feeds.came_after(tx, channel.id, now - 2 * _LONG_AGO))
    listed_ids = set()
    for listing in batch.listings[:_MOST_TAKEN]:
        if await papers.same_as(tx, listing.paper):
            continue
        at = now if is_news(listing) else now - _LONG_AGO
        if paper_id := await contributions.give(tx, channel, feed.name, listing.paper, at):
            listed_ids.add(paper_id)
    if batch.listings:
        await channel_feeds.forget_old(tx, feed, now - _KEPT, listed_ids)
    return len(listed_ids - before)


def _is_recent(listing: Listing, now: datetime) -> bool:
    """Whether an entry is news when its feed is first read."""
    return listing.kind is not ListingKind.UNDATED and listing.listed_on >= (now - _NEWS).date()
