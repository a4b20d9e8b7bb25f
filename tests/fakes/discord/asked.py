"""Interactions: what a person asked the bot, and what came back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import EPHEMERAL, LOADING, Asking, Intent
from tests.fakes.discord.message import Message, component_texts, every_component
from tests.fakes.discord.values import Json

if TYPE_CHECKING:
    from tests.fakes.discord.person import Person
    from tests.fakes.discord.world import Channel

TOKEN_LASTS = timedelta(minutes=15)
KINDS = {1: 20, 3: 23}
"""The type of a message that answers a command: CHAT_INPUT_COMMAND, CONTEXT_MENU_COMMAND."""


@dataclass(slots=True, eq=False)
class Interaction:
    """`response` is the callback's body; `original` the message that it made or changed."""

    id: str
    token: str
    kind: Asking
    data: Json
    person: Person
    channel: Channel
    at: datetime
    name: str = ""
    message: Message | None = None
    response: Json | None = None
    original: Message | None = None
    answers: list[Message] = field(default_factory=list)
    """Every message that it brought, the original first."""
    failed: bool = False
    """The person saw "The application did not respond"."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def deferred(self) -> bool:
        """Whether the bot only said that it is thinking."""
        return self.response is not None and self.response["type"] in (5, 6)

    @property
    def expired(self) -> bool:
        """Whether its token is too old."""
        return self.channel.discord.clock() - self.at >= TOKEN_LASTS

    @property
    def owners(self) -> Json:
        """Who installed the bot, so that this could be asked: guild ("0"), user ("1")."""
        guild = self.channel.guild
        found: Json = {"0": guild.id if guild else "0"} if guild is None or guild.has_bot else {}
        return found | ({"1": self.person.id} if self.person.installed else {})

    def metadata(self) -> Json:
        """As the messages that answer it carry it."""
        return {
            "id": self.id,
            "type": int(self.kind),
            "user": shapes.user(self.person.user),
            "authorizing_integration_owners": self.owners,
            "name": self.name,
        }

    def shown(self) -> Json:
        """As INTERACTION_CREATE tells it."""
        discord, channel = self.channel.discord, self.channel
        told: Json = {
            "id": self.id,
            "application_id": discord.application,
            "type": int(self.kind),
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": channel.id,
            "channel": shapes.channel(channel) | {"permissions": str(int(channel.rights(self.person.user)))},
            "app_permissions": str(int(channel.rights(discord.bot))),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": self.owners,
            "context": 0 if channel.guild else 1,
            "attachment_size_limit": 10_485_760,
        }
        if channel.guild:
            guild = {"id": channel.guild.id, "locale": "en-US", "features": []}
            told |= {"guild_id": channel.guild.id, "guild_locale": "en-US", "guild": guild}
            told["member"] = self.person.shown(channel)
        else:
            told["user"] = shapes.user(self.person.user)
        if self.message is not None:
            told["message"] = shapes.message(self.message)
        return told

    async def ask(self) -> Interaction:
        """Put it to the bot, and wait for its first answer."""
        discord = self.channel.discord
        discord.interactions[self.id] = self
        discord.gateway.emit("INTERACTION_CREATE", self.shown(), Intent(0), self.channel.guild)
        try:
            async with asyncio.timeout(discord.answer_within):
                await self.answered.wait()
        except TimeoutError:
            self.failed = True
            self.person.errors.append("The application did not respond")
        return self

    def answer(self, response: Json, original: Message | None) -> None:
        """The bot's first answer is there."""
        self.response, self.original = response, original
        self.answered.set()

    def draft(self, flags: int) -> Message:
        """A message of the bot's that answers it; not put anywhere yet."""
        discord = self.channel.discord
        made = Message(discord.ids.next(), self.channel, discord.bot, flags=flags & (EPHEMERAL | LOADING))
        made.at, made.kind, made.interaction = discord.stamp(), KINDS.get(self.data.get("type", 0), 0), self.metadata()
        return made


@dataclass(slots=True, eq=False)
class Modal:
    """A form that the bot opened for one person."""

    body: Json
    interaction: Interaction

    @property
    def custom_id(self) -> str:
        """Its custom id."""
        return str(self.body["custom_id"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.body["title"])

    @property
    def inputs(self) -> dict[str, Json]:
        """Its inputs and selects by custom id."""
        return {one["custom_id"]: one for one in every_component(self.body["components"]) if "custom_id" in one}

    @property
    def words(self) -> str:
        """Everything a person reads, the title first."""
        texts = [text for one in every_component(self.body["components"]) for text in component_texts(one)]
        return "\n".join([self.title, *texts])
