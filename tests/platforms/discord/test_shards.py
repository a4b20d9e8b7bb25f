"""Several processes listen to Discord: each shard in one of them, its events heard once, sessions begun in turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.discord.shards import SHARDS, IdentifyTurns, Shards, agreed_count
from bot.ports.platform import NotAccepted
from bot.store.database import Store
from bot.store.facts import StoredFacts
from bot.store.leases import Leases
from tests.fakes.clock import Clock
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer, server_at_work
from tests.platforms.recording_service import RecordingService
from tests.support.harness import comes_true, no_sleep

LONG_AFTER = timedelta(minutes=5)
"""Later than the end of any lease."""


async def made_true(value: bool) -> bool:
    return value


class Process:
    """A process that listens to Discord, with what it heard."""

    def __init__(self, server: DiscordServer, store: Store, name: str, shards: int = 0) -> None:
        self.leases, self.service = Leases(store, clock=server.clock, holder=name), RecordingService()
        self.platform = DiscordPlatform(
            server.fake.token,
            server.clock,
            server.folder,
            COMMANDS,
            api_url=server.fake.api,
            gateway_url=server.fake.gateway_url,
            sleep=no_sleep,
            leases=self.leases,
            facts=StoredFacts(store),
            shards=shards,
            look_seconds=0.02,
        )
        self.task = asyncio.create_task(self.platform.run(self.service))

    @property
    def connected(self) -> set[int]:
        return {shard for shard, client in self.platform._clients.items() if client.is_connected}

    async def ends(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, NotAccepted):
            await self.task

    async def dies(self) -> None:
        """End without giving anything back."""

        async def nothing(*names: str) -> None:
            """A dead process does nothing."""

        self.leases.release = nothing  # type: ignore[method-assign]
        await self.ends()


@dataclass
class Running:
    """A server with two guilds, one on each of two shards, and the processes that listen to it."""

    server: DiscordServer
    store: Store
    processes: list[Process] = field(default_factory=list)

    def begin(self, name: str, shards: int = 0) -> Process:
        self.processes.append(process := Process(self.server, self.store, name, shards))
        return process

    async def begin_both(self) -> tuple[Process, Process]:
        """Two processes, once each serves a shard."""
        one, other = self.begin("one"), self.begin("other")
        await comes_true(lambda: made_true(len(one.connected) == len(other.connected) == 1))
        return one, other

    async def until(self, *connected: set[int]) -> None:
        """Return once the processes serve these shards."""
        await comes_true(lambda: made_true([process.connected for process in self.processes] == list(connected)))


@pytest.fixture
async def running(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Running]:
    async with server_at_work(tmp_path) as server:
        await server.stop()
        server.fake.gateway.shards = 2
        made = Running(server, sqlite_store)
        yield made
        await asyncio.gather(*(process.ends() for process in made.processes))
        server.fake.gateway.shards = 1
        server.platform = server.new()
        await server.start()


async def test_two_processes_share_the_shards_and_hear_each_event_once(running: Running) -> None:
    server = running.server
    one = running.begin("one")
    await running.until({0, 1})
    other = running.begin("other")
    await running.until({0}, {1})
    guild = server.fake.guild("other")
    there = guild.text("papers")
    for place, channel, who in (
        (server.place, server.ml, server.bo),
        (server.place_of(there), there, guild.member("cy")),
    ):
        await one.platform.send(place, Message(card=CARD), f"key-{channel.id}")
        await who.reacts(channel.visible[-1], "👍")
        await server.answered(await who.says(channel, "papers", query="x"))
    await comes_true(lambda: made_true(len(one.service.reactions + other.service.reactions) == 2))
    heard = [one.service.reactions, other.service.reactions]
    assert sorted(len(each) for each in heard) == [1, 1], "each process heard of its own guild"
    assert [len(one.service.asked), len(other.service.asked)] == [1, 1]
    assert len(server.fake.gateway.ready) == 2


async def test_shards_of_a_dead_process_are_taken_over_once_their_leases_end(running: Running) -> None:
    one, other = await running.begin_both()
    await other.dies()
    running.processes.remove(other)
    before = await one.leases.taken("shard ")
    assert sorted(before.values()) == ["one", "other"]
    running.server.clock.advance(LONG_AFTER)
    await running.until({0, 1})
    assert one.service.misses, "what happened meanwhile is read back"


async def test_shards_of_a_process_that_stops_are_taken_over_at_once(running: Running) -> None:
    one, _ = await running.begin_both()
    await one.ends()
    running.processes.remove(one)
    await running.until({0, 1})


async def test_a_process_that_lost_its_shard_stops_serving_it(running: Running, sqlite_store: Store) -> None:
    running.begin("one")
    await running.until({0, 1})
    other = Leases(sqlite_store, clock=running.server.clock, holder="other")
    running.server.clock.advance(LONG_AFTER)
    async with asyncio.timeout(20):
        while "shard 1/2" not in await other.take("shard 1/2"):
            running.server.clock.advance(LONG_AFTER)
    await running.until({0})


async def test_the_number_of_shards_is_agreed_on_and_changed_only_while_nobody_serves(store: Store) -> None:
    one, other = (Leases(store, holder=name) for name in ("one", "other"))
    facts = StoredFacts(store)
    assert await agreed_count(one, facts, 4, 0) == 4
    assert await agreed_count(other, facts, 9, 0) == 4, "a later recommendation changes nothing"
    assert await Shards(one, 4).take(1, but=set()) == {0}
    with pytest.raises(NotAccepted, match=r"by 4 shards, and discord\.shards wants 8: stop them first, or set it to 4"):
        await agreed_count(other, facts, 9, 8)
    await Shards(one, 4).release({0})
    assert await agreed_count(other, facts, 9, 8) == 8
    assert await facts.agree(SHARDS, "1") == "8"


async def test_a_process_notices_that_there_are_other_shards_now(running: Running, sqlite_store: Store) -> None:
    one = running.begin("one")
    await running.until({0, 1})
    await StoredFacts(sqlite_store).put(SHARDS, "4")
    with pytest.raises(NotAccepted, match="by 4 shards from now on, and no longer by 2"):
        async with asyncio.timeout(20):
            await one.task
    assert await one.leases.taken("shard") == {}


async def test_sessions_begin_five_seconds_apart_in_all_processes(store: Store) -> None:
    let_go, polls, naps = asyncio.Event(), list[float](), list[float]()

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await let_go.wait()

    async def poll(seconds: float) -> None:
        polls.append(seconds)
        if len(polls) == 3:
            assert not second.done()
            let_go.set()

    one, other = IdentifyTurns(Leases(store, holder="one"), nap), IdentifyTurns(Leases(store, holder="other"), poll)
    await one.wait(0)
    second = asyncio.create_task(other.wait(1))
    async with asyncio.timeout(20):
        await second
    assert naps == [5.0]
    assert polls[:3] == [1.0] * 3
    await one.close()
    await other.close()


async def test_in_one_process_too_and_shards_that_may_begin_together_do_not_wait(store: Store) -> None:
    let_go = asyncio.Event()

    async def nap(seconds: float) -> None:
        await let_go.wait()

    turns = IdentifyTurns(Leases(store, clock=Clock()), nap)
    turns.concurrency = 2
    await turns.wait(0)
    await turns.wait(1)
    third = asyncio.create_task(turns.wait(2))
    await turns._leases.taken("identify")
    assert not third.done()
    let_go.set()
    async with asyncio.timeout(20):
        await third
    await turns.close()
