"""Discord's global limit: fifty requests in any second, and no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message, Place
from bot.platforms.discord.pace import Pace
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import NotAccepted
from tests.fakes.clock import Clock
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    async with FakeDiscord(Clock()) as fake:
        fake.rates.on, fake.rates.limit = True, 1_000
        yield fake


def platform_at(fake: FakeDiscord, folder: Path, pace: Pace) -> DiscordPlatform:
    return DiscordPlatform(
        fake.token, fake.clock, folder, COMMANDS, api_url=fake.api, gateway_url=fake.gateway_url, pace=pace
    )


def most_in_a_second(times: Sequence[float]) -> int:
    return max(sum(0 <= other - time < 1 for other in times) for time in times)


async def test_sixty_channels_that_are_due_together_meet_no_limit(fake: FakeDiscord, tmp_path: Path) -> None:
    clock = fake.clock
    assert isinstance(clock, Clock)
    platform = platform_at(fake, tmp_path, Pace(clock.seconds, clock.sleep))
    lab = fake.guild("lab")
    channels = [lab.text(f"papers-{number}") for number in range(60)]

    async def deliver(place: Place) -> None:
        sent = 0
        while sent < 5:
            try:
                await platform.send(place, Message(f"Message {sent}"), f"{place.address}-{sent}")
                sent += 1
            except NotAccepted:  # the queue is long, and the delivery worker comes again
                await asyncio.sleep(0)

    await asyncio.gather(*(deliver(Place("discord", channel.id, lab.id)) for channel in channels))
    await platform.rest.close()
    assert sum(len(channel.visible) for channel in channels) == 300
    assert fake.invalid == []
    assert fake.rates.refused == 0


async def test_no_more_than_45_requests_are_sent_in_any_second() -> None:
    clock = Clock()
    pace, left = Pace(clock.seconds, clock.sleep), list[float]()

    async def ask() -> None:
        await pace.acquire()
        left.append(clock.seconds())

    for pause in (0.0, 0.4, 3.0, 0.8, 60.0):
        await asyncio.gather(*(ask() for _ in range(90)))
        clock.advance(timedelta(seconds=pause))
    assert most_in_a_second(left) <= 45
    assert left == sorted(left)


async def test_a_global_limit_holds_every_request(fake: FakeDiscord, tmp_path: Path) -> None:
    clock = fake.clock
    assert isinstance(clock, Clock)
    platform = platform_at(fake, tmp_path, Pace(clock.seconds, clock.sleep))
    lab = fake.guild("lab")
    first, second = (Place("discord", lab.text(name).id, lab.id) for name in ("a", "b"))
    fake.faults.limit("create_message", 7.0, everywhere=True)
    with pytest.raises(NotAccepted):
        await platform.send(first, Message("Good morning."), "key-1")
    begun = clock.seconds()
    await platform.send(second, Message("Good morning."), "key-2")
    assert clock.seconds() - begun >= 7.0
    assert len(fake.invalid) == 1
    await platform.rest.close()


async def test_a_post_does_not_wait_for_a_turn_that_comes_too_late(fake: FakeDiscord, tmp_path: Path) -> None:
    clock = fake.clock
    assert isinstance(clock, Clock)
    platform = platform_at(fake, tmp_path, Pace(clock.seconds, clock.sleep))
    lab = fake.guild("lab")
    place = Place("discord", lab.text("a").id, lab.id)
    await platform.rest.open()
    platform.rest.pace.pause(120.0)
    with pytest.raises(NotAccepted) as caught:
        await platform.send(place, Message("Good morning."), "key-1")
    assert caught.value.retry_after == pytest.approx(120.0)
    assert fake.calls_to("create_message") == []
    await platform.rest.close()


async def test_who_stops_waiting_for_a_turn_costs_nobody_theirs() -> None:
    clock = Clock()
    hindered = Pace(clock.seconds, lambda seconds: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
    hindered.pause(5.0)
    waiting = [asyncio.create_task(hindered.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    clock.advance(timedelta(seconds=6))
    await hindered.acquire()
    assert hindered.wait == 0.0
