"""A team that uses the bot in Slack: the real platform over the fake Slack's sockets and Web API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.registry import COMMANDS
from bot.model.messages import Message, Place
from bot.model.number_emoji import keycap, number_of
from bot.platforms.slack.http import HttpSlack
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.slack.render import action_of
from bot.platforms.slack.scopes import SCOPES
from bot.ports.platform import AccessLost, BotApi, NotAccepted, PlatformError, Rejected
from tests.fakes.clock import Clock
from tests.fakes.slack.people import Member
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import Ephemeral
from tests.fakes.slack.world import Channel
from tests.platforms.conformance import Seen
from tests.platforms.recording_service import RecordingService

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
_NAMES = {"👍": "+1", "👍🏽": "+1::skin-tone-4", "👎": "-1", "❤️": "heart", "🔥": "fire"}
_LIMITED_SECONDS = 3


class SlackTeam:
    """Implements `conformance.PlatformUnderTest` for Slack."""

    custom_emoji = ":party_parrot:"

    def __init__(self, slack: FakeSlack, clock: Clock, service: RecordingService | None = None) -> None:
        self.slack, self.clock, self.service = slack, clock, service or RecordingService()
        self.lab = slack.workspace("T1", "lab")
        self.lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        self.ml, theory = self.lab.channel("C1", "ml-papers"), self.lab.channel("C2", "ml-theory")
        self.ada, self.bo = self.lab.member("ada", "ada", admin=True), self.lab.member("bo", "bo")
        self.place = Place("slack", self.ml.id, "T1", self.ml.name)
        self.elsewhere = Place("slack", theory.id, "T1", theory.name)
        self.speaks_to: BotApi = self.service
        self._task: asyncio.Task[None] | None = None
        self.platform = self.new()

    def new(self) -> SlackPlatform | HttpSlack:
        return SlackPlatform(
            self.lab.bot_token,
            self.slack.app_token,
            self.clock,
            COMMANDS,
            api_url=self.slack.api,
            ping_seconds=0.5,
            sleep=self.clock.sleep,
            seconds=self.clock.seconds,
        )

    def now(self) -> datetime:
        return self.clock()

    async def start(self) -> None:
        self.begin()
        await self.slack.sockets.connected()

    async def stop(self) -> None:
        await self.end()
        await self.slack.until(lambda: not self.slack.sockets.connections)

    def begin(self) -> None:
        self._task = asyncio.create_task(self.platform.run(self.speaks_to))

    async def end(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def restart(self) -> None:
        await self.stop()
        self.platform = self.new()
        await self.start()

    async def seen(self, place: Place) -> list[Seen]:
        said = self._channel(place).visible
        return [Seen(each.ts, readable(each.words, each.blocks), each.thread_ts or "") for each in said]

    async def ask(self, member: str, line: str) -> str:
        who = self.person(member)
        count = len(who.ephemeral)
        await who.says("/papers", line, self.ml)
        shown = await self.told(who, count)
        answer = who.ephemeral[-1]
        change = [each for each in buttons(answer.blocks) if each["text"]["text"] == "Change"]
        if not change:
            return shown
        await who.presses(self.ml, answer.ts, change[0]["action_id"])  # what a form holds is one press away
        [form] = await self.slack.until(lambda: [modal for modal in who.modals[-1:] if "One moment" not in modal.words])
        return f"{shown}\n{form.words}\n{form.body['blocks']}"

    async def press(self, member: str, message: str, command: str) -> str:
        who = self.person(member)
        blocks, count = self.ml.message(message).blocks, len(who.ephemeral)
        held = [each["action_id"] for each in buttons(blocks) if command in each["value"]]
        action_id, value = (held[0], None) if held else next(pair for pair in choices(blocks) if command in pair[1])
        await who.presses(self.ml, message, action_id, value)
        return await self.told(who, count)

    async def press_number(self, member: str, message: str, number: int) -> str:
        who, held = self.person(member), buttons(self.ml.message(message).blocks)
        count, [button] = len(who.ephemeral), [one for one in held if one["text"]["text"] == keycap(number)]
        await who.presses(self.ml, message, button["action_id"])
        return await self.told(who, count)

    async def press_offered(self, member: str, label: str) -> str:
        who = self.person(member)
        answer, count = who.ephemeral[-1], len(who.ephemeral)
        [button] = [each for each in buttons(answer.blocks) if each["text"]["text"] == label]
        await who.presses(self.ml, answer.ts, button["action_id"])
        return await self.told(who, count)

    async def react(self, member: str, message: str, emoji: str, *, on: bool = True) -> None:
        who, number = self.person(member), number_of(emoji)
        name = _NUMBERS[number - 1] if number else _NAMES.get(emoji, emoji.strip(":"))
        await (who.reacts if on else who.unreacts)(self.ml, message, name)

    async def bot_reacts(self, message: str, emoji: str) -> None:
        client = AsyncWebClient(self.lab.bot_token, base_url=self.slack.api)
        self.lab.scopes.add("reactions:write")
        await client.reactions_add(channel=self.ml.id, timestamp=message, name=_NAMES[emoji])
        await self.slack.settled()

    @contextmanager
    def trouble(self, error: type[PlatformError]) -> Iterator[Message]:
        if error is NotAccepted:
            self.slack.faults.limit("chat.postMessage", _LIMITED_SECONDS)
        elif error is Rejected:
            self.slack.faults.error("chat.postMessage", "invalid_blocks")
        elif error is AccessLost:
            self.ml.archived = True
        else:
            self.slack.faults.lose_reply("chat.postMessage")
        yield Message("Good morning.")
        self.ml.archived = False
        self.clock.advance(timedelta(seconds=_LIMITED_SECONDS))

    def person(self, name: str) -> Member:
        return {"ada": self.ada, "bo": self.bo}[name]

    async def told(self, who: Member, count: int) -> str:
        """The next thing that a member alone is shown, after so many."""
        await self.slack.until(lambda: len(who.ephemeral) > count)
        answer: Ephemeral = who.ephemeral[-1]
        return readable(answer.words, answer.blocks)

    def _channel(self, place: Place) -> Channel:
        return self.lab.channels[place.address]


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bot's buttons in a message."""
    elements = [each for block in blocks if block["type"] == "actions" for each in block["elements"]]
    return [each for each in elements if each["type"] == "button" and action_of(each["value"])]


def choices(blocks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The ids of the menus in a message, each with the value of one of its options."""
    elements = [each for block in blocks if block["type"] == "actions" for each in block["elements"]]
    menus = [each for each in elements if each["type"] == "overflow"]
    return [(menu["action_id"], option["value"]) for menu in menus for option in menu["options"]]


def readable(words: str, node: object) -> str:
    """What a person reads, with where the links lead."""

    def links(below: object) -> Iterator[str]:
        if isinstance(below, list):
            for each in below:
                yield from links(each)
        elif isinstance(below, dict):
            yield from (value for name, value in below.items() if name == "url")
            yield from (link for value in below.values() for link in links(value))

    return "\n".join([words, *links(node)])


@asynccontextmanager
async def team_at_work(service: RecordingService | None = None) -> AsyncIterator[SlackTeam]:
    """A team whose bot runs."""
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        team = SlackTeam(slack, clock, service)
        await team.start()
        try:
            yield team
        finally:
            await team.stop()
