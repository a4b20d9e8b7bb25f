"""A process that dies where a test says: nothing after that runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import Message, Place
from bot.ports.platform import BotApi, Platform
from bot.store.database import Store, make_engine


class Death(BaseException):
    """The process ends here: nothing after it runs."""


@dataclass
class Fate:
    """Says at which step the process dies; 0: never."""

    at: int = 0
    steps: int = 0
    dead: bool = False

    def step(self) -> None:
        self.steps += 1
        self.dead = self.dead or self.steps == self.at
        if self.dead:
            raise Death


class MortalStore(Store):
    """A store whose process may die before a transaction is committed, and after."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(make_engine(url, 10))
        self._fate = fate

    @contextlib.asynccontextmanager
    async def write(self, *, exclusive: bool = False) -> AsyncIterator[AsyncConnection]:
        async with super().write(exclusive=exclusive) as tx:
            yield tx
            self._fate.step()
        self._fate.step()


class MortalPlatform:
    """A platform whose process may die before a post leaves, and before an answer is read."""

    def __init__(self, platform: Platform, fate: Fate) -> None:
        self.name, self.capabilities = platform.name, platform.capabilities
        self._platform, self._fate = platform, fate

    async def send(self, place: Place, message: Message, key: str) -> str:
        self._fate.step()
        message_id = await self._platform.send(place, message, key)
        self._fate.step()
        return message_id

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        found = await self._platform.find(place, key, since, thread, after)
        self._fate.step()
        return found

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        return await self._platform.reactions(place, message)

    async def tell(self, place: Place, member: str, text: str) -> None:
        await self._platform.tell(place, member, text)

    async def run(self, service: BotApi) -> None:
        await self._platform.run(service)
