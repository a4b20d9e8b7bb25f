"""What the routes of the page need, and how they read what a request asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from aiohttp import web

from bot.paper_index import PaperIndex
from bot.ports.platform import Clock, Invitation
from bot.store.database import Store
from bot.web.errors import PageError
from bot.web.templates import Templates

PAGE_PAPERS = 50
"""Papers on one page of a list."""
_MOST_PAGES = 100


@dataclass(slots=True)
class PageContext:
    """The parts of the bot that the page uses. `sources` are the names of the sources that are switched on,
    `invitations` are those of the platforms.

    `url` is the address at which others reach the page, without a slash at its end. It is set before the first request,
    and never taken from a request: whoever sends one could name any.
    """

    store: Store
    paper_index: PaperIndex
    clock: Clock
    templates: Templates
    sources: Collection[str]
    url: str = ""
    invitations: Sequence[Invitation] = ()

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
