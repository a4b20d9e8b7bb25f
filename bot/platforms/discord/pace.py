"""Keeps the bot below Discord's global rate limit.

docs.discord.com/developers/topics/rate-limits#global-rate-limit
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.ports.platform import Sleep

_A_SECOND, _AT_ONCE = 25.0, 20
"""Requests a second in the long run, and requests at once after a pause. Discord takes 50 in any second. The bot sends
at most 45 in one, because requests may arrive closer together than they were sent."""
_SHORTEST_SECONDS = 0.001
"""A shorter sleep may not change the clock."""


class Pace:
    """A token bucket for all requests of one bot. `seconds` is a clock that only runs forward."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self._seconds, self._sleep = seconds, sleep
        self._next, self._waiting = 0.0, 0
        self._line = asyncio.Lock()

    @property
    def wait(self) -> float:
        """The seconds that a request made now would wait."""
        return max(self._next + self._waiting / _A_SECOND - self._seconds(), 0.0)

    async def acquire(self) -> None:
        """Wait until one more request may be sent; requests are sent in the order of their calls."""
        self._waiting += 1
        try:
            async with self._line:
                while (left := self._next - self._seconds()) > 0:
                    await self._sleep(max(left, _SHORTEST_SECONDS))
                # After a pause `_next` lies so far in the past that `_AT_ONCE` requests need not wait.
                self._next = max(self._next, self._seconds() - _AT_ONCE / _A_SECOND) + 1 / _A_SECOND
        finally:
            self._waiting -= 1

    def pause(self, seconds: float) -> None:
        """Send no request for so many seconds: Discord answered that there were too many."""
        self._next = max(self._next, self._seconds() + seconds)
