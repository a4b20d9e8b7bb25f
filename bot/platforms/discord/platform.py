"""The Discord platform: posts messages, finds them again, reads reactions back, and listens over the gateway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import discord
import structlog

from bot.model.commands import Commands
from bot.model.messages import Message, Place
from bot.platforms.discord import checks, gateway
from bot.platforms.discord.commands import CommandRegistration
from bot.platforms.discord.custom_ids import ActionStore
from bot.platforms.discord.pace import Pace
from bot.platforms.discord.permissions import application_of, invitation
from bot.platforms.discord.places import PLATFORM
from bot.platforms.discord.posting import DiscordPosting
from bot.platforms.discord.render import MAX_TEXT, Renderer
from bot.platforms.discord.rest import API_URL, GATEWAY_URL, Rest
from bot.platforms.discord.serving import ShardServer
from bot.platforms.discord.shards import IdentifyTurns
from bot.ports.platform import BotApi, Capabilities, Check, Clock, Invitation, Sleep
from bot.ports.processes import Facts, Leases, OnlyProcess

_REGISTERING = "discord commands"
"""The lease of the process that registers the commands."""
log = structlog.get_logger(__name__)


class DiscordPlatform:
    """Implements `bot.ports.platform.Platform` for one application, with its bot token.

    The actions of long buttons are kept in `folder`.
    """

    name = PLATFORM
    # How long Discord remembers a nonce, it only calls "the past few minutes".
    capabilities = Capabilities(
        max_text=MAX_TEXT,
        idempotent_for=120.0,
        requests_a_second=50.0,
        lookup=True,
        reads_reactions=True,
        private_replies=True,
        threads=True,
        numbers=10,
        one_member_everywhere=True,
        way_back="Give me the permission back",
    )

    def __init__(
        self,
        token: str,
        clock: Clock,
        folder: Path,
        commands: Commands,
        *,
        api_url: str = API_URL,
        gateway_url: str = GATEWAY_URL,
        command: str = "papers",
        connecting_seconds: float = 60.0,
        sleep: Sleep = asyncio.sleep,
        pace: Pace | None = None,
        leases: Leases | None = None,
        facts: Facts | None = None,
        shards: int = 0,
        look_seconds: float = 10.0,
    ) -> None:
        self.rest = Rest(token, api_url, sleep, pace)
        self.renderer = Renderer(commands, command, ActionStore(folder / "buttons"))
        self._posting = DiscordPosting(self.rest, self.renderer, clock)
        self._command, self._commands = command, commands
        self._registration = CommandRegistration(commands, command)
        self._token, self._clock, self._urls = token, clock, (api_url, gateway_url)
        self._connecting_seconds, self._sleep = connecting_seconds, sleep
        self._leases, self._facts = leases or OnlyProcess(), facts or OnlyProcess()
        self._wanted_shards, self._look_seconds = shards, look_seconds
        self._turns = IdentifyTurns(self._leases, sleep)
        self._clients: Mapping[int, gateway.Client] = {}
        """discord.py's clients of the shards that this process serves."""
        self._registered, self._ran = False, False
        self._registering: asyncio.Task[None] | None = None

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key, by which `find` finds it again."""
        return await self._posting.send(place, message, key)

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the bot's own message under the key."""
        return await self._posting.find(place, key, since, thread, after)

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The current (member, emoji) pairs on a message, without those of bots."""
        return await self._posting.reactions(place, message)

    async def zone_of(self, place: Place, member: str) -> str:
        """The zone that a member's language hints at."""
        return next(filter(None, (client.zone_of(member) for client in self._clients.values())), "")

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Replace a posted message."""
        await self._posting.rewrite(place, posted, message, key)

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Send a text to one member, as a direct message."""
        await self._posting.tell(place, member, text)

    def may_thread(self, place: Place) -> bool:
        """Whether the bot may open threads in a channel and write in them, as far as the gateway's events say."""
        channels = (
            client.get_channel(int(place.address)) for client in self._clients.values() if place.address.isdecimal()
        )
        channel = next(filter(None, channels), None)
        if not isinstance(channel, discord.TextChannel):
            return not isinstance(channel, discord.Thread)
        muted = channel.guild.me.timed_out_until
        if muted is not None and muted > self._clock():  # a time-out takes every permission for a while
            return True
        permissions = channel.permissions_for(channel.guild.me)
        return permissions.create_public_threads and permissions.send_messages_in_threads

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Close the connections of sends at the end of the block. The first send opens them."""
        try:
            yield
        finally:
            await asyncio.shield(self.rest.close())

    @property
    def invitation(self) -> Invitation:
        """The link with which a server's manager invites the bot, where the token tells its application."""
        application = application_of(self._token)
        if not application:
            return Invitation("Discord", "Ask whoever runs this Paperboy for its invitation link.")
        return Invitation(
            "Discord",
            "Whoever manages a server can bring it there. It then asks in which channels it shall post.",
            label="Add to Discord",
            url=invitation(application),
        )

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of the token, the gateway, and each of these places."""
        return checks.checks(
            lambda: Rest(self._token, self._urls[0], pace=self.rest.pace),
            self._clock,
            self._commands,
            self._command,
            places,
            lost,
            self._facts,
        )

    async def run(self, service: BotApi) -> None:
        """Listen over the gateway until cancelled. Raises when the connection can't be made or is gone for good."""
        await self.rest.open()
        server = ShardServer(
            self._leases,
            self._facts,
            self._turns,
            partial(self.client, service),
            self._serve,
            wanted=self._wanted_shards,
            look_seconds=self._look_seconds,
        )
        self._clients, heard_before, self._ran, self._registered = server.clients, self._ran, True, False
        try:
            told = await self.rest.ask("/gateway/bot", {})
            limit = told.get("session_start_limit") or {}
            self._turns.concurrency = max(int(limit.get("max_concurrency") or 1), 1)
            await server.run(max(int(told.get("shards") or 1), 1), heard_before=heard_before)
        finally:
            if self._registering:
                self._registering.cancel()
            await asyncio.shield(self.rest.close())

    async def _serve(self, client: gateway.Client) -> None:
        await gateway.serve(client, self._token, self._connecting_seconds, self._register)

    async def _register(self, application: str) -> None:
        """Register the commands, once for all shards. Another process that is at it does it for this one too."""
        if self._registered:
            return
        self._registered = True
        async with self._leases.holding(_REGISTERING) as held:
            done = not held or await self._registration.register(self.rest, application)
        if not done:
            trying = self._registration.keep_trying(self.rest, application, self._sleep)
            self._registering = asyncio.create_task(trying)

    def client(self, service: BotApi, shard: int = 0, shards: int = 1) -> gateway.Client:
        """discord.py's client of a shard with all listeners, not yet connected."""
        return gateway.Client(
            service,
            self._posting,
            self._clock,
            self._turns.wait,
            *self._urls,
            shard=shard,
            shards=shards,
            sleep=self._sleep,
        )
