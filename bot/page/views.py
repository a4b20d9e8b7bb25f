"""Values for the templates: papers as cards, periods as titles and links, and the links between pages of a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import quote, urlencode, urlsplit

from markupsafe import Markup, escape

from bot.digests import cards
from bot.model.messages import Card, Link
from bot.reports.listings import Period, Span
from bot.store.papers import PRIVATE_PREFIX
from bot.web.templates import Templates
from recommender import Paper

_TYPED = re.compile(r"`([^`\n]+)`")
_KEPT_CARDS = 5_000
"""Cards that are kept as HTML, about 2 KB each: a paper stands on many pages."""


@dataclass(frozen=True, slots=True)
class Pager:
    """The links between the pages of a list; "" where there is none. `pages` is their number, 0 if it is not known."""

    number: int
    pages: int
    newer: str
    older: str


def page_templates() -> Templates:
    """The templates of the page."""
    templates = Templates("bot.page")

    def rendered(card: Card, dated: bool) -> Markup:
        return templates.macro("card.html", "article")(card, dated)

    kept = lru_cache(maxsize=_KEPT_CARDS)(rendered)
    # Of a private paper that is deleted nothing may stay.
    templates.filters["card_html"] = lambda card, dated: (
        rendered(card, dated) if card.paper_id.startswith(PRIVATE_PREFIX) else kept(card, dated)
    )
    templates.filters.update(
        typed=typed, paper_url=paper_url, search_url=search_url, day_text=day_text, page_name=page_name
    )
    return templates


def cards_of(papers: Sequence[Paper]) -> list[Card]:
    """The papers as cards. They are to be made in a thread, since they may be full of TeX."""
    return list(map(cards.card, papers))


def paper_url(paper_id: str) -> str:
    """The path of a paper's page."""
    return f"/paper/{quote(paper_id, safe='/:', errors='replace')}"


def address(path: str, **parameters: str) -> str:
    """A path with its parameters. Those that are empty are left out."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path


def search_url(query: str, **parameters: str) -> str:
    """The path of a search."""
    return address("/search", q=query, **parameters)


def typed(text: str) -> Markup:
    """The bot's own words, with those that may be typed as code.

    >>> typed("`/papers resume` begins <them>")
    Markup('<code>/papers resume</code> begins &lt;them&gt;')
    """
    parts = _TYPED.split(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def author_url(name: str) -> str:
    """The path of the search for the papers of an author."""
    return search_url(f'author:"{" ".join(name.replace(chr(34), " ").split())}"')


def page_name(url: str) -> str:
    """The name of the page that a paper's link leads to: arXiv, or else the link's host."""
    host = urlsplit(url).hostname or ""
    return "arXiv" if host == "arxiv.org" else host.removeprefix("www.") or "Paper"


def day_text(day: date) -> str:
    """A day as text: "30 Nov 2026"."""
    return f"{day.day} {day:%b %Y}"


def read_text(read_at: datetime | None) -> str:
    """When the sources were last read, in UTC: "30 Nov 2026, 22:14 UTC"; "" if they were not."""
    return f"{day_text(read_at)}, {read_at:%H:%M} UTC" if read_at else ""


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


def span_link(span: Span | None, category: str = "") -> Link | None:
    """The link to a period's page, or to its papers of a category, with its short name."""
    if span is None:
        return None
    first = span.since
    label = f"{first:%a} {first.day} {first:%b}" if span.period is Period.DAY else span_title(span)
    return Link(label, address(span_url(span), cat=category))


def open_pager(url: str, number: int, *, has_more: bool) -> Pager:
    """The links of page `number` of a list whose length is not known. `url` is that of the list."""
    mark = "&" if "?" in url else "?"
    newer = f"{url}{mark}page={number - 1}" if number > 2 else url
    return Pager(number, 0, newer if number > 1 else "", f"{url}{mark}page={number + 1}" if has_more else "")


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
