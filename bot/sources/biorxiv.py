"""bioRxiv and medRxiv: the preprints posted on each day, all of them or those of some subjects.

https://api.biorxiv.org describes the endpoint details/{server}/{from}/{to}/{cursor}, the parameter `category` and the
fields. What that page leaves out is read from programs that use it (rOpenSci's medrxivr, rbiorxiv): a page has 30
entries, `cursor` counts entries, `total` comes as a text and may be too high, each version of a preprint is an entry of
its own, and an empty span has the status "no posts found". DOIs begin with 10.1101, those of today with 10.64898.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import quote

from bot.sources.base import Batch, Listing, ListingKind, RateLimited, Refused, SourceError, Unreachable, Unreadable
from bot.sources.clean import (
    ABSTRACT_CHARS,
    AUTHORS,
    NAME_CHARS,
    TITLE_CHARS,
    clean,
    day,
    people,
    plain,
)
from bot.sources.document import json_of
from bot.sources.effort import Effort, read_entry, texts_in
from bot.sources.fetch import Answer, Fetcher
from recommender.author_names import LONGEST_LINE, first_name_first
from recommender.paper import Paper, find_doi, is_preprint

URL = "https://api.biorxiv.org"
NAMES = {"biorxiv": "bioRxiv", "medrxiv": "medRxiv"}
"""The servers, with their names as people write them."""

_PACE = "biorxiv.org"  # whose API is that of both servers
_LATE = timedelta(days=2)
"""The API gets some preprints after the day they are dated, which is the day in New York."""
_WINDOW = timedelta(days=6)
_MOST_PAGES = 300
"""Of one subject in one run: 9,000 preprints, and a busy week has 2,500."""
_MOST_ASKED = 20
"""Single preprints that are asked for at once, a request each."""
_LONGEST_NUMBER = 9
_NOT_AVAILABLE = "NA"
_NOTHING = re.compile(r"\bno\b.{0,40}\bfound\b", re.IGNORECASE)
_WITHDRAWN_TITLE = re.compile(r"\W*(?:(?:withdrawn|retracted|removed)\s*[:\])–—-]|withdrawal statement)", re.IGNORECASE)
_WITHDRAWN_ABSTRACT = re.compile(
    r"\W*(?:withdrawn\s*[:.\])–—-]|withdrawal statement)"
    r"|.{0,200}\b(?:this|the|our) (?:manuscript|article|preprint|paper) "
    r"(?:has|have|was|is)(?: now)?(?: been)? (?:withdrawn|retracted|removed)\b"
    r"|.{0,200}\bauthors? (?:has|have)(?: now)? withdrawn\b"
    r"|.{0,200}\b(?:bio|med)rxiv has(?: now)? (?:withdrawn|removed)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a preprint: an entry of a page."""

    paper: Paper
    number: int
    posted_on: date


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list. `size` counts all of its entries, `unread` those that could not be understood; `total` is the
    size of the whole list, if the page tells it. If it is `cut`, only the first entries were read."""

    versions: tuple[Version, ...]
    size: int
    total: int | None
    unread: int
    cut: bool


@dataclass(slots=True)
class _Preprints:
    """The content of the pages that were read so far: the versions of each preprint, by its DOI."""

    versions: dict[str, dict[int, Version]] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    cut: bool = False
    entries: int = 0
    silent: list[str] = field(default_factory=list)
    """The subjects without a single entry; "" for the whole server."""

    def add(self, page: Page) -> bool:
        """Add a page; returns whether any of it is new here."""
        self.unread += page.unread
        self.cut |= page.cut
        has_new = False
        for version in page.versions:
            by_number = self.versions.setdefault(version.paper.doi, {})
            has_new |= version.number not in by_number
            by_number[version.number] = version
        return has_new

    def listings(self, server: str) -> tuple[Listing, ...]:
        """Each preprint once, as its latest version tells it. It is a revision if its first version is not here, or if
        its latest one withdraws it."""
        listings = []
        for versions in self.versions.values():
            first, latest = versions[min(versions)], versions[max(versions)]
            is_new = first.number == 1 and not latest.paper.withdrawn
            paper = replace(latest.paper, published=first.posted_on)
            kind = ListingKind.NEW if is_new else ListingKind.REPLACE
            listings.append(Listing(paper, server, first.posted_on, kind))
        return tuple(listings)

    def notes(self, server: str) -> tuple[str, ...]:
        """The notes of the run, for the operator and for the line on a quiet day."""
        name, notes = NAMES[server], []
        if self.silent:
            subjects = " or ".join(f"“{subject}”" for subject in self.silent if subject)
            notes.append(f"{name} posted nothing{subjects and f' under {subjects}'}.")
        if self.unread:
            notes.append(f"{self.unread} of {name}'s preprints came without a DOI or a title and were left out.")
        if self.cut:
            notes.append(f"{name}'s list is too long to be read whole; its last days were taken.")
        return tuple(notes)


class BioRxiv:
    """The preprints of a server ("biorxiv" or "medrxiv"). `subjects` are categories as the server names them, all if
    there are none; `url` is the base address of the API."""

    def __init__(self, fetcher: Fetcher, server: str, subjects: Sequence[str] = (), url: str = URL) -> None:
        self._fetcher = fetcher
        self._server = server
        self._subjects = tuple(dict.fromkeys(map(_subject, subjects))) or ("",)
        self._url = url.rstrip("/")

    @property
    def name(self) -> str:
        """The name under which listings and runs are stored."""
        return self._server

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The preprints posted from two days before `since` to `until`, each once.

        The memory holds the size of the list of each span: a list that has not grown gives nothing.
        """
        preprints = _Preprints()
        failure: SourceError | None = None
        for subject in self._subjects:
            try:
                await self._read(preprints, subject, since - _LATE, until, memory)
            except SourceError as error:
                failure = failure or error
                if isinstance(error, (Unreachable, RateLimited)):
                    break  # the lists of the other subjects are on the same host
        listings = preprints.listings(self._server)
        if failure and not listings:
            raise failure
        notes = () if failure else preprints.notes(self._server)
        return Batch(listings, preprints.memory, notes, failure)

    def may_have(self, paper_id: str) -> bool:
        """Whether an id is the DOI of a preprint. Nothing in it tells bioRxiv's from medRxiv's."""
        return is_preprint(find_doi(paper_id) or "")

    async def papers(self, ids: Sequence[str]) -> list[Paper]:
        """The first preprints with these DOIs, in the order given; unknown ones are left out.

        Raises SourceError.
        """
        papers = []
        today = self._fetcher.clock.now().date()
        for doi in filter(None, map(find_doi, ids[:_MOST_ASKED])):
            url = f"{self._url}/details/{self._server}/{doi}/na/json"
            page = await asyncio.to_thread(read_page, await self._fetcher.get(url, trusted=True, pace=_PACE), "", today)
            preprint = _Preprints()
            preprint.add(page)
            papers += [listing.paper for listing in preprint.listings(self._server) if listing.paper.doi == doi]
        return papers

    async def _read(
        self, preprints: _Preprints, subject: str, since: date, until: date, memory: Mapping[str, str]
    ) -> None:
        """Add the list of a subject. The last week comes first: of too many pages the oldest are left out."""
        pages_left, end, entries_before = _MOST_PAGES, until, preprints.entries
        while end >= since:
            start = max(since, end - _WINDOW)
            pages_left -= await self._read_span(preprints, subject, f"{start}/{end}", until, memory, pages_left)
            end = start - timedelta(days=1)
        if preprints.entries == entries_before:
            preprints.silent.append(subject)

    async def _read_span(
        self, preprints: _Preprints, subject: str, span: str, today: date, memory: Mapping[str, str], most: int
    ) -> int:
        """Add at most so many pages of a span, and return how many were read."""
        address = f"{self._url}/details/{self._server}/{span}"
        query = f"?category={quote(subject, safe='')}" if subject else ""
        cursor = 0
        for number in range(most):
            answer = await self._fetcher.get(f"{address}/{cursor}{query}", trusted=True, pace=_PACE)
            page = await asyncio.to_thread(read_page, answer, subject, today)
            preprints.entries += page.size
            if number == 0 and page.total is not None:
                size = preprints.memory[f"{span} {subject}"] = str(page.total)
                if memory.get(f"{span} {subject}") == size:
                    return 1
            fresh = preprints.add(page)
            cursor += page.size
            # A server that ignores the cursor gives the same page again.
            repeats = bool(page.versions) and not fresh
            if not page.size or repeats or (page.total is not None and cursor >= page.total):
                return number + 1
        preprints.cut = True
        return most


