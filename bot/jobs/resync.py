"""The daily resync: the reactions on young messages are read back from the platforms, channel by channel.

Each channel has its own time, so that the work is spread over the day and over the processes. Where events may be
missing, the channel's turn comes soon, and older messages are read too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import structlog

from bot.jobs.reactions import ReactionRecorder
from bot.ports.platform import Clock, Platform
from bot.store import read_backs
from bot.store.database import Store
from bot.store.leases import Leases

log = structlog.get_logger(__name__)
_EVERY = timedelta(days=1)
_YOUNG = timedelta(days=2)
"""The age of the messages that are read daily. It exceeds a day, so that a pass that fails is made up for."""
_AGAIN = timedelta(hours=1)
"""When a channel is read again that could not be read, or whose process died."""
_AT_ONCE = 50


class ReactionResync:
    """Compares votes with the reactions on messages: daily on those of two days, and on those posted within `look_back`
    where a platform reported that it may have missed events, or where nobody had listened."""

    def __init__(
        self,
        store: Store,
        reactions: ReactionRecorder,
        platforms: Mapping[str, Platform],
        clock: Clock,
        look_back: timedelta,
        leases: Leases,
    ) -> None:
        self._store, self._reactions, self._clock, self._leases = store, reactions, clock, leases
        self._platforms = {name: each for name, each in platforms.items() if each.capabilities.reads_reactions}
        self._look_back = look_back
        self._starting, self._listening = set[str](), set[str]()

    def listens_on(self, platforms: Collection[str]) -> None:
        """This process listens on these platforms from now on. If it is the only one, nobody did before it."""
        self._starting.update(set(platforms) & set(self._platforms))

    async def due(self) -> list[str]:
        """The names of the platforms with channels whose time has come."""
        await self._look_for_gaps()
        now = self._clock()
        async with self._store.read() as tx:
            return [name for name in self._platforms if await read_backs.any_due(tx, name, now)]

    async def run(self, names: Sequence[str]) -> None:
        """Read the reactions of the channels of these platforms back whose time has come, some at a time."""
        for name in names:
            while await self._read_some(name, self._platforms[name]):
                pass

    async def run_if_due(self) -> None:
        """Read back what is due."""
        await self.run(await self.due())

    async def _look_for_gaps(self) -> None:
        """At the start of a process, have the reactions of a platform read back if no other process listens on it. As
        long as one does, its lease says so."""
        names = [name for name in self._starting | self._listening if not self._leases.may_send(_lease(name))]
        held = await self._leases.take(*map(_lease, names)) if names else set()
        for name in sorted(self._starting):
            if _lease(name) in held:
                await self._reactions.request_resync(name)
            self._listening.add(name)
            self._starting.discard(name)

    async def _read_some(self, name: str, platform: Platform) -> bool:
        """Read the reactions of the channels back that have waited longest; whether there were any."""
        now = self._clock()
        async with self._store.read() as tx:
            if not await read_backs.any_due(tx, name, now):
                return False
        async with self._store.write() as tx:
            claimed = await read_backs.claim(tx, name, now, now + _AGAIN, _AT_ONCE)
        young = min(_YOUNG, self._look_back)
        since = {each.channel: now - (self._look_back if each.missed_at else young) for each in claimed}
        result = await self._reactions.resync(platform, since)
        async with self._store.write() as tx:
            for each in claimed:
                if each.channel.id not in result.unread:
                    await read_backs.done(tx, each, now + _EVERY)
        if result.changes:
            log.info("Reactions that no event had told of were recorded.", count=result.changes)
        return True


def _lease(platform: str) -> str:
    return f"listening on {platform}"
