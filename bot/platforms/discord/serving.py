"""Serves this process's share of the shards: begins them, ends those that another process shall have, and takes over
those of a process that died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bot.platforms.discord.gateway import Client
from bot.platforms.discord.shards import SHARDS, IdentifyTurns, Shards, agreed_count
from bot.ports.platform import NotAccepted
from bot.ports.processes import Facts, Leases

log = structlog.get_logger(__name__)


class ShardServer:
    """Serves shards, each with a client of its own, so that they come and go one by one.

    `new_client` builds the client of a shard, by its number and that of all shards, and `serve` serves it. The shards
    are looked at every `look_seconds`. `wanted` is the number of shards in the settings, 0 for what was agreed on.
    """

    def __init__(
        self,
        leases: Leases,
        facts: Facts,
        turns: IdentifyTurns,
        new_client: Callable[[int, int], Client],
        serve: Callable[[Client], Coroutine[Any, Any, None]],
        *,
        wanted: int,
        look_seconds: float,
    ) -> None:
        self._leases, self._facts, self._turns, self._wanted = leases, facts, turns, wanted
        self._new_client, self._serve, self._look_seconds = new_client, serve, look_seconds
        self.clients: dict[int, Client] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self, recommended: int, *, heard_before: bool) -> None:
        """Serve until cancelled, or until the connection of a shard is gone for good: then its error is raised.

        Reactions are read back for each shard that is begun after the first ones, since another process served it
        before, and for all if this process `heard_before`.
        """
        shards = Shards(self._leases, await agreed_count(self._leases, self._facts, recommended, self._wanted))
        changed = asyncio.Event()
        try:
            while True:
                begun = await self._look(shards)
                connecting = not all(client.is_connected for client in self.clients.values())
                heard_before = heard_before or not (begun or connecting)
                for shard in begun:
                    self.clients[shard] = client = self._new_client(shard, shards.count)
                    client.heard_before, client.when_connected = heard_before, changed.set
                    self._tasks[shard] = task = asyncio.create_task(self._serve(client), name=f"discord shard {shard}")
                    task.add_done_callback(lambda _: changed.set())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_seconds):
                        await changed.wait()
                changed.clear()
                for task in self._tasks.values():
                    if task.done():
                        task.result()
        finally:
            await asyncio.shield(self._end_all(shards))

    async def _look(self, shards: Shards) -> set[int]:
        """End the shards that this process no longer holds, or that are more than its share. Returns further ones to
        begin: as many as may begin sessions at the same time."""
        try:
            agreed = await self._facts.agree(SHARDS, str(shards.count))
            held = await shards.still_held(set(self._tasks))
            most = await shards.share()
            kept = set(sorted(held)[:most])
            connecting = sum(not self.clients[shard].is_connected for shard in kept)
            begun = await shards.take(min(most - len(kept), self._turns.concurrency - connecting), but=held)
        except Exception as error:  # the store does not answer: nobody else can take a shard over either
            log.warning("The shards can't be looked at now; this process keeps those that it has.", why=str(error))
            return set()
        if agreed != str(shards.count):
            raise NotAccepted(f"Discord is served by {agreed} shards from now on, and no longer by {shards.count}.")
        await self._end(shards, set(self._tasks) - kept)
        return begun

    async def _end(self, shards: Shards, ended: set[int]) -> None:
        """End the connections of shards, and then give the shards back."""
        tasks = [self._tasks.pop(shard) for shard in ended]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for shard in ended:
            del self.clients[shard]
        if ended:
            await shards.release(ended)

    async def _end_all(self, shards: Shards) -> None:
        await self._end(shards, set(self._tasks))
        await shards.leave()
        await self._turns.close()
