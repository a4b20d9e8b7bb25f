"""Slack, Discord and a terminal in one process over one service, and one of them fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.app import App, build
from bot.paper_index import PaperIndex
from bot.serve import serve
from bot.settings import load
from bot.store import channels, deliveries, papers, votes
from bot.store.database import Store
from bot.store.deliveries import Post
from recommender import Recommender
from tests.fakes.clock import Clock
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack.server import FakeSlack
from tests.platforms.discord.server import DiscordServer
from tests.platforms.slack.team import SlackTeam
from tests.platforms.terminal_guest import TerminalGuest
from tests.support.harness import Shelf, demo_papers, no_sleep

DAY = demo_papers()[:2]
SIDES = ("slack", "discord", "terminal")
POSTING = {"slack": "chat.postMessage", "discord": "create_message"}
MESSAGES = 3
"""A header and two cards."""


@dataclass
class Together:
    """One process on three platforms. Its supervisor tries again what fell when `there` is set."""

    app: App
    clock: Clock
    team: SlackTeam
    server: DiscordServer
    guest: TerminalGuest
    there: asyncio.Event = field(default_factory=asyncio.Event)

    def side(self, name: str) -> SlackTeam | DiscordServer | TerminalGuest:
        if name == "terminal":
            return self.guest
        return self.team if name == "slack" else self.server

    def fake(self, name: str) -> FakeSlack | FakeDiscord:
        return self.team.slack if name == "slack" else self.server.fake

    async def connected(self, name: str) -> None:
        if name == "slack":
            await self.team.slack.until(lambda: self.team.slack.sockets.connections, within=30)
        else:
            await self.server.fake.until(lambda: self.server.fake.gateway.ready, within=30)

    async def wait(self, _: float) -> None:
        await asyncio.sleep(0)
        await self.there.wait()

    async def begin(self) -> None:
        """The digest's hour is over by a minute."""
        self.clock.advance(timedelta(hours=1, minutes=1))
        await self.app.scheduler.tick()

    async def beats_until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """The scheduler beats each half a minute."""
        async with asyncio.timeout(30):
            while not await condition():
                self.clock.advance(timedelta(seconds=30))
                await self.app.scheduler.tick()
                await asyncio.sleep(0.01)

    async def posts(self, name: str) -> list[Post]:
        async with self.app.store.read() as tx:
            channel = await channels.find(tx, self.side(name).place)
            assert channel
            return await deliveries.posts_in_channel(tx, channel.id)

    async def delivers(self, *names: str) -> None:
        """A whole digest comes there, each message once, and the bot knows all of them."""

        async def there(name: str) -> bool:
            seen = [each.id for each in await self.side(name).seen(self.side(name).place)]
            assert len(seen) <= MESSAGES
            return len(seen) == MESSAGES and seen == [post.message for post in await self.posts(name)]

        for name in names:
            await self.beats_until(lambda name=name: there(name))  # type: ignore[misc]

    async def votes(self, name: str) -> int:
        async with self.app.store.read() as tx:
            channel = await channels.find(tx, self.side(name).place)
            assert channel
            return len(await votes.for_channel(tx, channel.id))

    async def takes_a_vote(self, *names: str) -> None:
        """A member likes a card there, and it counts once."""
        for name in names:
            message = str((await self.posts(name))[-1].message)
            if name == "discord":
                await self.server.bo.reacts(self.server.message(message), "🔥")
            else:
                await self.side(name).react("bo", message, "🔥")

            async def heard(name: str = name) -> bool:
                return await self.votes(name) == 1

            await self.beats_until(heard)


@asynccontextmanager
async def together(store: Store, folder: Path, *, away: str = "") -> AsyncIterator[Together]:
    """All three at work, but the one that is away."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    clock = Clock()
    async with FakeSlack(clock=clock) as slack, FakeDiscord(clock=clock) as discord:
        team, server = SlackTeam(slack, clock), DiscordServer(discord, clock, folder / "discord")
        guest = TerminalGuest(folder / "terminal", clock=clock)
        platforms = cast("dict[str, Any]", {one.platform.name: one.platform for one in (team, server, guest)})
        settings = load(None, {"PAPERBOY_DIGEST__COUNT": "2", "PAPERBOY_SCHEDULE__TICK_SECONDS": "60"})
        paper_index = PaperIndex(store, Recommender(), None)
        app = build(settings, store, paper_index, platforms, [Shelf()], clock, no_sleep)
        harness = Together(app, clock, team, server, guest)
        async with store.write() as tx:
            await papers.record(tx, DAY, clock(), {paper.id: clock().date() for paper in DAY})
        await paper_index.sync()
        # A channel that is unknown when the bot starts would be greeted.
        team.lab.channels["C2"].members.remove(team.lab.bot_user)
        for name in SIDES:
            await app.service.joined(harness.side(name).place, "ada")
        if away:
            await harness.fake(away).goes_away()
        serving = asyncio.create_task(serve(app, platforms, sleep=harness.wait, seconds=clock.seconds))
        try:
            await guest.typist.ready()
            await asyncio.gather(*(harness.connected(name) for name in ("slack", "discord") if name != away))
            yield harness
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


@pytest.mark.parametrize("failing", ["slack", "discord"])
async def test_platform_that_fails_during_a_digest_delays_no_other_and_finishes_it_once(
    sqlite_store: Store, tmp_path: Path, failing: str
) -> None:
    async with together(sqlite_store, tmp_path) as harness:
        others = [name for name in SIDES if name != failing]
        harness.fake(failing).faults.hang(POSTING[failing], accepted=True)
        await harness.begin()
        await harness.delivers(*others)
        assert len(await harness.side(failing).seen(harness.side(failing).place)) == 1, (
            "posted, and nobody told the bot"
        )
        await harness.fake(failing).goes_away()
        await harness.takes_a_vote(*others)
        assert await harness.votes(failing) == 0
        await harness.fake(failing).comes_back()
        await harness.delivers(failing)
        await harness.connected(failing)
        await harness.takes_a_vote(failing)
        await harness.delivers(*SIDES)


@pytest.mark.parametrize("failing", ["slack", "discord"])
async def test_platform_that_is_down_at_the_start_delays_no_other_and_starts_later(
    sqlite_store: Store, tmp_path: Path, failing: str
) -> None:
    async with together(sqlite_store, tmp_path, away=failing) as harness:
        others = [name for name in SIDES if name != failing]
        await harness.begin()
        await harness.delivers(*others)
        await harness.takes_a_vote(*others)
        await harness.fake(failing).comes_back()
        harness.there.set()
        await harness.connected(failing)
        await harness.delivers(failing)
        await harness.takes_a_vote(failing)
        await harness.delivers(*SIDES)
