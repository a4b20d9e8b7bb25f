"""The values that every source gives, and the errors that it raises.

SourceError          a source could not be read: the text says which host failed, how, and what mends it
├── Unreachable      no answer: no such host, no connection, or a connection cut in the middle
│   └── TimedOut     an answer that took too long
├── BadAddress       no web address, or one inside the bot's own network, where no feed may lead
├── BadSurroundings   a proxy or a certificate, which the environment names, can't be used
├── Refused          a refusal; `status` is its HTTP status
│   └── RateLimited  ... for now; `retry_after` is the wait that the server asked for, in seconds
├── TooLarge         more bytes than a list of papers has
└── Unreadable       an answer that is no list of papers: HTML for JSON, cut off, a bomb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Protocol, runtime_checkable

from recommender.paper import Paper


class SourceError(Exception):
    """A source could not be read. The text is one sentence, and may be shown in a channel."""


class Unreachable(SourceError):
    """The host gave no answer."""


class TimedOut(Unreachable):
    """The answer took longer than the limits allow."""


class BadAddress(SourceError):
    """The text is no web address, or it leads, itself or by a redirect, into the bot's own network."""


class BadSurroundings(SourceError):
    """A proxy can't be used, or a certificate is not trusted: a variable of the environment mends it."""


class Refused(SourceError):
    """The server refused. `status` is the HTTP status, 200 when only the body tells of the refusal."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class RateLimited(Refused):
    """The server wants to be asked later. `retry_after` is in seconds."""

    def __init__(self, sentence: str, status: int, retry_after: float) -> None:
        super().__init__(sentence, status)
        self.retry_after = retry_after


class TooLarge(SourceError):
    """The answer was larger than the limits allow, packed or unpacked. Reading stopped there."""


class Unreadable(SourceError):
    """The answer is not in the format of this source."""


class ListingKind(Enum):
    """How a source listed a paper. The first four are arXiv's own words; a `replace` is an old paper revised. An
    `undated` entry of a feed is new if the feed was read before without it."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"
    DAILY = "daily"
    FEED = "feed"
    UNDATED = "undated"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Listing:
    """A paper on a source's list of one day. `names` are further names under which the source lists this paper again,
    also under another title."""

    paper: Paper
    source: str
    listed_on: date
    kind: ListingKind
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of one run of a source.

    `memory` replaces the memory that was passed in, and is kept only once the whole run is recorded as done.
    `notes` are sentences for the operator and for the line on a quiet day.
    `failure` is the reason why listings are missing. Those that are here are good, but the run is not done, and its
    days must be asked for again.
    """

    listings: tuple[Listing, ...] = ()
    memory: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: SourceError | None = None


class Source(Protocol):
    """A source that lists papers day by day."""

    @property
    def name(self) -> str:
        """The source's name, the same in every run: runs and memories are stored under it."""

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The papers listed from `since`, the first day that no finished run has covered, to `until`, today.

        Earlier days and papers may come again. `memory` is that of the last finished run; an empty one asks for
        everything. Raises SourceError when nothing at all could be read.
        """


@runtime_checkable
class PaperLookup(Protocol):
    """A source that gives single papers by their ids."""

    def may_have(self, paper_id: str) -> bool:
        """Whether an id (see `canonical_id`) is of the kind that this source gives."""
        ...

    async def papers(self, ids: Sequence[str]) -> list[Paper]:
        """The papers with these ids; unknown ids are left out. Raises SourceError."""
        ...
