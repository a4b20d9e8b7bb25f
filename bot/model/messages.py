"""The values that cross between the bot and its platforms.

Platforms hand in a `Place`, an `Asker` and a line of text or a `Reaction`. They get back a `Reply` for the asker,
or are asked to send a `Message`. Texts are plain, and each platform escapes them for itself. Only backticks have a
meaning: they mark what a member may type (`/papers pause`). Texts from outside come without backticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.model.charts import Chart


class PlaceKind(StrEnum):
    """The kind of a place."""

    CHANNEL = "channel"
    FORUM = "forum"  # a channel of posts: every message in it opens a thread and belongs to that thread
    DIRECT = "direct"


class Style(StrEnum):
    """How a digest is laid out. A platform that can't do a style gets cards."""

    CARDS = "cards"  # a header, and one message for each paper
    THREAD = "thread"  # like cards, with the papers in the header's thread
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
    """Whether other members may not see the place. None where the event does not tell: a stored channel then stays as
    it was, and a new one counts as private."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The member who asks: an opaque member id, and whether they may change the channel's settings. An `operator` runs
    the bot, as whoever sits at its own terminal does."""

    member: str
    manager: bool = False
    name: str = ""
    operator: bool = False


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
    """A button. Pressing it is the same as typing the command's name and its argument in the place. `offset` continues
    a list."""

    label: str
    command: str
    argument: str = ""
    offset: int = 0


SHARE = "share"
"""Stands in place of a command on a button that shows the answer to the line in its argument to everybody."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link with the word that leads there."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, ready to be shown. Every text is already short, and a platform may cut it further."""

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
    """The votes by button at the time when the message is written. The row of a post does not keep it."""
    category: str = ""
    source: str = ""
    links: tuple[Link, ...] = ()
    """Links beside that of the title: to the PDF, the code, the project, the discussion."""


@dataclass(frozen=True, slots=True)
class Line:
    """One paper in a list. `detail` holds authors and date, `note` the sentence of the abstract that matches the query,
    or why the paper was picked; `tally` is as on a card."""

    paper_id: str
    title: str
    url: str = ""
    detail: str = ""
    note: Annotated[str, Field(alias="said")] = ""
    """The alias is its key in the rows of posts."""
    tally: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a reply."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form: its name, its meaning, and its value now."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a platform may show instead of text. Sending it is the same as typing `command name=value …`."""

    command: str
    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the asker. Only the asker sees it, unless it is `public`.

    `first` is the number of the first line, where lines are numbered. `form` is there for members who may send it; the
    text holds the same values. `ok` is False for a refusal, and `field` names the form field that it is about, if any.
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
    charts: tuple[Chart, ...] = ()
    """Charts of what the text says."""
    links: tuple[Link, ...] = ()
    """Links below the text, with their whole addresses where a platform can show these."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list with its own button."""

    line: Line
    action: Action


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a channel or a direct conversation. The actions are run in `place`."""

    place: Place
    text: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """A member's home page: their conversation with the bot, its topics, a page of their saved papers (`kept` in all;
    `actions` turn the pages), and the channels that they manage."""

    mine: Overview
    topics: tuple[Entry, ...] = ()
    saved: tuple[Entry, ...] = ()
    kept: int = 0
    actions: tuple[Action, ...] = ()
    channels: tuple[Overview, ...] = ()
    left_out: int = 0
    """The number of their channels that the page does not show."""


@dataclass(frozen=True, slots=True)
class Message:
    """A post for everybody in a channel: a card, a text, or a list.

    `numbered` lines can be liked by number: a member who reacts with 1️⃣ likes the first. `further` lines continue an
    earlier post, as the titles under the cards do. `cards` are there on platforms where a digest is one message, and
    `title` is the subject of such a message. `thread` is the platform's id of the message in whose thread this is
    posted. `actions` are buttons below.
    """

    text: str = ""
    card: Card | None = None
    lines: tuple[Line, ...] = ()
    numbered: bool = False
    further: bool = False
    thread: str = ""
    actions: tuple[Action, ...] = ()
    cards: tuple[Card, ...] = ()
    title: str = ""
