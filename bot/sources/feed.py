"""Feeds of any kind, by their address: every version of RSS and Atom (read by feedparser), and JSON Feed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from traceback import format_tb
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import feedparser
import structlog

from bot.sources.arxiv_xml import ANNOUNCEMENT_HEAD, KINDS
from bot.sources.base import Batch, Listing, ListingKind, SourceError, Unreadable
from bot.sources.clean import (
    ABSTRACT_CHARS,
    CATEGORIES,
    TITLE_CHARS,
    clean,
    day,
    link,
    people,
    people_in,
    plain,
    words_of_html,
)
from bot.sources.document import MOST_ENTRIES, UNKNOWN, decoded, head_of, json_of, markup_of, repaired
from bot.sources.effort import Effort, read_entry, texts_in
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, arxiv_id, find_doi, id_from_title, link_key, plausible, title_key

_MOST_ELEMENTS, _MOST_TEXT = 10_000, 1_500_000
"""Elements and characters of a feed that are given to feedparser, which takes 20 microseconds for an element."""
_LARGEST_DAMAGED, _READ_DAMAGED = 1_000_000, 30_000
"""Bytes. feedparser reads badly damaged XML at 100 kilobytes a second, so only the beginning of it is read."""

_FEED_TITLE_CHARS = 80
_PDF = "application/pdf"

log = structlog.get_logger(__name__)
_DOI_IN_PATH = re.compile(r"/doi/(?:[a-z]+/)?(10\.\d{4,9}/[^?#]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a feed of any format. `names` are those of the paper, the likeliest first; they are not cleaned."""

    names: tuple[str, ...]
    url: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    published: date | None
    pdf_url: str = ""
    kind: ListingKind = ListingKind.FEED
    guid: str = ""


@dataclass(frozen=True, slots=True)
class _Feed:
    """The content of a feed. `unread` counts the entries that could not be understood. If it is `cut`, only the first
    entries were read."""

    entries: tuple[_Entry, ...]
    title: str = ""
    unread: int = 0
    damaged: bool = False
    cut: bool = False


def feed_name(url: str) -> str:
    """The name of a feed: its host and a hash, which tells two feeds of one host apart. Only this name is stored,
    logged and shown, since the rest of the address may hold a password or key. Migration 0011 has a copy of this.

    >>> feed_name("https://reader:secret@example.org/private.rss?key=1")
    'feed example.org (92a550)'
    """
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        host = ""
    place = host if re.fullmatch(r"[a-z0-9.:-]{1,100}", host) else "with an odd address"
    return f"feed {place} ({sha256(url.encode(errors='replace')).hexdigest()[:6]})"


class Feed:
    """The feed at `url`. If it is `trusted`, the operator wrote the address, and a server in a private network is
    allowed."""

    def __init__(self, fetcher: Fetcher, url: str, *, name: str = "", trusted: bool = False) -> None:
        self._fetcher = fetcher
        self._url = url
        self._name = name or feed_name(url)
        self._trusted = trusted

    @property
    def name(self) -> str:
        """The name under which listings and runs are stored."""
        return self._name

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """Everything that the feed holds now, or nothing if it has not changed. A feed has no lists of earlier days."""
        # The stored memory must not hold the address, which may contain a secret.
        validators = {f"{name} {self._url}": value for name, value in memory.items()}
        failure: Exception | None = None
        try:
            answer = await self._fetcher.get(self._url, memory=validators, trusted=self._trusted)
            new_memory = {key.partition(" ")[0]: value for key, value in answer.memory.items()}
            if answer.unchanged:
                return Batch(memory=new_memory)
            feed = await asyncio.to_thread(_read, answer, until)
        except SourceError:
            raise
        except Exception as error:
            failure = error
        if failure:
            # The text of the error may hold the address. The line is logged outside of `except`, because a log handler
            # that fails also prints the error that is being handled.
            kind, where = type(failure).__name__, "".join(format_tb(failure.__traceback__))
            log.error("A feed failed in an unexpected way.", source=self._name, kind=kind, at=where)
            raise SourceError(f"{self._name} failed in an unexpected way ({kind}).")
        listings: dict[str, Listing] = {}
        keys = Counter(map(_key, feed.entries))
        for entry in feed.entries:
            if entry.title:
                paper, key = _paper(entry, feed.title), _key(entry)
                listed_on = min(entry.published or until, until)
                names = (f"{self._name} {key}",) if key and keys[key] == 1 else ()
                listings.setdefault(paper.id, Listing(paper, self._name, listed_on, entry.kind, names))
        return Batch(tuple(listings.values()), new_memory, _notes(answer.host, feed))


