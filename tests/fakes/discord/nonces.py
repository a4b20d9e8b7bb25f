"""The nonces of the past few minutes: docs.discord.com/developers/resources/message#create-message.

The nonce of a message that was deleted meanwhile is answered 404 (discord.py 2.7, `Messageable.send`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.discord.message import Message


class Nonces:
    """Which message was made with which nonce; `last` is how long Discord remembers."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.last = timedelta(minutes=3)
        self._clock = clock
        self._kept: dict[str, tuple[datetime, Message]] = {}

    def keep(self, nonce: str | int | None, message: Message) -> None:
        """Remember a message that was made."""
        if nonce is not None:
            self._kept[str(nonce)] = (self._clock(), message)

    def known(self, nonce: str | int | None) -> Message | None:
        """The message that was made with it lately."""
        at, message = self._kept.get(str(nonce), (None, None))
        return message if at is not None and self._clock() - at < self.last else None
