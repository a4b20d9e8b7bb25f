"""The daily resync: the reactions on the messages of the last days are read back from the platforms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from bot.jobs.reactions import ReactionRecorder
from bot.ports.platform import Clock, Platform
from bot.store import metadata
from bot.store.database import Store
from bot.store.metadata import READ_BACK_AT

log = structlog.get_logger(__name__)
_EVERY = timedelta(days=1)


class ReactionResync:
    """Compares votes with the reactions on messages posted within `look_back`: on start, then daily, and soon after a
    platform reported that it may have missed events."""

    def __init__(
        self,
        store: Store,
        reactions: ReactionRecorder,
        platforms: Mapping[str, Platform],
        clock: Clock,
        look_back: timedelta,
    ) -> None:
        self._store, self._reactions, self._platforms, self._clock = store, reactions, platforms, clock
        self._look_back = look_back
        self._done_since_start = False

    async def run_if_due(self) -> None:
        """Read the reactions back if that is due."""
        if not await self._is_due():
            return
        now, requests = self._clock(), self._reactions.resync_requests
        changes = await self._reactions.resync(self._platforms, now - self._look_back)
        async with self._store.write() as tx:
            if self._reactions.resync_requests == requests:  # else one more was requested meanwhile
                await metadata.put(tx, READ_BACK_AT, now.astimezone(UTC).isoformat())
        self._done_since_start = True
        if changes:
            log.info("Reactions that no event had told of were recorded.", count=changes)

    async def _is_due(self) -> bool:
        async with self._store.read() as tx:
            last_time = await metadata.get(tx, READ_BACK_AT)
        if not self._done_since_start or last_time is None:
            return True
        return not timedelta(0) <= self._clock() - datetime.fromisoformat(last_time) < _EVERY
