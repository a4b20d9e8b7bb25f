"""A desk that writes down what platforms tell it, and answers as it was told to."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.channels.values import Action, Asker, Place, Reaction, Reply


@dataclass
class RecordingDesk:
    """Implements the port's `Desk` for tests of platforms."""

    answer: Reply = field(default_factory=lambda: Reply("It is so."))
    breaks: Exception | None = None
    suggestions: list[str] = field(default_factory=list)
    asked: list[tuple[Place, Asker, str]] = field(default_factory=list)
    acted: list[tuple[Place, Asker, Action]] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    invitations: list[tuple[Place, str]] = field(default_factory=list)
    _events: set[str] = field(default_factory=set)

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        self.asked.append((place, asker, line))
        if self.breaks:
            raise self.breaks
        return self.answer

    async def act(self, place: Place, asker: Asker, action: Action) -> Reply:
        self.acted.append((place, asker, action))
        return self.answer

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        if event_id not in self._events:
            self.reactions.append(reaction)
        if event_id is not None:
            self._events.add(event_id)

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        return [each for each in self.suggestions if each.startswith(line)][:limit]

    async def joined(self, place: Place, by: str) -> Reply:
        self.invitations.append((place, by))
        return Reply("Hello, I bring papers.")

    async def left(self, place: Place, why: str) -> None:
        return None

    async def renamed(self, place: Place) -> None:
        return None
