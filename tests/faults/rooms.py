"""Channels on the fake platforms that a fleet serves, and their members."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from bot.model.messages import Place
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.message import Message
from tests.fakes.slack import FakeSlack


class Rooms(Protocol):
    """The channels on one platform."""

    platform: str
    places: list[Place]

    @property
    def settings(self) -> Mapping[str, str]:
        """What a program needs to serve them."""
        ...

    def keys(self, place: Place) -> list[str]:
        """The keys of the messages that stand in a channel, in their order."""
        ...

    def cards(self, place: Place) -> list[str]:
        """The ids of the messages that show a paper."""
        ...

    async def like(self, place: Place, message: str) -> None:
        """A member likes a card."""
        ...

    def liked(self) -> set[tuple[str, str]]:
        """Each (channel, message) that somebody likes."""
        ...


class SlackRooms:
    """One workspace over Socket Mode; the bot is in every channel, and nobody told it so."""

    platform = "slack"

    def __init__(self, slack: FakeSlack, count: int) -> None:
        self.slack, self.lab = slack, slack.workspace("T1", "lab")
        self.lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        self.ada = self.lab.member("U1", "ada")
        rooms = [self.lab.channel(f"C{number}", f"room-{number}") for number in range(count)]
        self.places = [Place("slack", room.id, "T1", room.name) for room in rooms]

    @property
    def settings(self) -> Mapping[str, str]:
        tokens = {"SLACK__BOT_TOKEN": self.lab.bot_token, "SLACK__APP_TOKEN": self.slack.app_token}
        return tokens | {"SLACK__API_URL": self.slack.api}

    def keys(self, place: Place) -> list[str]:
        shown = self.lab.channels[place.address].visible
        return [(message.metadata or {})["event_payload"]["key"] for message in shown]

    def cards(self, place: Place) -> list[str]:
        shown = self.lab.channels[place.address].visible
        return [message.ts for message in shown if "arxiv.org/abs/" in json.dumps(message.blocks)]

    async def like(self, place: Place, message: str) -> None:
        await self.ada.reacts(self.lab.channels[place.address], message, "+1")

    def liked(self) -> set[tuple[str, str]]:
        rooms = [self.lab.channels[place.address] for place in self.places]
        return {(room.id, message.ts) for room in rooms for message in room.visible if message.reactions}


class DiscordRooms:
    """One server, where the bot is; its channels are chosen in the store."""

    platform = "discord"

    def __init__(self, discord: FakeDiscord, count: int) -> None:
        self.discord, self.lab = discord, discord.guild("lab")
        self.ada = self.lab.member("ada", manager=True)
        rooms = [self.lab.text(f"room-{number}") for number in range(count)]
        self.places = [Place("discord", room.id, self.lab.id, room.name) for room in rooms]

    @property
    def settings(self) -> Mapping[str, str]:
        addresses = {"DISCORD__API_URL": self.discord.api, "DISCORD__GATEWAY_URL": self.discord.gateway_url}
        return addresses | {"DISCORD__TOKEN": self.discord.token}

    def keys(self, place: Place) -> list[str]:
        return [str(message.nonce) for message in self._shown(place) if message.nonce]

    def cards(self, place: Place) -> list[str]:
        return [message.id for message in self._shown(place) if "arxiv.org/abs/" in json.dumps(message.components)]

    async def like(self, place: Place, message: str) -> None:
        await self.ada.reacts(next(one for one in self._shown(place) if one.id == message), "👍")

    def liked(self) -> set[tuple[str, str]]:
        return {(place.address, one.id) for place in self.places for one in self._shown(place) if one.reactions}

    def _shown(self, place: Place) -> list[Message]:
        return self.discord.channels[place.address].visible
