"""A clock that stands still until it is told to move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    """Called, it gives `now`: an aware UTC datetime."""

    now: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass; what it is then."""
        self.now += by
        return self.now

    def seconds(self) -> float:
        """The same time, in seconds."""
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Waiting is what makes the time pass."""
        self.advance(timedelta(seconds=seconds))
