"""Turns arXiv's three kinds of XML into papers: Atom and RSS announcements, and answers of the query API."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from bot.sources.base import Listing, ListingKind, Refused, Unreadable
from bot.sources.clean import (
    ABSTRACT_CHARS,
    CATEGORIES,
    TITLE_CHARS,
    clean,
    day,
    people,
    people_in,
)
from bot.sources.document import xml_of
from bot.sources.effort import Effort, read_entry
from bot.sources.fetch import Answer
from recommender.paper import Paper, arxiv_id, find_doi, last_day_of_id, says_withdrawn

NAME = "arxiv"

_EASTERN = ZoneInfo("America/New_York")
_CATEGORY = re.compile(r"[a-z-]+(?:\.[A-Za-z-]+)?")
ANNOUNCEMENT_HEAD = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*(?P<kind>[a-z-]+)\s+(?:Abstract:\s*)?", re.IGNORECASE)
"""The words that arXiv's feeds put before each abstract."""
KINDS = {
    kind.value: kind for kind in (ListingKind.NEW, ListingKind.CROSS, ListingKind.REPLACE, ListingKind.REPLACE_CROSS)
}


@dataclass(frozen=True, slots=True)
class Announcement:
    """The feed of a category and day. `unread` counts the entries that could not be understood. If it is `cut`, the
    feed was too long, and only its first entries were read."""

    day: date
    listings: tuple[Listing, ...]
    unread: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an answer of the query API. `entries` of it were read; `total` counts the papers of all pages."""

    papers: tuple[Paper, ...]
    entries: int
    total: int


def announced(submitted: datetime) -> date:
    """The day whose announcement holds a paper submitted at that moment, as the feeds date it.

    A paper submitted until 14:00 Eastern time on a weekday is announced that evening at 20:00, and the feeds give it
    the next day's date. A paper of Friday waits until Sunday evening, for Monday's feed. A holiday makes it later, and
    is not taken into account. Source: info.arxiv.org/help/availability.
    """
    cutoff = (submitted.astimezone(_EASTERN) + timedelta(hours=10)).date()
    cutoff += timedelta(days={5: 2, 6: 1}.get(cutoff.weekday(), 0))
    return cutoff + timedelta(days=3 if cutoff.weekday() == 4 else 1)


def read_announcement(answer: Answer, today: date) -> Announcement:
    """The feed of a day, in Atom or RSS 2. Raises Unreadable.

    Its day is that of its newest entry: a feed that is built today may still hold the entries of yesterday."""
    root, cut = xml_of(answer)
    channel = root if _name(root) == "feed" else _child(root, "channel")
    if channel is None or _name(root) not in ("feed", "rss"):
        raise Unreadable(f"{answer.host} answered with XML that is no feed.")
    dates = (day(_text(channel, name), today) for name in ("pubDate", "updated", "lastBuildDate"))
    feed_day = next(filter(None, dates), today)
    listings: list[Listing] = []
    unread = 0
    effort = Effort()
    for entry in channel:
        if _name(entry) in ("entry", "item"):
            effort.spend((child.text for child in entry.iter()), 4 * ABSTRACT_CHARS)
            if effort.spent:
                cut = True
                break
            listing = read_entry(_listing, entry, feed_day, today)
            if listing:
                listings.append(listing)
            else:
                unread += 1
    newest = max((listing.listed_on for listing in listings), default=feed_day)
    return Announcement(newest, tuple(listings), unread, cut)


def read_page(answer: Answer, today: date) -> Page:
    """An answer of the query API. Raises Unreadable, and Refused for an error entry, with arXiv's own reason."""
    root, _ = xml_of(answer)
    if _name(root) != "feed":
        raise Unreadable(f"{answer.host} answered with XML that is no feed.")
    entries = [entry for entry in root if _name(entry) == "entry"]
    errors = [entry for entry in entries if "/api/errors" in _text(entry, "id")]
    if errors and len(errors) == len(entries):  # beside papers, an error is about one of the ids that were asked for
        reason = clean(_text(errors[0], "summary"), 200).rstrip(".") or "without a reason"
        raise Refused(f"arXiv refused the question: {reason}.", answer.status)
    papers: list[Paper] = []
    effort = Effort()
    read = 0
    for entry in entries:
        effort.spend((child.text for child in entry.iter()), 4 * ABSTRACT_CHARS)
        if effort.spent and read:
            break  # the next page begins with it
        read += 1
        if paper := read_entry(_api_paper, entry, today):
            papers.append(paper)
    total = _text(root, "totalresults").strip()
    return Page(tuple(papers), read, int(total[:9]) if total.isdecimal() else len(entries))


