"""Values for the templates: papers as cards, periods as titles and links, and the links between pages of a list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from bot.digests import cards
from bot.model.messages import Card, Link
from bot.reports.listings import Period, Span
from bot.web.templates import Templates
from recommender import Paper

_KEPT_CARDS = 20_000
"""Cards that are kept: converting the TeX of a paper takes a millisecond, and a paper stands on many pages."""


@dataclass(frozen=True, slots=True)
class Pager:
    """The links between the pages of a list; "" where there is none."""

    number: int
    pages: int
    newer: str
    older: str


def page_templates() -> Templates:
    """The templates of the page."""
    templates = Templates("bot.page")
    templates.filters["paper_url"] = paper_url
    return templates


async def cards_of(papers: Sequence[Paper]) -> list[Card]:
    """The papers as cards. They are converted in a thread, since they may be full of TeX."""
    return await asyncio.to_thread(lambda: [_card(paper) for paper in papers])


_card = lru_cache(maxsize=_KEPT_CARDS)(cards.card)


def paper_url(paper_id: str) -> str:
    """The path of a paper's page."""
    return f"/paper/{quote(paper_id, safe='/:')}"


def span_url(span: Span) -> str:
    """The path of a period's page."""
    return f"/{span.period}/{_name(span)}"


def span_title(span: Span) -> str:
    """A period as a title: "Monday, 30 November 2026"."""
    first = span.since
    match span.period:
        case Period.DAY:
            return f"{first:%A}, {first.day} {first:%B} {first.year}"
        case Period.WEEK:
            year, week, _ = first.isocalendar()
            return f"Week {week} of {year}"
        case Period.MONTH:
            return f"{first:%B} {first.year}"


def span_link(span: Span | None) -> Link | None:
    """The link to a period's page, with its short name."""
    if span is None:
        return None
    first = span.since
    label = f"{first:%a} {first.day} {first:%b}" if span.period is Period.DAY else span_title(span)
    return Link(label, span_url(span))


def pager(url: str, number: int, total: int, size: int) -> Pager:
    """The links of page `number` of a list of `total` papers. `url` is that of the list; it may have a query."""
    pages = max(1, -(-total // size))
    mark = "&" if "?" in url else "?"

    def address(page: int) -> str:
        return url if page == 1 else f"{url}{mark}page={page}"

    return Pager(
        number, pages, address(number - 1) if number > 1 else "", address(number + 1) if number < pages else ""
    )


def _name(span: Span) -> str:
    match span.period:
        case Period.DAY:
            return span.since.isoformat()
        case Period.WEEK:
            year, week, _ = span.since.isocalendar()
            return f"{year:04}-W{week:02}"
        case Period.MONTH:
            return f"{span.since.year:04}-{span.since.month:02}"
