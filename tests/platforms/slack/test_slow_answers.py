"""The real program at a Slack whose answers come later than anybody waits for them: each message stands there once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model.messages import Place
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES
from tests.fakes.slack import Channel, FakeSlack
from tests.platforms.process import let_come
from tests.platforms.slack.process import one_workspace, running

CHANNELS = 5
TODAY = datetime.now(UTC).date()
IMPATIENT = {"DELIVERY__TIMEOUT": "1", "DELIVERY__MARGIN": "6"}


class Rooms:
    """A workspace whose channels the bot is in; each digest is one message, for no papers are listed."""

    def __init__(self, slack: FakeSlack, folder: Path) -> None:
        self.slack, self.folder = slack, folder
        self.lab = slack.workspace("T1", "lab")
        self.lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        self.rooms = [self.lab.channel(f"C{number}", f"room-{number}", bot=False) for number in range(CHANNELS)]
        self.ada = self.lab.member("U1", "ada")
        self.days = 0

    @asynccontextmanager
    async def served(self, more: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program runs and is connected."""
        hour = f"{datetime.now(UTC) + timedelta(hours=12):%H}:00"
        settings = one_workspace(self.slack, self.lab.bot_token) | {"SCHEDULE__TICK_SECONDS": "0.2"} | dict(more)
        async with running(self.slack, settings | {"DIGEST__HOUR": hour}, self.folder) as process:
            count = len(self.slack.sockets.connections)
            await self.slack.until(lambda: len(self.slack.sockets.connections) > count or count, within=60)
            yield process

    async def invite(self) -> None:
        for room in self.rooms:
            await self.ada.invites_bot(room)
        await self.slack.until(lambda: all(len(room.visible) == 1 for room in self.rooms), within=30)

    async def let_come(self) -> None:
        """The hour of another day's digest comes in every channel."""
        self.days -= 1
        for room in self.rooms:
            await let_come(self.folder, Place("slack", room.id, "T1"), TODAY + timedelta(self.days))

    async def posted(self, count: int) -> None:
        """So many digests stand in every channel, and whatever the program sent has been carried out."""

        def all_there() -> bool:
            shown = sum(len(room.visible) for room in self.rooms)
            there = all(len(set(self.keys(room))) == 1 + count for room in self.rooms)
            return there and shown == len(self.slack.calls_to("chat.postMessage"))

        await self.slack.until(all_there, within=60)

    def keys(self, room: Channel) -> list[str]:
        """The key of each message that stands there, the greeting's too."""
        return [(message.metadata or {})["event_payload"]["key"] for message in room.visible]

    def doubled(self) -> int:
        """How many messages stand there that stood there already."""
        return sum(len(self.keys(room)) - len(set(self.keys(room))) for room in self.rooms)


async def test_a_slack_slower_than_the_time_out_shows_each_message_once(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        team = Rooms(slack, tmp_path)
        async with team.served(IMPATIENT):
            await team.invite()
            slack.faults.late("chat.postMessage", 1.5, times=CHANNELS)
            await team.let_come()
            await team.posted(1)
            await team.let_come()  # its digests come behind the first ones, so those are settled then
            await team.posted(2)
            assert team.doubled() == 0
            looks = len(slack.calls_to("conversations.history"))
            slack.faults.history_lag = 2.0
            slack.faults.lose_reply("chat.postMessage", times=CHANNELS)
            await team.let_come()
            await team.posted(3)
            await team.let_come()
            await team.posted(4)
            assert team.doubled() == 0
            assert len(slack.calls_to("conversations.history")) >= looks + 2 * CHANNELS, "they were looked for twice"
            sent = len(slack.calls_to("chat.postMessage"))
            assert sent == CHANNELS * (1 + 4), "none was sent again"


@pytest.mark.parametrize("seconds", [10.0])
async def test_a_program_killed_while_slack_takes_its_time_doubles_nothing(tmp_path: Path, seconds: float) -> None:
    async with FakeSlack() as slack:
        team = Rooms(slack, tmp_path)
        async with team.served({}) as process:
            await team.invite()
            slack.faults.late("chat.postMessage", seconds, times=CHANNELS)
            await team.let_come()
            calls = len(slack.calls_to("chat.postMessage"))
            await slack.until(lambda: len(slack.calls_to("chat.postMessage")) == calls + CHANNELS, within=30)
            process.kill()
            await process.wait()
            assert [len(room.visible) for room in team.rooms] == [1] * CHANNELS
        async with team.served({}):
            await team.posted(1)
            await team.let_come()
            await team.posted(2)
            assert team.doubled() == 0
            assert len(slack.calls_to("chat.postMessage")) == CHANNELS * 3, "none was sent again"