def _listing(entry: Element, feed_day: date, today: date) -> Listing | None:
    paper_id = _id(entry)
    title = clean(_text(entry, "title"), TITLE_CHARS)
    text = _text(entry, "summary") or _text(entry, "description")
    head = ANNOUNCEMENT_HEAD.match(text)
    kind = KINDS.get((_text(entry, "announce_type").strip() or (head["kind"] if head else "new")).lower())
    if not paper_id or not title or not kind:
        return None
    listed_on = day(_text(entry, "published") or _text(entry, "pubDate"), today) or feed_day
    paper = Paper(
        id=paper_id,
        title=title,
        abstract=clean(_abstract(entry), ABSTRACT_CHARS),
        authors=people_in(",".join(_texts(entry, "creator"))),
        categories=_categories(entry),
        # The day of the list is the paper's own only when it is new. A paper that is listed again is as old as its id.
        published=listed_on if kind is ListingKind.NEW else min(listed_on, last_day_of_id(paper_id) or listed_on),
        doi=find_doi(_text(entry, "doi")) or "",
        withdrawn=says_withdrawn(_text(entry, "comment")) or says_withdrawn(_abstract(entry)),
    )
    return Listing(paper, NAME, listed_on, kind)


def _api_paper(entry: Element, today: date) -> Paper | None:
    paper_id = _id(entry)
    title = clean(_text(entry, "title"), TITLE_CHARS)
    if not paper_id or not title:
        return None
    submitted = _text(entry, "published").strip()
    published = day(submitted, today)
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(submitted)
        published = announced(moment) if published and moment.tzinfo else published
    return Paper(
        id=paper_id,
        title=title,
        abstract=clean(_text(entry, "summary"), ABSTRACT_CHARS),
        authors=people(_text(author, "name") for author in entry if _name(author) == "author"),
        categories=_categories(entry),
        published=published,
        doi=find_doi(_text(entry, "doi")) or "",
        withdrawn=says_withdrawn(_text(entry, "comment")) or says_withdrawn(_abstract(entry)),
    )


def _abstract(entry: Element) -> str:
    text = _text(entry, "summary") or _text(entry, "description")
    head = ANNOUNCEMENT_HEAD.match(text)
    return text[head.end() :] if head else text


def _id(entry: Element) -> str | None:
    links = [child.get("href") or child.text or "" for child in entry if _name(child) == "link"]
    for text in (_text(entry, "id"), _text(entry, "guid"), *links):
        if paper_id := arxiv_id(text[:300]):
            return paper_id
    return None


def _categories(entry: Element) -> tuple[str, ...]:
    """arXiv's own categories, the primary first; codes of other classifications (68T05, I.2.7) are left out."""
    elements = [child for child in entry if _name(child) == "primary_category"]
    elements += [child for child in entry if _name(child) == "category"]
    names = ((child.get("term") or child.text or "").strip() for child in elements[:CATEGORIES])
    return tuple(dict.fromkeys(name for name in names if len(name) < 30 and _CATEGORY.fullmatch(name)))


def _name(element: Element) -> str:
    """An element's name without its namespace, in lower case: arXiv has changed prefixes, and writes doi and DOI."""
    return str(element.tag).rpartition("}")[2].lower()


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _texts(element: Element, name: str) -> list[str]:
    return [child.text or "" for child in element if _name(child) == name]


def _text(element: Element, name: str) -> str:
    return next(iter(_texts(element, name.lower())), "")
