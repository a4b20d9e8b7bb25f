"""Days of many channels on two platforms, served by four programs that a seed breaks; `make soak` runs it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.store import channels
from tests.fakes.discord import FakeDiscord
from tests.fakes.postgres import Postgres, running_postgres
from tests.fakes.slack import FakeSlack
from tests.faults.clock import SharedClock
from tests.faults.days import CARDS, FIRST, SETTINGS, Days
from tests.faults.fleet import LEASE_SECONDS, Fleet, fleet
from tests.faults.rooms import DiscordRooms, SlackRooms
from tests.faults.test_fleet import DURABLE, PROGRAMS

DAYS, ROOMS = int(os.environ.get("SOAK_DAYS", "0")), int(os.environ.get("SOAK_CHANNELS", "50"))
SEED = int(os.environ.get("SOAK_SEED", "19"))


@asynccontextmanager
async def at_work(server: Postgres, folder: Path, chance: random.Random) -> AsyncIterator[tuple[Fleet, Days]]:
    """Four programs that serve half of the channels on either platform."""
    clock = SharedClock(folder / "clock")
    clock.set(FIRST)
    async with FakeSlack(clock) as slack, FakeDiscord(clock) as discord:
        on_slack, on_discord = SlackRooms(slack, ROOMS // 2), DiscordRooms(discord, ROOMS - ROOMS // 2)
        slack.faults.slow("chat.postMessage", 0.1, times=1_000_000)
        settings = SETTINGS | dict(on_slack.settings) | dict(on_discord.settings)
        async with fleet(server, folder, settings) as made:
            days = Days(made, [on_slack], chance)
            for number, name in enumerate(PROGRAMS):
                await made.begin(name.partition("-")[0], name, skew=30 * (-1) ** number)
            await slack.until(lambda: len(slack.sockets.connections) == 2, within=120)
            await days.settled()
            async with made.store.write() as tx:
                for place in on_discord.places:
                    due = FIRST.replace(hour=9)
                    values = {"next_due_at": due, "next_due_on": due.date(), "created_at": FIRST, "owner": "ada"}
                    values |= {"hour": "09:00", "days": "daily", "zone": "UTC", "titles": 0}
                    await channels.add(tx, place, count=CARDS, bar=0.0, guess=True, **values)
            days.sides = [on_slack, on_discord]
            yield made, days
            await made.end()


@pytest.mark.skipif(not DAYS, reason="this takes long: `make soak`")
@pytest.mark.timeout(300 * DAYS + 300)
async def test_days_of_random_faults_double_and_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with running_postgres(own=True, **DURABLE) as server:
        async with at_work(server, tmp_path, chance) as (made, days):
            for number in range(DAYS):
                async with days.another(within=120):
                    for fault in chance.sample(faults(made, server, chance), 2):
                        await fault()
                await asyncio.gather(*(made.again(one.name) for one in made.programs.values() if not one.lives))
                print(f"seed {SEED}, day {number + 1}: {dict(await days.check(within=120))}", flush=True)  # noqa: T201


Fault = Callable[[], Awaitable[object]]


def faults(made: Fleet, server: Postgres, chance: random.Random) -> list[Fault]:
    """What may go wrong on a day."""
    one = chance.choice(list(made.programs.values()))
    other = chance.choice(list(made.programs.values()))

    async def pause() -> None:
        if other.lives:
            other.pause()
            await asyncio.sleep(chance.uniform(0.0, 2 * LEASE_SECONDS))
            other.resume()

    async def silence() -> None:
        with made.line.silence():
            await asyncio.sleep(chance.uniform(0.0, 2 * LEASE_SECONDS))

    async def kill() -> None:
        if one.lives:
            await one.kill()

    async def stop() -> None:
        if other.lives:
            await other.stop()

    async def cut() -> None:
        made.line.cut()

    async def terminate() -> None:
        server.cut(made.database)

    async def restart() -> None:
        await asyncio.to_thread(server.restart)

    return [kill, pause, stop, cut, terminate, silence, restart]
