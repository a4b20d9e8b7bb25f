"""Reading the sources when that is due, and what follows from it: alerts of new papers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.jobs import restoring
from bot.jobs.channel_feeds import ChannelFeeds
from bot.jobs.ingest import Ingest
from bot.jobs.work import ALL, Kind, WorkQueue
from bot.ports.platform import Clock
from bot.store import runs
from bot.store.database import Store

FEEDS = "feeds of channels"
"""Stands among the names of sources for the feeds of all channels."""
_LONGEST_HOLD = timedelta(minutes=10)
"""How long digests wait for the first reading after a long silence: a week of arXiv takes a few minutes, and a source
that does not answer may cost no channel its digest."""


class SourceReading:
    """Reads every source each `read_every`, and then has the `alerts` planned by the queue."""

    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        read_every: timedelta,
        channel_feeds: ChannelFeeds,
        queue: WorkQueue,
        alerts: Kind,
    ) -> None:
        self._store, self._ingest, self._clock = store, ingest, clock
        self._channel_feeds = channel_feeds
        self._read_every, self._queue, self._alerts = read_every, queue, alerts
        self._held_since: datetime | None = None

    async def due(self) -> list[str]:
        """The names of the sources that are to be read, FEEDS among them."""
        names = await self._ingest.due(self._read_every)
        return [*names, FEEDS] if await self._channel_feeds.due(self._read_every) else names

    async def read_if_due(self) -> None:
        """Read what is due."""
        if names := await self.due():
            await self.read(names)

    async def read(self, names: Sequence[str] | None = None) -> None:
        """Read every source and feed, or those named, except for those that another process reads. Then plan the alerts
        of topics; the next look for planned posts delivers them."""
        every = None if names is None else self._read_every
        await self._ingest.run(names, every=every)
        if names is None or FEEDS in names:
            await self._channel_feeds.read_all(every=every)
        if names is None or not await self.due():
            async with self._store.write() as tx:
                await restoring.caught_up(tx, self._clock())
        await self._queue.defer(self._alerts, ALL)

    async def holds_digests(self) -> bool:
        """Whether digests wait: after a long silence for the sources, but not for ever. Any process may read them."""
        now = self._clock()
        async with self._store.read() as tx:
            began, is_reading = await runs.first_started(tx, now - _LONGEST_HOLD, now)
            read_at = await runs.last_finished(tx, began)
        was_silent = read_at is None or (began or now) - read_at >= self._read_every
        if not (was_silent and (is_reading or await self._ingest.due(self._read_every))):
            self._held_since = None
            return False
        self._held_since = self._held_since if self._held_since and self._held_since <= now else now
        return now - self._held_since < _LONGEST_HOLD
