"""Pages that are being made: few at the same time, and none twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from typing import Any, TypeVar

from bot.web.errors import PageError

_MOST_WAITING = 100
Result = TypeVar("Result")


class Builds:
    """So many pages are made at the same time at most. The others wait for their turn, in the order in which they came;
    where too many wait already, PageError is raised."""

    def __init__(self, at_once: int, most_waiting: int = _MOST_WAITING) -> None:
        self._free, self._waiting, self._most_waiting = asyncio.Semaphore(at_once), 0, most_waiting
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One turn. Raises PageError."""
        if self._waiting >= self._most_waiting:
            raise PageError(503, "Too many pages are asked for at once. Try again in a moment.", {"Retry-After": "5"})
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    async def once(self, key: Hashable, build: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `build` makes in a turn. Whoever asks for the same `key` meanwhile gets the same, also an error. A
        visitor who leaves ends nothing, since others may wait for it."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._in_turn(build))
            task.add_done_callback(lambda done: self._end(key, done))
        result: Result = await asyncio.shield(task)
        return result

    async def _in_turn(self, build: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        async with self.turn():
            return await build()

    def _end(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # all who waited may have left
