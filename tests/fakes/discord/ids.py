"""Snowflakes: Discord's ids, which tell when a thing was made (docs.discord.com/developers/reference#snowflakes)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

EPOCH = 1_420_070_400_000
STEP = 1 << 22


class Snowflakes:
    """Ids in growing order while the clock does not go back."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """A new id, made now."""
        return str(self._now() * STEP + next(self._numbers) % STEP)

    def spread(self, number: int) -> str:
        """The id of the nth guild: each one falls to the next shard."""
        return str((self._now() + number) * STEP)

    def token(self) -> str:
        """Something that cannot be guessed, and is the same in every run."""
        return f"aW50ZXJhY3Rpb24-{next(self._numbers):06x}"

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000) - EPOCH
