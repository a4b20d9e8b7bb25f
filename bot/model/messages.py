"""The values that cross between the bot and its platforms.

Platforms hand in a `Place`, an `Asker` and a line of text or a `Reaction`; they get back a `Reply` to show the asker,
or are asked to send a `Message`. Texts are plain: a platform escapes them for itself. Only backticks mean something,
they mark what a person may type (`/papers pause`); texts from outside come with their backticks taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PlaceKind(StrEnum):
    """Where a conversation takes place."""

    CHANNEL = "channel"
    FORUM = "forum"  # a channel of posts: every message in it opens a thread, which it belongs to
    DIRECT = "direct"


class Style(StrEnum):
    """How a digest is laid out. A platform that can't do a style gets cards."""

    CARDS = "cards"  # a header, and one message a paper
    THREAD = "thread"  # the same, the papers in the header's thread
    COMPACT = "compact"  # one message of numbered papers


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or a direct conversation, as its platform names it. `workspace` is empty where there is only one."""

    platform: str
    address: str
    workspace: str = ""
    name: str = ""
    kind: PlaceKind = PlaceKind.CHANNEL
    private: bool | None = False
    """Whether others may not know of it, nor of what is said in it. None where this event does not tell: the channel is
    as private as it was known to be, and one never seen is private."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: an opaque member id, and whether they may change what the channel gets."""

    member: str
    manager: bool = False
    name: str = ""


SUPER_REACTION_SUFFIX = "::burst"
"""Ends the emoji of a Discord super reaction. A member can have it beside the plain emoji; both mean the same."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji put on a message, or taken back. `at` is the platform's own time, in UTC.

    `emoji` is the character, or the name between colons for a platform's own (`:parrot:`). A super reaction has
    `SUPER_REACTION_SUFFIX` behind it.
    """

    place: Place
    message: str
    member: str
    emoji: str
    on: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Action:
    """A button: pressing it is the same as saying `verb argument` there. `offset` continues a list."""

    label: str
    verb: str
    argument: str = ""
    offset: int = 0


SHARE = "share"
"""The verb of a button that shows the answer to the line in its argument to everybody."""


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, ready to be shown; every text already fits a person's glance, and a platform may cut it further."""

    paper_id: str
    title: str
    url: str = ""
    authors: str = ""
    organization: str = ""
    published: date | None = None
    upvotes: int = 0
    comments: int = 0
    summary: str = ""
    why: str = ""
    guess: bool = False
    note: str = ""
    tally: str = ""
    """What was voted by button, as the store has it when the message is written; no post's row keeps it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One paper in a list: its title, who and when, and the sentence of its abstract that speaks to the query. `tally`
    is as on a card."""

    paper_id: str
    title: str
    url: str = ""
    detail: str = ""
    said: str = ""
    tally: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a reply."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form: its name, what it means, and what stands in it now."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form a platform may show instead of words; sending it is the same as saying `verb name=value …`."""

    verb: str
    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the asker gets. Only the asker sees it, unless it is `public`.

    `first` is the number of the first line, where they are numbered.
    `form` is there for whoever may send it; the words tell all that it holds. `field` names the field of a form that
    a refusal is about, "" when it is about none.
    """

    text: str
    lines: tuple[Line, ...] = ()
    cards: tuple[Card, ...] = ()
    actions: tuple[Action, ...] = ()
    attachment: Attachment | None = None
    form: Form | None = None
    public: bool = False
    ok: bool = True
    field: str = ""
    first: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list, with the button that belongs to it alone."""

    line: Line
    action: Action


@dataclass(frozen=True, slots=True)
class Overview:
    """A channel or a direct conversation as it stands; the actions are pressed in `place`."""

    place: Place
    text: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """All that is one member's own: their conversation with the bot and its topics, a page of what they saved (`kept`
    in all, `actions` turn the pages), and the channels that they manage."""

    mine: Overview
    topics: tuple[Entry, ...] = ()
    saved: tuple[Entry, ...] = ()
    kept: int = 0
    actions: tuple[Action, ...] = ()
    channels: tuple[Overview, ...] = ()
    left_out: int = 0
    """Channels of theirs that are too many to be shown."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted for everybody in a channel: a card, a line of text, or a list.

    `numbered` lines are choices: who reacts with 1️⃣ likes the first. `further` ones go on below what was posted before,
    as titles under the cards. `thread` is the platform's id of the message in whose thread this goes.
    """

    text: str = ""
    card: Card | None = None
    lines: tuple[Line, ...] = ()
    numbered: bool = False
    further: bool = False
    thread: str = ""
