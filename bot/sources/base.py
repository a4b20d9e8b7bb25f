"""What every source gives, and what it says when it cannot.

SourceError          its text is one sentence for a person: who failed, how, and what mends it
├── Unreachable      no answer: no such host, no connection, hung up in the middle
│   └── TimedOut     an answer that took too long
├── NotPublic        an address inside the bot's own network, where no feed may lead
├── Refused          an answer that says no; `status` is its HTTP status
│   └── RateLimited  ... not now; `retry_after` is the wait it asked for, in seconds
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
    """A source could not be read; the text is fit for a channel."""


class Unreachable(SourceError):
    """Nobody answered."""


class TimedOut(Unreachable):
    """The answer took longer than the limits allow."""


class BadAddress(SourceError):
    """The address is none, or it leads, itself or by a redirect, into the bot's own network."""


class Refused(SourceError):
    """The answer was no. `status` is the HTTP status, 200 when only the body says no."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class RateLimited(Refused):
    """The answer was "not now". `retry_after` is in seconds."""

    def __init__(self, sentence: str, status: int, retry_after: float) -> None:
        super().__init__(sentence, status)
        self.retry_after = retry_after


class TooLarge(SourceError):
    """The answer was larger than the limits allow, packed or unpacked; reading stopped there."""


class Unreadable(SourceError):
    """The answer is not what this source speaks."""


class ListingKind(Enum):
    """How a source came to name a paper. arXiv's own four words are kept; a `replace` is an old paper revised."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"
    DAILY = "daily"
    FEED = "feed"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Listing:
    """One paper on one source's list of one day."""

    paper: Paper
    source: str
    listed_on: date
    kind: ListingKind


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run of a source gave.

    `memory` replaces the memory that was passed in, and is kept only once the whole run is recorded as done.
    `notes` are sentences for the operator and for the quiet-day line.
    `failure` is why a part is missing: what is here is good, but the run is not done and the span must be asked
    for again.
    """

    listings: tuple[Listing, ...] = ()
    memory: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: SourceError | None = None


class Source(Protocol):
    """A place that lists papers day by day."""

    @property
    def name(self) -> str:
        """The same in every run: runs and memories are filed under it."""

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """What was listed from `since`, the first day that no finished run has covered, to `until`, today.

        May give earlier days and known papers again. `memory` is the last finished run's; empty asks for everything.
        Raises SourceError when nothing at all could be read.
        """


@runtime_checkable
class PaperLookup(Protocol):
    """A source that can be asked for single papers."""

    async def papers(self, ids: Sequence[str]) -> list[Paper]:
        """The papers with these arXiv ids; ids that nobody knows are left out. Raises SourceError."""
        ...
