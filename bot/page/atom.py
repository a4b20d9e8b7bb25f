"""Atom feeds (RFC 4287): a feed as a value, and its XML.

Ids are `urn:uuid:` of a name (RFC 9562, version 5), because the host and the port of a Paperboy may change and no
domain belongs to it for sure. An entry's id depends on its paper alone: a paper has one entry for ever, also in
several feeds. A feed's id depends on the site, which has a random name in the store, and on what the feed is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote
from uuid import UUID, uuid5
from xml.etree import ElementTree

CONTENT_TYPE = "application/atom+xml"
NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)
"""The time at which a feed without entries was updated: Atom wants some time, and it must not change by itself."""
_XMLNS = "http://www.w3.org/2005/Atom"
_NAMESPACE = UUID("6f0f2d0e-5b0b-5d7c-9d5c-0b6a6a1f3c55")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 forbids, and the control characters and non-characters that it advises against."""

_NOT_IN_IRIS = re.compile(r"[\s<>\"{}|\\^`]")


@dataclass(frozen=True, slots=True)
class AtomLink:
    """A link of a feed or an entry. `rel` is one of IANA's link relations."""

    rel: str
    url: str
    media_type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class AtomEntry:
    """One entry. `summary` is plain text, `content` is HTML."""

    id: str
    title: str
    updated: datetime
    published: date | None
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    summary: str
    content: str
    links: tuple[AtomLink, ...]


@dataclass(frozen=True, slots=True)
class AtomFeed:
    """A feed. `url` is its own address, `page` is the address of the page with the same papers."""

    id: str
    title: str
    subtitle: str
    url: str
    page: str
    entries: tuple[AtomEntry, ...]


def entry_id(paper_id: str) -> str:
    """The id of a paper's entry, by the id under which it first became news."""
    return _urn(f"paper:{paper_id}")


def feed_id(site: str, subject: str) -> str:
    """The id of a feed about a subject on a site."""
    return _urn(f"feed:{site}:{subject}")


def xml(feed: AtomFeed) -> bytes:
    """The feed as a document in UTF-8. Characters that XML forbids are left out."""
    root = ElementTree.Element("feed", {"xmlns": _XMLNS, "xml:lang": "en"})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.subtitle)
    _add(root, "updated", _instant(max((entry.updated for entry in feed.entries), default=NOTHING_YET)))
    _add_link(root, AtomLink("self", feed.url, CONTENT_TYPE))
    _add_link(root, AtomLink("alternate", feed.page, "text/html"))
    _add(root, "generator", "Paperboy")
    # Entries without authors have this one.
    _add(ElementTree.SubElement(root, "author"), "name", "Paperboy")
    for entry in feed.entries:
        _add_entry(root, entry)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_entry(root: ElementTree.Element, entry: AtomEntry) -> None:
    element = ElementTree.SubElement(root, "entry")
    _add(element, "id", entry.id)
    _add(element, "title", entry.title)
    _add(element, "updated", _instant(entry.updated))
    if entry.published:
        _add(element, "published", f"{entry.published.isoformat()}T00:00:00Z")
    for link in entry.links:
        _add_link(element, link)
    for author in entry.authors:
        _add(ElementTree.SubElement(element, "author"), "name", author)
    for category in entry.categories:
        ElementTree.SubElement(element, "category", {"term": _allowed(category)})
    if entry.summary:
        _add(element, "summary", entry.summary)
    _add(element, "content", entry.content, {"type": "html"})


def _add(parent: ElementTree.Element, name: str, text: str, attributes: dict[str, str] | None = None) -> None:
    ElementTree.SubElement(parent, name, attributes or {}).text = _allowed(text)


def _add_link(parent: ElementTree.Element, link: AtomLink) -> None:
    url = _NOT_IN_IRIS.sub(lambda char: quote(char[0]), link.url)
    attributes = {"rel": link.rel, "type": link.media_type, "title": link.title, "href": url}
    ElementTree.SubElement(parent, "link", {name: _allowed(value) for name, value in attributes.items() if value})


def _urn(name: str) -> str:
    return uuid5(_NAMESPACE, name.encode(errors="replace").decode()).urn


def _allowed(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
