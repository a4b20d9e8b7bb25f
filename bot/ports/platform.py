"""The port: what a platform must do, what it can do (as data), and which errors it raises.

PlatformError
├── NotAccepted     certainly not posted: try again after `retry_after` seconds
│   └── TokenRefused    the platform does not know the token: it was changed there, or mistyped here
├── Rejected        certainly not posted: the platform refuses this message for good
├── AccessLost      certainly not posted: the bot may not post here any more
│   └── WorkspaceLost   the same for the whole workspace
└── Uncertain       perhaps posted: look it up before sending again
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.model.messages import Action, Asker, Home, Message, Place, Reaction, Reply


class PlatformError(Exception):
    """A call to a platform failed. The text is for the operator."""


class NotAccepted(PlatformError):
    """The platform refuses for now; the message was not posted."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
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
    """The connection broke after the message was sent: it may have been posted or not."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do. The rest of the bot reads these, and never a platform's name."""

    max_text: int
    """Characters in one message."""
    idempotent_for: float = 0.0
    """Seconds during which sending the same key twice gives one message; 0 where it gives two."""
    send_seconds: float = 0.0
    """Seconds that sending one message may take; 0 where the setting for all platforms is enough."""
    requests_a_second: float = 0.0
    """How many requests the platform takes in a second from the whole bot, in all its processes; 0 for any number."""
    lookup: bool = False
    """Whether `find` can tell whether a key was posted."""
    reads_reactions: bool = False
    """Whether `reactions` can read the reactions on a message back."""
    private_replies: bool = True
    """Whether a reply can be shown to the asker alone."""
    threads: bool = False
    """Whether a message can go in the thread of another."""
    asides_in_threads: bool = False
    """Whether members expect side notes in a thread and not in the channel."""
    numbers: int = 0
    """How many lines of one message members can react to by number: 1️⃣, 2️⃣ … 🔟."""
    whole_digests: bool = False
    """Whether a digest is one message with all of its cards, and a day without papers brings none."""
    interactive: bool = True
    """Whether members can ask, react and press buttons in a place. Where they can't, they vote by links."""
    one_member_everywhere: bool = False
    """Whether a member id means the same person in all workspaces."""
    way_back: str = "Invite me again"
    """What members have to do so that the bot may post again where it lost access."""


