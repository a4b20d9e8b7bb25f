"""The port: what a platform must do, what it can do (as data), and how it says that something went wrong.

PlatformError
├── NotAccepted     surely not posted: try again, after `retry_after` seconds
│   └── TokenRefused    the platform knows no such token; it may have been changed there, or mistyped here
├── Rejected        surely not posted, and never will be: this message is not to the platform's liking
├── AccessLost      surely not posted: the bot may not write here any more
│   └── WorkspaceLost   nor anywhere else in this workspace
└── Uncertain       nobody knows whether it was posted: look it up before sending again
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.model.messages import Action, Asker, Home, Message, Place, Reaction, Reply


class PlatformError(Exception):
    """Sending did not end with a message id. The text is for the operator."""


class NotAccepted(PlatformError):
    """The platform said no for now; the message was not posted."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class TokenRefused(NotAccepted):
    """The platform does not know the bot's token; nothing was posted."""


class Rejected(PlatformError):
    """The platform refuses this message for good; the message was not posted."""


class AccessLost(PlatformError):
    """The bot was removed, the channel is gone or archived, or a permission is missing; nothing was posted."""


class WorkspaceLost(AccessLost):
    """The bot was removed from the whole workspace, or its token died; nothing was posted."""


class Uncertain(PlatformError):
    """The connection broke after the message left: it may have been posted or not."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do. The middle of the house asks these and never a platform's name."""

    max_text: int
    """Characters in one message."""
    idempotent_for: float = 0.0
    """Seconds during which sending the same key twice gives one message; 0 where it gives two."""
    lookup: bool = False
    """Whether `find` can tell afterwards if a key was posted."""
    reads_reactions: bool = False
    """Whether `reactions` can read the standing reactions of a message back."""
    private_replies: bool = True
    """Whether a reply can be shown to the asker alone."""
    threads: bool = False
    """Whether a message can go in the thread of another."""
    asides_in_threads: bool = False
    """Whether people there expect what goes beside the point in a thread, out of the channel's way."""
    numbers: int = 0
    """How many lines of one message members can react to by number: 1️⃣, 2️⃣ … 🔟."""
    one_member_everywhere: bool = False
    """Whether a member's id means the same person in all workspaces."""
    way_back: str = "Invite me again"
    """What members can do that the bot may post again where it lost access."""


class BotApi(Protocol):
    """What the bot offers to platforms: the one door inwards."""

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        """Answer one line of text, as after `/papers`."""
        ...

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        """Answer a pressed button; with an event id, a vote is counted once however often it is told."""
        ...

    async def act_on_message(
        self, place: Place, asker: Asker, verb: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        """Do what a verb says with the paper that a message is about; `text` is its text with its links."""
        ...

    async def home(self, place: Place, asker: Asker, rooms: Collection[str] = (), offset: int = 0) -> Home:
        """All that is the asker's own; `place` is their direct conversation, `rooms` the channels that they are in,
        `offset` where the page of saved papers begins."""
        ...

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        """Take in a reaction; with an event id, exactly once however often it is told."""
        ...

    async def resync_message(self, place: Place, message: str) -> None:
        """Emoji of a message were taken off, and nobody said whose: what still stands is to be read back."""
        ...

    async def resync_reactions_soon(self) -> None:
        """Reactions may have been missed: those that stand are to be read back."""
        ...

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        """Whole lines that could be meant by a line typed so far: verbs, this channel's topics, titles."""
        ...

    async def joined(self, place: Place, by: str) -> Reply:
        """The bot was invited by a member; the reply greets the channel."""
        ...

    async def left(self, place: Place, why: str) -> None:
        """The bot may not write there any more: pause and keep everything."""
        ...

    async def renamed(self, place: Place) -> None:
        """The place has a new name, or became private or public."""
        ...

    async def workspace_removed(self, platform: str, workspace: str, why: str) -> None:
        """The bot may act nowhere in a workspace any more: everything there is kept until it is installed again."""
        ...

    async def sync_memberships(
        self, platform: str, workspace: str, rooms: Collection[Place]
    ) -> list[tuple[Place, Reply]]:
        """These are the rooms of a workspace that the bot is in now: what was lost there goes on, with a greeting."""
        ...


class Platform(Protocol):
    """One chat platform. Addresses and message ids are opaque strings."""

    name: str
    capabilities: Capabilities

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key of at most 25 characters and return the message's id.

        One with a `thread` is asked for only where there are threads, and its id is understood by `reactions` too; a
        thread that is gone is `Rejected`, and the message comes again without it.
        Raises a `PlatformError` subclass; any other exception counts as `Uncertain`. Never tries twice by itself
        unless the platform is sure the first try was not accepted.
        """
        ...

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the message posted under the key, in the place itself or in this thread of it; None when there is
        none.

        `after` is the id, as `send` gave it, of a message of this place that was posted earlier: the search covers
        everything the platform put after it, whatever our clock says. Without it, `since` is a time by our clock from
        which on to search. With neither, the newest 1,000 messages are searched.
        """
        ...

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The standing (member, emoji) pairs on a message, bots left out; `Rejected` for a message that is gone."""
        ...

    async def tell(self, place: Place, member: str, text: str) -> None:
        """A private word to one member, best effort."""
        ...

    async def run(self, service: BotApi) -> None:
        """Connect and serve until cancelled. Raises TokenRefused or WorkspaceLost where only another token helps."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one thing gave: what is wrong, "" when nothing is, and how to mend it.

    A finding without a problem may say in `mend` what can't be seen from here, and how to see it.
    """

    problem: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at, by a short name that says what and where. `look` may raise anything and take for ever:
    whoever runs it sets a time-out, and tells what was raised as the problem."""

    name: str
    look: Callable[[], Awaitable[Finding]]


@runtime_checkable
class Checkable(Protocol):
    """A platform that can say whether it is set up rightly."""

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """What there is to look at: tokens, permissions, and each of these places. They are looked at side by side.
        To `lost` ones the bot has no access any more; what they lack may be worth telling."""
        ...


@runtime_checkable
class Attending(Protocol):
    """A platform where the bot has to be invited to a channel, and that can say whether it is there."""

    async def attends(self, place: Place) -> bool:
        """Whether the bot is in a place, and may post there. Raises PlatformErrors while nobody can tell."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A platform whose events do not always tell whether a place is private, and that can be asked."""

    async def describe(self, place: Place) -> Place:
        """The place with its name and whether it is private, which stays None where the platform does not say. Raises
        PlatformErrors while nobody can tell."""
        ...


@runtime_checkable
class Threading(Protocol):
    """A platform where the bot may lack the permissions for threads in single channels."""

    def may_thread(self, place: Place) -> bool:
        """Whether messages can go in the thread of another in this place, as far as is known; asks nobody."""
        ...


@runtime_checkable
class Rewriting(Protocol):
    """A platform that can write a message anew that it posted. One where votes by button are seen anyway needs not."""

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Put a message in the place of the one that it posted under the key, with the id that `send` gave; `find`
        finds it as before. Nobody is notified, and twice is as once.

        A message that is gone, or stands where nothing can be changed any more, is left in peace. Raises a
        `PlatformError` subclass; `Uncertain` means only that it may be tried again.
        """
        ...


Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], datetime]
"""The time now, in UTC."""
