"""The fake Discord itself: one server, its state, and its doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

import discord.gateway
import discord.http
from aiohttp import web
from yarl import URL

from tests.fakes.discord import shapes
from tests.fakes.discord.asked import Interaction
from tests.fakes.discord.bits import NO_RIGHT, Intent, Kind, Right
from tests.fakes.discord.commands import Commands
from tests.fakes.discord.faults import Faults, Rates
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.ids import Snowflakes
from tests.fakes.discord.nonces import Nonces
from tests.fakes.discord.rest import NAMES, Rest
from tests.fakes.discord.values import Call, Upload
from tests.fakes.discord.world import Channel, Guild, User
from tests.fakes.door import Door


def _now() -> datetime:
    return datetime.now(UTC)


class FakeDiscord(Door):
    """Discord, until the block ends. `clock` is its time for everything but the wait for the first answer to an
    interaction: that is in real seconds, `answer_within`."""

    def __init__(self, clock: Callable[[], datetime] = _now, *, answer_within: float = 3.0) -> None:
        super().__init__()
        self.clock, self.answer_within = clock, answer_within
        self.token = "MTAx.fake.bot-token"
        self.ids = Snowflakes(clock)
        self.application = self.ids.next()
        self.bot = User(self.application, "paperboy", bot=True)
        self.owner = User(self.ids.next(), "owner")
        self.users: dict[str, User] = {one.id: one for one in (self.bot, self.owner)}
        self.privileged = Intent(0)
        """The privileged intents that are switched on for the app; an IDENTIFY with another is closed with 4014."""
        self.installs: set[int] | None = {0, 1}
        """The Installation Contexts of the app: 0 for servers, 1 for users; None is not told."""
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.interactions: dict[str, Interaction] = {}
        self.commands = Commands(self)
        self.nonces = Nonces(clock)
        self.faults, self.rates = Faults(NAMES), Rates()
        self.calls: list[Call] = []
        self.invalid: list[Call] = []
        """The calls that were answered 401, 403 or 429."""
        self.most_invalid = 10_000
        """So many of these, and everything is answered with Cloudflare's page."""
        self.unknown: list[str] = []
        self.gateway = Gateway(self)
        self._files: dict[str, bytes] = {}

    @property
    def api(self) -> str:
        """The REST address for `discord.http.Route.BASE`."""
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """The address for `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`."""
        return f"{self.url.replace('http', 'ws', 1)}/gateway/"

    @contextmanager
    def spoken_to(self) -> Iterator[None]:
        """Let discord.py talk to this server while the block lasts."""
        base, address = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
        discord.http.Route.BASE = self.api
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(self.gateway_url)
        try:
            yield
        finally:
            discord.http.Route.BASE = base
            discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = address

    def guild(self, name: str, *, rights: Right = NO_RIGHT, bot: bool = True) -> Guild:
        """A new guild; `rights` are what the invite gave the bot beside what @everyone has."""
        made = Guild(self, self.ids.spread(len(self.guilds)), name, rights, bot=bot)
        self.guilds[made.id] = made
        self.gateway.emit("GUILD_CREATE", shapes.guild(made), Intent.GUILDS, made)
        return made

    def direct(self, person: User) -> Channel:
        """The DM channel of the bot and somebody; made when it is first needed."""
        channels = (
            channel for channel in self.channels.values() if channel.kind is Kind.DM and channel.person is person
        )
        if (found := next(channels, None)) is None:
            found = Channel(self, Kind.DM, person.name, person=person)
            self.channels[found.id] = found
        return found

    def keep(self, folder: str, file: Upload) -> str:
        """The address under which a file can be read from now on."""
        self._files[f"/{folder}/{file.filename}"] = file.content
        return f"{self.url}/{folder}/{file.filename}"

    def calls_to(self, name: str) -> list[Call]:
        """The calls of one route, in order."""
        return [call for call in self.calls if call.name == name]

    def stamp(self) -> str:
        """Its time, as timestamps tell it."""
        return self.clock().isoformat()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        Rest(self).add_routes(app.router)
        app.router.add_get("/gateway/", self.gateway.serve)
        for folder in ("attachments", "ephemeral-attachments"):
            app.router.add_get(f"/{folder}/{{tail:.*}}", self._file)
        await self.opens(app)
        return self

    async def goes_away(self) -> None:
        """Nobody reaches Discord any more, REST or gateway."""
        self.gateway.drop()
        await super().goes_away()

    async def _file(self, request: web.Request) -> web.Response:
        found = self._files.get(request.path)
        return web.Response(body=found) if found is not None else web.Response(status=404)

    async def __aexit__(self, *_: object) -> None:
        self.faults.let_go()
        await self.gateway.stop()
        await self.closes()