class BotApi(Protocol):
    """Everything that platforms may ask of the bot."""

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        """Answer one line of text, as after `/papers`."""
        ...

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        """Answer a pressed button. With an event id a vote is counted once, however often the event arrives."""
        ...

    async def vote(self, place: Place, asker: Asker, paper_id: str, value: int) -> Reply:
        """Set a member's vote on a paper: 1 for it, -1 against it, 0 for none. The same vote twice is as once."""
        ...

    async def act_on_message(
        self, place: Place, asker: Asker, command: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        """Run a command on the paper that a message is about. `text` is the message's text with its links."""
        ...

    async def home(self, place: Place, asker: Asker, addresses: Collection[str] = (), offset: int = 0) -> Home:
        """The asker's home page. `place` is their direct conversation, `addresses` are those of the channels that
        they are in, `offset` is the first saved paper of the page."""
        ...

    def command_for(self, emoji: str) -> str:
        """The command that means the same as a reaction with this emoji on a card; "" for an emoji that is no vote."""
        ...

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        """Record a reaction. With an event id it is recorded once, however often the event arrives."""
        ...

    async def resync_message(self, place: Place, message: str) -> None:
        """Reactions were removed from a message, and the platform does not say whose: read the remaining ones back."""
        ...

    async def resync_reactions_soon(self, platform: str, among: Callable[[str], bool] | None = None) -> None:
        """Reactions may have been missed: read them back soon, in the platform's workspaces for which `among` is true,
        or in all."""
        ...

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        """Whole lines that complete a line: commands, this channel's topics, titles."""
        ...

    async def joined(self, place: Place, by: str) -> Reply:
        """A member invited the bot. The reply greets the channel."""
        ...

    async def left(self, place: Place, reason: str) -> None:
        """The bot may not post in a place any more: stop the digests and keep everything."""
        ...

    async def renamed(self, place: Place) -> None:
        """The place has a new name, or became private or public."""
        ...

    async def workspace_removed(self, platform: str, workspace: str, reason: str) -> None:
        """The bot lost access to a workspace. Everything there is kept until it is installed again."""
        ...

    async def sync_memberships(
        self, platform: str, workspace: str, places: Collection[Place]
    ) -> list[tuple[Place, Reply]]:
        """Bring the stored channels in step with the list of channels that the bot is in now. Lost channels among them
        go on, and their greetings are returned."""
        ...


class Platform(Protocol):
    """One chat platform. Addresses and message ids are opaque strings."""

    name: str
    capabilities: Capabilities

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key of at most 25 characters and return the message's id.

        A message has a `thread` only where the platform has threads. `reactions` understands its id too. If the thread
        is gone, `Rejected` is raised, and the message is sent again without it.
        Raises a `PlatformError` subclass; any other exception counts as `Uncertain`. Never retries by itself, unless
        the platform certainly did not accept the first attempt.
        """
        ...

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the message that was posted under the key, in the place or in a thread of it; None if there is
        none.

        `after` is the id, as `send` returned it, of an earlier message in this place: the search covers everything that
        the platform has after it, whatever our clock says. Without it the search starts at `since`, a time by our
        clock. With neither, the newest 1,000 messages are searched.
        """
        ...

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The (member, emoji) pairs on a message, without those of bots. Raises `Rejected` if the message is gone."""
        ...

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Send a private message to one member, best effort."""
        ...

    async def run(self, service: BotApi) -> None:
        """Connect and serve until cancelled. Raises TokenRefused or WorkspaceLost if only another token helps."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: the problem, "" if there is none, and how to mend it.

    A finding without a problem may tell more in `mend`. If it is not `seen`, the check could not look, and `mend` says
    why, and where to look.
    """

    problem: str = ""
    mend: str = ""
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One check, with a short name that says what it checks, and where. `look` may raise anything and may never return:
    the caller sets a time-out, and reports an exception as the problem."""

    name: str
    look: Callable[[], Awaitable[Finding]]


@runtime_checkable
class Checkable(Protocol):
    """A platform that can check its own set-up."""

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of tokens, permissions, and each of these places. They run at the same time. The bot has no access
        to the `lost` places any more; a check may say what is missing there."""
        ...


@dataclass(frozen=True, slots=True)
class Invitation:
    """How people get the bot on a service, for the page /install. `text` is a sentence, which may end with a `command`
    that they type there. `url` is where the button with the `label` leads, "" where there is no button."""

    service: str
    text: str
    command: str = ""
    label: str = ""
    url: str = ""


@runtime_checkable
class Inviting(Protocol):
    """A platform that can say how people get the bot there."""

    @property
    def invitation(self) -> Invitation:
        """How people get the bot on this platform."""
        ...


@runtime_checkable
class TokenRenewing(Protocol):
    """A platform whose workspaces have tokens that expire."""

    async def renew_tokens(self) -> None:
        """Renew the tokens that expire soon, also those of workspaces where nothing happens."""
        ...


@runtime_checkable
class Connecting(Protocol):
    """A platform that sends faster over connections that stay open between sends."""

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections for sending open until the block ends. `run`, which also listens, is not needed for that."""
        ...


@runtime_checkable
class Attending(Protocol):
    """A platform where the bot has to be invited to a channel, and that can tell whether it is a member."""

    async def attends(self, place: Place) -> bool:
        """Whether the bot is a member of a place and may post there. Raises PlatformErrors if nobody can tell."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A platform whose events do not always tell whether a place is private, and that can be asked for it."""

    async def describe(self, place: Place) -> Place:
        """The place with its name and `private`, which stays None where the platform does not say. Raises
        PlatformErrors if that is unknown for now."""
        ...


@runtime_checkable
class Zoned(Protocol):
    """A platform that may know a member's time zone."""

    async def zone_of(self, place: Place, member: str) -> str:
        """The IANA name of a member's time zone; "" if it is unknown. Raises PlatformErrors."""
        ...


@runtime_checkable
class Unreacting(Protocol):
    """A platform where the bot may take a member's emoji off its messages."""

    async def unreact(self, place: Place, message: str, member: str, emoji: str) -> None:
        """Take a member's emoji off a message; an emoji that is not there changes nothing. Raises PlatformErrors."""
        ...


@runtime_checkable
class Threading(Protocol):
    """A platform where the bot may lack the permission for threads in some channels."""

    def may_thread(self, place: Place) -> bool:
        """Whether the bot can post in threads in this place, as far as is known. Makes no request."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A platform that takes messages for one place only so often."""

    async def turn(self, place: Place) -> None:
        """Wait for the moment at which a message may be sent to a place, up to some seconds. Raises no PlatformError.

        A message that is sent earlier waits inside `send`, where nobody can tell whether it was posted.
        """
        ...


@runtime_checkable
class Rewriting(Protocol):
    """A platform that can edit its own messages. Not needed where votes by button are visible without an edit."""

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Replace the message that was posted under the key and has the id `posted`. `find` finds it as before. Nobody
        is notified, and replacing twice is the same as once.

        A message that is gone, or can no longer be edited, is left alone. Raises a `PlatformError` subclass; after
        `Uncertain` it may be tried again.
        """
        ...


def capabilities_in(platform: Platform, place: Place) -> Capabilities:
    """What a platform can do in a place."""
    if isinstance(platform, Threading) and not platform.may_thread(place):
        return replace(platform.capabilities, threads=False)
    return platform.capabilities


Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], datetime]
"""The time now, in UTC."""
