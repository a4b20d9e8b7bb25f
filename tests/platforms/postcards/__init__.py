"""A throw-away platform: all that a new one has to bring, without a change to any other file of the product."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from aiohttp import web
from pydantic import Field, SecretStr

from bot.model.messages import Message, Place
from bot.platforms.entry import Environment, PlatformEntry
from bot.ports.platform import BotApi, Capabilities, Check, Finding, Platform
from bot.settings.groups import Section


class Postcards(Section):
    """Postcards; off without the stamp."""

    stamp: SecretStr = Field(SecretStr(""), description="What the post office lets a card through for.")
    office: str = Field("http://127.0.0.1:9/", description="Where the post office is.")


class PostcardPlatform:
    """Implements `bot.ports.platform.Platform`, `bot.web.server.Served` and `bot.ports.platform.Checkable`."""

    name = "postcards"
    capabilities = Capabilities(max_text=200)

    def __init__(self, stamp: str) -> None:
        self.stamp, self.sent = stamp, list[str]()

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/postcards", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(self.sent)))

    async def send(self, place: Place, message: Message, key: str) -> str:
        self.sent.append(key)
        return key

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        return key if key in self.sent else None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        return []

    async def tell(self, place: Place, member: str, text: str) -> None:
        self.sent.append(member)

    async def run(self, service: BotApi) -> None:
        await asyncio.Event().wait()

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        async def look() -> Finding:
            return Finding("The stamp is too old.", "Buy another one.")

        return [Check("postcards stamp", look)]


def _section(settings: object) -> Postcards:
    section: Postcards = getattr(settings, PostcardPlatform.name)
    return section


async def _build(environment: Environment) -> Platform:
    return PostcardPlatform(_section(environment.settings).stamp.get_secret_value())


POSTCARDS = PlatformEntry(
    PostcardPlatform.name,
    "postcards",
    Postcards,
    "PAPERBOY_POSTCARDS__STAMP",
    is_set_up=lambda settings: bool(_section(settings).stamp.get_secret_value()),
    build=_build,
    address=lambda settings: _section(settings).office,
)
