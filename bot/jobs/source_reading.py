"""Reading the sources when that is due, and what follows from it: alerts of new papers."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.jobs import restoring
from bot.jobs.alerts import Alerts
from bot.jobs.channel_feeds import ChannelFeeds
from bot.jobs.ingest import Ingest
from bot.ports.platform import Clock
from bot.store import runs
from bot.store.database import Store

_LONGEST_HOLD = timedelta(minutes=10)
"""How long digests wait for the first reading after a long silence: a week of arXiv takes a few minutes, and a source
that does not answer may cost no channel its digest."""


class SourceReading:
    """Reads every source each `read_every`."""

    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        alerts: Alerts,
        clock: Clock,
        read_every: timedelta,
        channel_feeds: ChannelFeeds,
    ) -> None:
        self._store, self._ingest, self._alerts, self._clock = store, ingest, alerts, clock
        self._channel_feeds = channel_feeds
        self._read_every = read_every
        self._is_reading = False
        self._held_until: datetime | None = None

    async def read_if_due(self) -> None:
        """Read the sources if any of them was last tried longer ago than `read_every`, or else the channels' feeds
        that were."""
        if not await self._ingest.due(self._read_every):
            if due_feeds := await self._channel_feeds.due(self._read_every):
                await self._channel_feeds.read_all(due_feeds)
                await self._alerts.plan()
            return
        self._held_until = self._clock() + _LONGEST_HOLD if await self._was_silent() else None
        self._is_reading = True
        try:
            await self.read()
        finally:
            self._is_reading = False

    async def read(self) -> None:
        """Read every source, then plan the alerts of topics; the next look for planned posts delivers them."""
        await self._ingest.run()
        await self._channel_feeds.read_all()
        async with self._store.write() as tx:
            await restoring.caught_up(tx, self._clock())
        await self._alerts.plan()

    async def holds_digests(self) -> bool:
        """Whether digests wait: after a long silence for the sources, but not for ever."""
        if self._is_reading:
            return self._held_until is not None and self._clock() < self._held_until
        return await self._ingest.due(self._read_every) and await self._was_silent()

    async def _was_silent(self) -> bool:
        async with self._store.read() as tx:
            read_at = await runs.last_finished(tx)
        return read_at is None or self._clock() - read_at >= self._read_every
