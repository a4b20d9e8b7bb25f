"""A limit on how many commands run at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Done = TypeVar("Done")


class ConcurrencyLimiter:
    """Runs at most `at_once` coroutines at a time. A coroutine that takes longer than `seconds`, perhaps because an
    outside server does not answer, gives up its slot and keeps running."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._gate, self._seconds = asyncio.Semaphore(at_once), seconds

    async def run(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Run a coroutine once a slot is free, and return its result."""
        task: asyncio.Task[Done] | None = None
        try:
            async with self._gate:
                task = asyncio.create_task(work)
                await asyncio.wait({task}, timeout=self._seconds)
            return await task
        except asyncio.CancelledError:
            if task is None:
                work.close()
            else:
                task.cancel()
            raise