def read_page(answer: Answer, subject: str, today: date) -> Page:
    """A page of the list of a subject, "" for all. Raises Refused, Unreadable and TooLarge."""
    body = json_of(answer)
    fields = body if isinstance(body, dict) else {}
    messages = fields.get("messages")
    message = messages[0] if isinstance(messages, list) and messages else None
    message = message if isinstance(message, dict) else {}
    status = clean(message.get("status"), 100)
    entries = fields.get("collection", [] if status else None)
    if not isinstance(entries, list):
        raise Unreadable(f"{answer.host} answered with something that is no list of preprints.")
    if not entries and status and status.casefold() != "ok" and not _NOTHING.search(status):
        raise Refused(f"{answer.host} answered “{status}” instead of a list of preprints.", answer.status)
    versions, unread, effort = list[Version](), 0, Effort()
    for entry in entries:
        effort.spend(texts_in(entry), 4 * ABSTRACT_CHARS)
        if effort.spent:
            break
        version = read_entry(_version, entry, today)
        if version is None:
            unread += 1
        elif not subject or _subject(next(iter(version.paper.categories), subject)) == subject:
            versions.append(version)
    return Page(tuple(versions), len(entries), _number(message.get("total")), unread, effort.spent)


def _version(entry: object, today: date) -> Version | None:
    """The version that an entry describes; None when it has no DOI or no title."""
    fields = entry if isinstance(entry, dict) else {}
    doi = find_doi(clean(fields.get("doi"), NAME_CHARS))
    title = plain(fields.get("title"), TITLE_CHARS)
    if not doi or not title:
        return None
    abstract = plain(fields.get("abstract"), ABSTRACT_CHARS)
    posted_on = day(fields.get("date"), today) or today
    category = clean(fields.get("category"), NAME_CHARS)
    server = clean(fields.get("server"), NAME_CHARS).casefold()
    institution = clean(fields.get("author_corresponding_institution"), NAME_CHARS)
    number = _number(fields.get("version")) or 1
    paper = Paper(
        id=f"doi:{doi}",
        title=title,
        abstract=abstract,
        authors=_authors(fields.get("authors")),
        categories=(category,) if category else (),
        published=posted_on,
        organization="" if institution == _NOT_AVAILABLE else institution,
        url=f"https://www.{server}.org/content/{doi}" if server in NAMES else "",
        doi=doi,
        pdf_url=f"https://www.{server}.org/content/{doi}v{number}.full.pdf" if server in NAMES else "",
        source=NAMES.get(server, ""),
        withdrawn=bool(
            "withdraw" in clean(fields.get("type"), NAME_CHARS).casefold()
            or _WITHDRAWN_TITLE.match(title)
            or _WITHDRAWN_ABSTRACT.match(abstract)
        ),
    )
    return Version(paper, number, posted_on)


def _authors(line: object) -> tuple[str, ...]:
    """The authors in a line like "Doe, J.; Roe, J. A.; The Example Consortium"."""
    text = line if isinstance(line, str) else ""
    return people(map(first_name_first, text[:LONGEST_LINE].split(";", AUTHORS)[:AUTHORS]))


def _subject(name: str) -> str:
    """A category as the API takes it: "cell biology" for Cell_Biology."""
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def _number(value: object) -> int | None:
    """A count, which may come as a text; None for any other value."""
    text = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else None
