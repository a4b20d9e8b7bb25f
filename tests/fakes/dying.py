"""A process that dies where a test says: nothing after that runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

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
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        async with super().write(alone=alone) as tx:
            yield tx
            self._fate.step()
        self._fate.step()
