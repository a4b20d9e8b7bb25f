"""A service that writes down what platforms tell it, and answers as it was told to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bot.model.messages import Action, Asker, Home, Overview, Place, Reaction, Reply


@dataclass
class RecordingService:
    """Implements the port's `BotApi` for tests of platforms."""

    answer: Reply = field(default_factory=lambda: Reply("It is so."))
    breaks: Exception | None = None
    suggestions: list[str] = field(default_factory=list)
    asked: list[tuple[Place, Asker, str]] = field(default_factory=list)
    acted: list[tuple[Place, Asker, Action]] = field(default_factory=list)
    votes: list[tuple[Place, Asker, str, int]] = field(default_factory=list)
    presses: list[str] = field(default_factory=list)
    """The event ids of what was pressed."""
    abouts: list[tuple[Place, Asker, str, str, str]] = field(default_factory=list)
    homes: list[tuple[Place, Asker, list[str], int]] = field(default_factory=list)
    at_home: Home | None = None
    reactions: list[Reaction] = field(default_factory=list)
    reread_: list[tuple[Place, str]] = field(default_factory=list)
    misses: int = 0
    lost: list[tuple[Place, str]] = field(default_factory=list)
    names: list[Place] = field(default_factory=list)
    invitations: list[tuple[Place, str]] = field(default_factory=list)
    dismissals: list[tuple[str, str]] = field(default_factory=list)
    rolls: list[list[Place]] = field(default_factory=list)
    _events: set[str] = field(default_factory=set)

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        self.asked.append((place, asker, line))
        if self.breaks:
            raise self.breaks
        return self.answer

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        self.acted.append((place, asker, action))
        self.presses.append(event_id)
        if self.breaks:
            raise self.breaks
        return self.answer

    async def vote(self, place: Place, asker: Asker, paper_id: str, value: int) -> Reply:
        self.votes.append((place, asker, paper_id, value))
        if self.breaks:
            raise self.breaks
        return self.answer

    async def act_on_message(
        self, place: Place, asker: Asker, command: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        self.abouts.append((place, asker, command, message, text))
        self.presses.append(event_id)
        return self.answer

    async def home(self, place: Place, asker: Asker, addresses: Collection[str] = (), offset: int = 0) -> Home:
        self.homes.append((place, asker, sorted(addresses), offset))
        return self.at_home or Home(Overview(place, "Nothing here yet."))

    def command_for(self, emoji: str) -> str:
        return {"👍": "more", "❤": "more", "🔥": "more", "👎": "less"}.get(emoji[:1], "")

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        if event_id not in self._events:
            self.reactions.append(reaction)
        if event_id is not None:
            self._events.add(event_id)

    async def resync_message(self, place: Place, message: str) -> None:
        self.reread_.append((place, message))

    async def resync_reactions_soon(self, platform: str, among: Callable[[str], bool] | None = None) -> None:
        self.misses += 1

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        return [each for each in self.suggestions if each.startswith(line)][:limit]

    async def joined(self, place: Place, by: str) -> Reply:
        self.invitations.append((place, by))
        return Reply("Hello, I bring papers.")

    async def left(self, place: Place, reason: str) -> None:
        self.lost.append((place, reason))

    async def renamed(self, place: Place) -> None:
        self.names.append(place)

    async def workspace_removed(self, platform: str, workspace: str, reason: str) -> None:
        self.dismissals.append((workspace, reason))

    async def sync_memberships(
        self, platform: str, workspace: str, places: Collection[Place]
    ) -> list[tuple[Place, Reply]]:
        self.rolls.append(list(places))
        back = [room for room in places if room.address in {place.address for place, _ in self.lost}]
        return [(room, Reply("I am back.")) for room in back]
