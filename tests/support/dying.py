"""A process that dies or is paused where a test says. After a death nothing more of it runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import Message, Place
from bot.ports.platform import BotApi, Platform
from bot.store.database import Store, make_engine


class Death(BaseException):
    """The process ends here: nothing after it runs."""


class Step(Enum):
    """Where in its work a process can be met."""

    COMMITTING = "before a commit"
    COMMITTED = "after a commit"
    SENDING = "before a post leaves"
    POSTED = "before the answer to a post is read"
    FOUND = "before the answer to a lookup is read"


@dataclass
class Fate:
    """Says at which step the process dies; 0: never."""

    at: int = 0
    steps: int = 0
    dead: bool = False

    async def step(self, step: Step) -> None:
        self.steps += 1
        self.dead = self.dead or self.steps == self.at
        if self.dead:
            raise Death


@dataclass
class Pause(Fate):
    """Says at which step the process stands still, while something else happens; it goes on after that. A process is
    never paused in a transaction: others would wait for its locks."""

    meanwhile: Callable[[Step], Awaitable[None]] | None = None

    async def step(self, step: Step) -> None:
        if step is Step.COMMITTING:
            return
        self.steps += 1
        if self.steps == self.at and self.meanwhile:
            await self.meanwhile(step)


class MortalStore(Store):
    """A store whose process may die before a transaction is committed, and after."""

    def __init__(self, url: str, fate: Fate) -> None:
        super().__init__(make_engine(url, 10))
        self._fate = fate

    async def change(self, statement: sa.Update | sa.Delete) -> int:
        if self.is_sqlite:
            return await super().change(statement)
        await self._fate.step(Step.COMMITTING)
        count = await super().change(statement)
        await self._fate.step(Step.COMMITTED)
        return count

    @contextlib.asynccontextmanager
    async def write(self, *, exclusive: bool = False) -> AsyncIterator[AsyncConnection]:
        async with super().write(exclusive=exclusive) as tx:
            yield tx
            await self._fate.step(Step.COMMITTING)
        await self._fate.step(Step.COMMITTED)


class MortalPlatform:
    """A platform whose process may die before a post leaves, and before an answer is read."""

    def __init__(self, platform: Platform, fate: Fate) -> None:
        self.name, self.capabilities = platform.name, platform.capabilities
        self._platform, self._fate = platform, fate

    async def send(self, place: Place, message: Message, key: str) -> str:
        await self._fate.step(Step.SENDING)
        message_id = await self._platform.send(place, message, key)
        await self._fate.step(Step.POSTED)
        return message_id

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        found = await self._platform.find(place, key, since, thread, after)
        await self._fate.step(Step.FOUND)
        return found

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        return await self._platform.reactions(place, message)

    async def tell(self, place: Place, member: str, text: str) -> None:
        await self._platform.tell(place, member, text)

    async def run(self, service: BotApi) -> None:
        await self._platform.run(service)
