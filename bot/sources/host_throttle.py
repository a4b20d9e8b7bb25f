"""The queue of a host: one request at a time, never faster than its pace, and none while it wants a rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sources.base import RateLimited

_LONGEST_REST = 86_400.0  # seconds; a host that asks for a longer rest gets a day


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day, a time that only grows, and sleeping."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class HostThrottle:
    """The queue of a host, with `pace` seconds between the starts of two requests."""

    def __init__(self, host: str, pace: float, patience: float, clock: Clock) -> None:
        self._host = host
        self._pace = pace
        self._patience = patience
        self._clock = clock
        self._free_at = clock.monotonic()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the time of the next request, and hold the queue during the block.

        Raises RateLimited when the host wants a rest that is longer than the patience.
        """
        async with self._lock:
            wait = self._free_at - self._clock.monotonic()
            if wait > self._patience:
                raise self.limited(429, wait)
            if wait > 0:
                await self._clock.sleep(wait)
            self._free_at = self._clock.monotonic() + self._pace
            yield

    def rest(self, seconds: float) -> None:
        """Send this host no request for some seconds."""
        self._free_at = max(self._free_at, self._clock.monotonic() + min(seconds, _LONGEST_REST))

    def limited(self, status: int, seconds: float) -> RateLimited:
        """The error that says how long the host wants a rest."""
        seconds = min(seconds, _LONGEST_REST)
        wait = f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"
        when = f"for {wait}" if seconds else "for a while"
        return RateLimited(f"{self._host} asked not to be asked again {when}; the next run will.", status, seconds)