def _notes(host: str, feed: _Feed) -> tuple[str, ...]:
    notes = []
    if untitled := sum(not entry.title for entry in feed.entries):
        notes.append(f"{untitled} of {host}'s entries have no title and were left out.")
    if feed.unread:
        notes.append(f"{feed.unread} of {host}'s entries could not be read and were left out.")
    if feed.cut:
        notes.append(f"{host}'s feed is very long; its first {len(feed.entries):,} entries were taken.")
    if feed.damaged:
        notes.append(f"{host}'s feed is damaged; what could be read was taken.")
    return tuple(notes)


def _paper(entry: _Entry, feed_title: str) -> Paper:
    names = [name[:300] for name in entry.names]
    arxiv = next(filter(None, map(arxiv_id, names)), "")
    doi = next(filter(None, map(_doi, names)), "")
    if arxiv:
        paper_id = arxiv
    elif doi:
        paper_id = f"doi:{doi}"
    elif title_key(entry.title) or not entry.url:
        paper_id = id_from_title(entry.title)
    else:  # many papers may be called "Editorial"
        paper_id = "link:" + sha256(entry.url.encode()).hexdigest()[:20]
    return Paper(
        id=paper_id,
        title=entry.title,
        abstract=entry.abstract,
        authors=entry.authors,
        categories=entry.tags,
        published=entry.published,
        url="" if arxiv else entry.url,
        doi=doi,
        pdf_url=entry.pdf_url,
        source="" if arxiv else feed_title,
    )


def _key(entry: _Entry) -> str:
    """A text by which the entry is known again when its title has changed: a hash of its identifier and its link. "" if
    it has neither, or only a link to a site's first page, to which different entries may lead."""
    link = link_key(entry.url)
    if not entry.guid and "/" not in link:
        return ""
    return sha256(f"{entry.guid} {link}".encode(errors="replace")).hexdigest()[:24]


def _doi(name: str) -> str | None:
    in_path = _DOI_IN_PATH.search(unquote(name))
    return find_doi(in_path[1] if in_path else name)


