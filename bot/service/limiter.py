"""Turns: only a few questions are worked on at a time, so that whoever is told of many stays quick for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Done = TypeVar("Done")


class Turns:
    """Lets `at_once` of those who ask be worked for; who takes longer than `seconds`, perhaps because somebody outside
    does not answer, makes room for the next and goes on beside them."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._gate, self._seconds = asyncio.Semaphore(at_once), seconds

    async def take(self, work: Coroutine[Any, Any, Done]) -> Done:
        """What the work gives, once it was its turn."""
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
