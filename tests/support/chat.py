"""A chat platform in memory that keeps its word exactly, and breaks it on demand."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model.messages import Message, Place
from bot.ports.platform import BotApi, Capabilities

Fault = Callable[[Message], None]
"""Raises what goes wrong with a message, or lets it pass."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as the people of a channel see it."""

    id: str
    key: str
    message: Message


@dataclass
class FakeChat:
    """Keeps every message for ever, whatever becomes of the bot. `before` and `after` break a send before it is
    accepted or after: what is lost after acceptance stays shown."""

    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(max_text=4000, lookup=True, reads_reactions=True, threads=True, numbers=10)
    )
    name: str = "fake"
    before: Fault | None = None
    after: Fault | None = None
    shown: defaultdict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    standing: defaultdict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    told: list[tuple[str, str]] = field(default_factory=list)
    lookups: int = 0
    unable_to_look_up: Exception | None = None
    clock: Callable[[], datetime] | None = None
    _posted_at: dict[str, datetime] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    async def send(self, place: Place, message: Message, key: str) -> str:
        assert len(key) <= 25
        assert not message.thread or self.capabilities.threads
        assert message.thread in (
            "",
            *(message.id for message in self.shown[place.address] if not message.message.thread),
        )
        if self.before:
            self.before(message)
        known = [message for message in self.shown[place.address] if message.key == key]
        if known and self.capabilities.idempotent_for and self._remembers(key):
            if self.after:
                self.after(message)
            return known[0].id
        made = Shown(f"m{next(self._ids)}", key, message)
        if self.clock:
            self._posted_at[key] = self.clock()
        self.shown[place.address].append(made)
        if self.after:
            self.after(message)
        return made.id

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        self.lookups += 1
        if self.unable_to_look_up:
            raise self.unable_to_look_up
        here = [message for message in self.shown[place.address] if message.message.thread == thread]
        return next((one.id for one in here if one.key == key), None)

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        return sorted(self.standing[message])

    async def tell(self, place: Place, member: str, text: str) -> None:
        self.told.append((member, text))

    async def run(self, service: BotApi) -> None:
        """Nobody speaks here on their own."""

    def _remembers(self, key: str) -> bool:
        """Whether a key is known still; given a clock, only as long as the capabilities promise."""
        if self.clock is None:
            return True
        return self.clock() - self._posted_at[key] < timedelta(seconds=self.capabilities.idempotent_for)

    def titles(self, address: str = "c1") -> list[str]:
        """What a channel shows, in order: cards by their titles, other messages by their texts."""
        return [
            message.message.card.title if message.message.card else message.message.text
            for message in self.shown[address]
        ]

    def message_of(self, paper_id: str, address: str = "c1") -> str:
        """The message that shows a paper."""
        [found] = [s.id for s in self.shown[address] if s.message.card and s.message.card.paper_id == paper_id]
        return found