def _read(answer: Answer, today: date) -> _Feed:
    if answer.body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] == b"{":
        return _read_json(answer, today)
    markup = markup_of(answer, _MOST_ELEMENTS, _MOST_TEXT)
    damaged = markup.broken or not markup.well_formed
    if not markup.well_formed:
        if len(markup.body) > _LARGEST_DAMAGED:
            raise Unreadable(f"{answer.host} answered with a damaged feed.")
        markup = repaired(markup, _MOST_ELEMENTS, _MOST_TEXT) or head_of(markup, _READ_DAMAGED)
    try:
        parsed = feedparser.parse(
            io.BytesIO(markup.body),  # it would take plain bytes for the name of a file to open
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception as error:  # it fails on "&#x110000;" and much else, with various errors
        raise Unreadable(f"{answer.host} answered with a damaged feed.") from error
    if not parsed.get("version"):
        raise Unreadable(f"{answer.host} answered with something that is no feed.")
    entries, unread, cut = _read_entries(parsed.entries[:MOST_ENTRIES], _from_feedparser, answer.url, today)
    title = plain(_plain(parsed.feed.get("title_detail")), _FEED_TITLE_CHARS)
    return _Feed(entries, title, unread, damaged, cut or markup.cut)


def _read_entries(
    raw: Sequence[Any], read: Callable[[dict[str, Any], str, date], _Entry], base: str, today: date
) -> tuple[tuple[_Entry, ...], int, bool]:
    """The entries, the number of those that could not be read, and whether the last ones were left out because they are
    too much work."""
    entries, unread, effort = list[_Entry](), 0, Effort()
    for item in raw:
        fields = dict(item) if isinstance(item, dict) else {}
        effort.spend(texts_in(fields), 4 * ABSTRACT_CHARS)
        if effort.spent:
            return tuple(entries), unread, True
        entry = read_entry(read, fields, base, today)
        if entry:
            entries.append(entry)
        else:
            unread += 1
    return tuple(entries), unread, False


def _from_feedparser(entry: dict[str, Any], base: str, today: date) -> _Entry:
    url = link(_joined(base, entry.get("link")))
    links = [other for other in _dicts(entry.get("links")) if isinstance(other.get("href"), str)]
    pdfs = (link(_joined(base, other["href"])) for other in links if other.get("type") == _PDF)
    alternates = (other.get("href") for other in links if other.get("rel") == "alternate")
    identifiers = (entry.get(key) for key in ("prism_doi", "dc_identifier", "id", "feedburner_origlink"))
    # An operator may give the address of one of arXiv's own feeds.
    published = _day_of(entry, today)
    kind = KINDS.get(str(entry.get("arxiv_announce_type")), ListingKind.FEED if published else ListingKind.UNDATED)
    guid = entry.get("id")
    contents = [entry.get("summary_detail"), *_dicts(entry.get("content"))]
    texts = (clean(_plain(content), ABSTRACT_CHARS) for content in contents)
    creators = [person["name"] for person in _dicts(entry.get("authors")) if person.get("name")]
    people_named = [entry.get(f"{UNKNOWN}{name}") for name in ("authors", "creators")]
    return _Entry(
        names=tuple(name for name in (url, *alternates, *identifiers) if isinstance(name, str)),
        url=url,
        title=clean(_plain(entry.get("title_detail")) or plain(entry.get(f"{UNKNOWN}title"), TITLE_CHARS), TITLE_CHARS),
        abstract=ANNOUNCEMENT_HEAD.sub("", next(filter(None, texts), "")),
        authors=_authors(creators or [entry.get("author"), *people_named]),
        tags=_tags(tag.get("term") for tag in _dicts(entry.get("tags"))),
        published=published,
        pdf_url=next(filter(None, pdfs), ""),
        kind=kind,
        guid=guid[:1_000] if isinstance(guid, str) else "",
    )


def _dicts(values: object) -> list[dict[str, Any]]:
    """The dicts in a list. feedparser gives the text of an element of any name under that name, so that a text may be
    where its lists are."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _plain(detail: object) -> str:
    """The plain text of a title or of content; feedparser gives it as a value with its type, which may be HTML. Some
    programs escape HTML twice, or call it plain text."""
    if not isinstance(detail, dict):
        return ""
    value = str(detail.get("value") or "")
    text = words_of_html(value) if "html" in str(detail.get("type")) else value
    return plain(text, ABSTRACT_CHARS)


def _day_of(entry: Mapping[str, Any], today: date) -> date | None:
    """The day on which an entry was published, or else changed. feedparser converts times to UTC, where the day may be
    another one, and knows only some forms of dates; but it reads a few languages more."""
    for name in ("published", "updated", "created"):
        text, moment = entry.get(name), entry.get(f"{name}_parsed")
        if not isinstance(text, str):
            continue
        if found := day(text, today):
            return found
        if isinstance(moment, time.struct_time) and not text.isascii() and not text[:4].isdecimal():
            with contextlib.suppress(ValueError):
                return plausible(date(*moment[:3]), today)
    return None


def _read_json(answer: Answer, today: date) -> _Feed:
    """Read JSON Feed 1.0 and 1.1 (jsonfeed.org). Every field of an item may be missing, or of the wrong type."""
    feed = json_of(answer)
    items, title = (feed.get("items"), feed.get("title")) if isinstance(feed, dict) else (None, None)
    if not isinstance(items, list):
        raise Unreadable(f"{answer.host} answered with something that is no feed.")
    entries, unread, cut = _read_entries(items[:MOST_ENTRIES], _from_json, answer.url, today)
    is_cut = cut or len(items) > MOST_ENTRIES
    return _Feed(entries, clean(title, _FEED_TITLE_CHARS), unread, decoded(answer)[1], is_cut)


def _from_json(item: dict[str, object], base: str, today: date) -> _Entry:
    def text(key: str) -> str:
        value = item.get(key)
        return value if isinstance(value, str) else ""

    url = link(_joined(base, text("url")))
    authors = item.get("authors") or [item.get("author")]
    tags, attachments = item.get("tags"), item.get("attachments")
    pdfs = (
        link(_joined(base, attachment.get("url")))
        for attachment in (attachments if isinstance(attachments, list) else ())
        if isinstance(attachment, dict) and attachment.get("mime_type") == _PDF
    )
    published = day(text("date_published"), today) or day(text("date_modified"), today)
    return _Entry(
        names=tuple(name for name in (url, text("external_url"), text("id")) if name),
        url=url or link(text("external_url")),
        title=clean(plain(text("title"), TITLE_CHARS), TITLE_CHARS),
        abstract=plain(text("content_text"), ABSTRACT_CHARS)
        or words_of_html(text("content_html"))
        or plain(text("summary"), ABSTRACT_CHARS),
        authors=_authors(author.get("name") for author in authors if isinstance(author, dict))
        if isinstance(authors, list)
        else (),
        tags=_tags(tags if isinstance(tags, list) else ()),
        published=published,
        kind=ListingKind.FEED if published else ListingKind.UNDATED,
        guid=text("id")[:1_000],
        pdf_url=next(filter(None, pdfs), ""),
    )


def _joined(base: str, url: object) -> str:
    """The absolute form of a URL that may be relative to the feed's own address; "" if there is none."""
    try:
        return urljoin(base, url) if isinstance(url, str) and url else ""
    except ValueError:  # such as http://[
        return ""


def _authors(names: Iterable[object]) -> tuple[str, ...]:
    """The authors. A single text may be a line with the names of them all, but "Curie, Marie" is one name."""
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) == 1 and (";" in texts[0] or all(" " in part.strip() for part in texts[0].split(","))):
        return people_in(texts[0])
    return people(texts)


def _tags(terms: Iterable[object]) -> tuple[str, ...]:
    tags = (clean(term, 100) for term, _ in zip(terms, range(CATEGORIES), strict=False))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
