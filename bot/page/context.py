"""What the routes of the page need, and how they read what a request asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.page.builds import Builds
from bot.paper_index import PaperIndex
from bot.ports.platform import Clock, Invitation
from bot.private_indexes import PrivateIndexes
from bot.store.database import Store
from bot.web.errors import PageError
from bot.web.templates import Templates
from recommender.index.vocabulary import category_name

PAGE_PAPERS = 25
"""Papers on one page of a list."""
_MOST_PAGES = 100
LONGEST_QUERY = 500
"""Characters of a query."""
_BUILDS, _CHANNEL_BUILDS = 2, 1
"""Pages that are made at the same time: public ones, which take milliseconds, and those of channels, which take longer
where a taste is learned."""
_CATEGORY = re.compile(r"[a-z-]{2,20}(?:\.[a-z-]{2,20})?", re.ASCII | re.IGNORECASE)
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ChannelParts:
    """The parts of the bot that tell of a channel. `seconds` is a clock that only runs forward."""

    digests: DigestComposer
    emoji: EmojiTable
    private: PrivateIndexes
    seconds: Callable[[], float]


@dataclass(slots=True)
class PageContext:
    """The parts of the bot that the page uses. `sources` are the names of the sources that are switched on,
    `invitations` are those of the platforms.

    `url` is the address at which others reach the page, without a slash at its end. It is set before the first request,
    and never taken from a request: whoever sends one could name any. `has_mail` says whether papers come by mail here.
    `builds` are for public pages, `channel_builds` for those of channels: all else has to go on beside them, the
    acknowledgements of platforms above all.
    """

    store: Store
    paper_index: PaperIndex
    clock: Clock
    templates: Templates
    sources: Collection[str]
    channels: ChannelParts
    url: str = ""
    invitations: Sequence[Invitation] = ()
    has_mail: bool = False
    builds: Builds = field(default_factory=lambda: Builds(_BUILDS))
    channel_builds: Builds = field(default_factory=lambda: Builds(_CHANNEL_BUILDS))

    @property
    def today(self) -> date:
        """The day of the page, in UTC."""
        return self.clock().date()


def page_number(request: web.Request) -> int:
    """The page of a list that a request asks for, from 1. Raises PageError."""
    text = request.query.get("page", "") or "1"
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= _MOST_PAGES):
        raise PageError(404, f"Pages of a list have numbers from 1 to {_MOST_PAGES}.")
    return int(text)


def query_of(request: web.Request) -> str:
    """The query of a request on one line; "" if it has none. Raises PageError."""
    text = request.query.get("q", "")
    if len(text) > LONGEST_QUERY:
        raise PageError(413, f"A search may have {LONGEST_QUERY} characters at most; this one has {len(text):,}.")
    return " ".join(text.replace("\0", "").encode(errors="ignore").decode().split())


def category_of(request: web.Request) -> str:
    """The category of arXiv that a request asks for, as arXiv writes it; "" if it names none. Raises PageError."""
    text = request.query.get("cat", "")
    if text and not _CATEGORY.fullmatch(text):
        raise PageError(404, "There is no such category. One looks like cs.LG.")
    return category_name(text.lower())


def choice_of(request: web.Request, name: str, default: Choice) -> Choice:
    """The value of a parameter that has a few values. Raises PageError."""
    text = request.query.get(name, "") or default.value
    try:
        return type(default)(text)
    except ValueError:
        values = ", ".join(type(default))
        raise PageError(404, f"There is no such {name}. It is one of these: {values}.") from None
