"""Which shards of the gateway this process serves: every process a like share, and each shard by one process.

docs.discord.com/developers/events/gateway#sharding
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil

import structlog

from bot.ports.platform import NotAccepted, Sleep
from bot.ports.processes import Facts, Leases

SHARDS = "discord_shards"
"""The name of the fact of how many shards there are."""
_IDENTIFY_SECONDS, _POLL_SECONDS = 5.0, 1.0
log = structlog.get_logger(__name__)


class Shards:
    """The division of `count` shards among the processes that listen to Discord."""

    def __init__(self, leases: Leases, count: int) -> None:
        self._leases, self.count = leases, count

    def lease(self, shard: int) -> str:
        """The name of the lease on a shard."""
        return f"shard {shard}/{self.count}"

    async def still_held(self, shards: set[int]) -> set[int]:
        """Those of these shards that this process still holds."""
        if not shards:
            return set()
        held = await self._leases.take(*map(self.lease, shards))
        return {shard for shard in shards if self.lease(shard) in held}

    async def share(self) -> int:
        """How many shards this process may serve, so that all processes serve about as many. Tells the others that
        this process listens."""
        await self._leases.take(f"shards of {self._leases.holder}")
        processes = await self._leases.taken("shards of ")
        return ceil(self.count / max(len(processes), 1))

    async def take(self, most: int, but: set[int]) -> set[int]:
        """Take up to so many further shards that no process serves."""
        taken = await self._leases.taken("shard ")
        free = [shard for shard in range(self.count) if shard not in but and self.lease(shard) not in taken]
        return await self.still_held(set(free[: max(most, 0)]))

    async def release(self, shards: set[int]) -> None:
        """Give shards back, which another process may serve from now on."""
        await self._leases.release(*map(self.lease, shards))

    async def leave(self) -> None:
        """Tell the others that this process no longer listens."""
        await self._leases.release(f"shards of {self._leases.holder}")


async def agreed_count(leases: Leases, facts: Facts, recommended: int, wanted: int) -> int:
    """How many shards there are: what the first process was recommended, or what the settings want (0: nothing).

    Raises NotAccepted while other processes serve Discord by another number than the settings want: an event would
    then go to two of them.
    """
    agreed = int(await facts.agree(SHARDS, str(wanted or recommended)))
    if wanted in (0, agreed):
        return agreed
    taken = await leases.taken("shard ")
    if any(holder != leases.holder for holder in taken.values()):
        raise NotAccepted(
            f"Other processes serve Discord by {agreed} shards, and discord.shards wants {wanted}: stop them first, or "
            f"set it to {agreed}"
        )
    await facts.put(SHARDS, str(wanted))
    return wanted


class IdentifyTurns:
    """The turns of all processes to begin sessions: Discord takes one in five seconds, or `concurrency` of them, whose
    shards differ by the remainder of their number."""

    def __init__(self, leases: Leases, sleep: Sleep) -> None:
        self._leases, self._sleep, self.concurrency = leases, sleep, 1
        self._locks: dict[str, asyncio.Lock] = {}
        self._rests = set[asyncio.Task[None]]()

    async def wait(self, shard: int) -> None:
        """Wait until a shard may begin a session. The next one waits five seconds more."""
        name = f"identify {shard % self.concurrency}"
        lock = self._locks.setdefault(name, asyncio.Lock())
        await lock.acquire()
        try:
            while name not in await self._leases.take(name):
                await self._sleep(_POLL_SECONDS)
        except BaseException:
            lock.release()
            raise
        rest = asyncio.create_task(self._rest(name, lock.release))
        self._rests.add(rest)
        rest.add_done_callback(self._rests.discard)

    async def _rest(self, name: str, release: Callable[[], None]) -> None:
        try:
            await self._sleep(_IDENTIFY_SECONDS)
            await self._leases.release(name)
        finally:
            release()

    async def close(self) -> None:
        """Wait for no turn any more. The lease of the last one ends by itself."""
        rests = list(self._rests)
        for rest in rests:
            rest.cancel()
        await asyncio.gather(*rests, return_exceptions=True)
