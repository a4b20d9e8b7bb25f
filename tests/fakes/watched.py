"""Waiting for what happens in a server that plays a platform, without sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
_LOOK = 0.01


class Watched:
    """Something that tells of its changes."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], T], within: float = 5.0) -> T:
        """What a condition gives as soon as it is true. Raises TimeoutError after so many real seconds.

        It is looked at whenever anything happened here, and a hundred times a second: what the bot does in itself is
        not heard here.
        """
        async with asyncio.timeout(within):
            while not (met := condition()):
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), _LOOK)
        return met

    def changed(self) -> None:
        """Wake those who wait for something."""
        self._changed.set()
