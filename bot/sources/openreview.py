"""OpenReview: the public submissions of chosen venues.

The API is version 2 (https://docs.openreview.net/reference/api-v2): GET /notes with `invitation`, `sort`, `limit` and
`offset`, and POST /login. Its official client (openreview-py) shows the shape: every field of `content` is
{"value": …}, perhaps with `readers` of its own; times are milliseconds: `cdate` of creation, `odate` when everybody
could read it, `pdate` of publication, `tmdate` of the last change, `ddate` of deletion. `content.venueid` is the id of
the venue once a paper is accepted, else that id with /Submission, /Withdrawn_Submission, /Desk_Rejected_Submission or
/Rejected_Submission. Programs that do not sign in have been answered with 403, "ChallengeRequiredError", since 2026.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from bot.sources.base import Batch, Listing, ListingKind, RateLimited, Refused, SourceError, Unreachable, Unreadable
from bot.sources.clean import ABSTRACT_CHARS, CATEGORIES, NAME_CHARS, TITLE_CHARS, clean, people
from bot.sources.document import json_of
from bot.sources.effort import Effort, read_entry, texts_in
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, openreview_id, plausible

URL = "https://api2.openreview.net"
SITE = "https://openreview.net"
PAGE = 100
"""Submissions of one page. The endpoint gives up to 1,000, of five kilobytes each."""

_PACE = "openreview.net"
_MOST_PAGES = 100
_LATE = timedelta(days=1)  # a day there may begin earlier or later than the day here
_MOST_ASKED = 20
"""Single submissions that are asked for at once, a request each."""
_LATE_CHANGE = 300_000
"""Milliseconds. A change is listed at most so long after others that are later."""
_EVERYONE = "everyone"
_FORUM = re.compile(r"[A-Za-z0-9_-]{5,40}")
_OUT = re.compile(r"withdrawn|rejected", re.IGNORECASE)
_REFUSALS = (401, 403)
_LARGEST_TIME = 10**14  # milliseconds; far beyond all dates
_LONGEST_TIME = 14


@dataclass(frozen=True, slots=True)
class Submission:
    """A public submission, with the day on which it became news."""

    paper: Paper
    listed_on: date


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a venue's submissions. `size` counts all of its notes, `unread` those that could not be understood.
    `changes` are the times of their last changes, in milliseconds. If it is `cut`, only the first notes were read."""

    submissions: tuple[Submission, ...]
    size: int
    unread: int
    changes: tuple[int, ...]
    cut: bool

    def ends_before(self, milliseconds: float) -> bool:
        """Whether the pages after this one hold only what was last changed before a time. False if this page is not
        sorted by its changes, so that nothing can be said."""
        is_sorted = all(later >= earlier for later, earlier in zip(self.changes, self.changes[1:], strict=False))
        return len(self.changes) == self.size > 0 and is_sorted and self.changes[-1] < milliseconds


@dataclass(slots=True)
class _Submissions:
    """The content of the pages that were read so far, by forum."""

    by_id: dict[str, Submission] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    cut: bool = False

    def add(self, page: Page) -> bool:
        """Add a page; returns whether any of it is new here."""
        self.unread += page.unread
        self.cut |= page.cut
        fresh = any(submission.paper.id not in self.by_id for submission in page.submissions)
        self.by_id |= {submission.paper.id: submission for submission in page.submissions}
        return fresh

    def listings(self, since: date) -> tuple[Listing, ...]:
        """What became public since a day is new; what was only changed since then is a revision."""
        return tuple(
            Listing(each.paper, OpenReview.name, each.listed_on, ListingKind.NEW)
            if each.listed_on >= since
            else Listing(each.paper, OpenReview.name, each.listed_on, ListingKind.REPLACE)
            for each in self.by_id.values()
        )

    def notes(self) -> tuple[str, ...]:
        """The notes of the run, for the operator and for the line on a quiet day."""
        notes = []
        if self.unread:
            notes.append(f"{self.unread} of OpenReview's submissions came without an id or a title and were left out.")
        if self.cut:
            notes.append("OpenReview's list is too long to be read whole; what changed last was taken.")
        return tuple(notes)


class OpenReview:
    """The submissions of some venues, each an id as ICLR.cc/2027/Conference, or a whole invitation. `username` and
    `password` are those of an account there; without them it is asked as anybody. `url` is the address of the API."""

    name = "openreview"

    def __init__(
        self, fetcher: Fetcher, venues: Sequence[str], *, url: str = URL, username: str = "", password: str = ""
    ) -> None:
        self._fetcher = fetcher
        self._venues = tuple(dict.fromkeys(venues))
        self._url = url.rstrip("/")
        self._username, self._password = username, password
        self._token = ""

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The public submissions that were changed since the day before `since`, or since the last change that the
        memory holds of their venue. What became public since that day is new; a paper counts from the day it was
        published, or else could be read, or else was made."""
        submissions = _Submissions()
        failure: SourceError | None = None
        for venue in self._venues:
            try:
                await self._read(submissions, venue, since - _LATE, until, memory)
            except SourceError as error:
                failure = failure or error
                if isinstance(error, (Unreachable, RateLimited)):
                    break  # the other venues are on the same host
        listings = submissions.listings(since - _LATE)
        if failure and not listings:
            raise failure
        return Batch(listings, submissions.memory, () if failure else submissions.notes(), failure)

    def may_have(self, paper_id: str) -> bool:
        """Whether an id is that of a forum."""
        return openreview_id(paper_id) is not None

    async def papers(self, ids: Sequence[str]) -> list[Paper]:
        """The first submissions with these ids, in the order given; those that `fetch` leaves out are left out too.

        Raises SourceError.
        """
        papers = []
        today = self._fetcher.clock.now().date()
        for forum in filter(None, map(openreview_id, ids[:_MOST_ASKED])):
            page = await asyncio.to_thread(self._parsed, await self._get({"id": forum}), today)
            papers += [each.paper for each in page.submissions if each.paper.id == f"openreview:{forum}"]
        return papers

    async def _read(
        self, submissions: _Submissions, venue: str, since: date, today: date, memory: Mapping[str, str]
    ) -> None:
        """Add the pages of a venue, what was changed last first, until what follows is old or was read before."""
        last_change = _milliseconds(memory.get(venue, ""))
        old = max(datetime.combine(since, time(), UTC).timestamp() * 1000, last_change - _LATE_CHANGE)
        invitation = venue if "/-/" in venue else f"{venue}/-/Submission"
        for number in range(_MOST_PAGES):
            answer = await self._get(
                {"invitation": invitation, "sort": "tmdate:desc", "limit": PAGE, "offset": number * PAGE}
            )
            page = await asyncio.to_thread(self._parsed, answer, today)
            fresh = submissions.add(page)
            last_change = max((last_change, *page.changes))
            submissions.memory[venue] = str(last_change)
            repeats = bool(page.submissions) and not fresh
            if page.size < PAGE or repeats or page.ends_before(old):
                return
        submissions.cut = True

    async def _get(self, parameters: Mapping[str, str | int]) -> Answer:
        """A page, signed in if there is an account. A token that has run out is replaced once."""
        url = f"{self._url}/notes?{urlencode(parameters)}"
        renewed = self._password != "" and not self._token
        if renewed:
            await self._sign_in()
        try:
            return await self._fetcher.get(url, trusted=True, pace=_PACE, headers=self._headers())
        except Refused as error:
            if error.status not in _REFUSALS:
                raise
            if not self._token:
                raise self._unsigned(error.status) from error
            if renewed:
                raise Refused(f"OpenReview does not let this account read ({error.status}).", error.status) from error
        await self._sign_in()
        return await self._fetcher.get(url, trusted=True, pace=_PACE, headers=self._headers())

    async def _sign_in(self) -> None:
        """Get a token. Raises SourceError."""
        self._token = ""
        account = {"id": self._username, "password": self._password}
        try:
            answer = await self._fetcher.post(f"{self._url}/login", account, trusted=True, pace=_PACE)
        except Refused as error:
            if isinstance(error, RateLimited) or error.status not in (400, *_REFUSALS):
                raise
            text = f"OpenReview did not sign us in ({error.status}); check sources.openreview.username and password."
            raise Refused(text, error.status) from error
        body = json_of(answer)
        fields = body if isinstance(body, dict) else {}
        if fields.get("mfaPending"):
            raise Refused("OpenReview wants a second factor from this account; give one that needs none.", 403)
        token = fields.get("token")
        if not isinstance(token, str) or not (token.isascii() and token.isprintable()) or not 0 < len(token) < 10_000:
            raise Unreadable(f"{answer.host} answered with something that is no token.")
        self._token = token

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _parsed(self, answer: Answer, today: date) -> Page:
        try:
            return read_page(answer, today)
        except Unreadable as error:
            # A challenge may come as a web page with the status 200.
            if not self._token and answer.body.lstrip()[:1] == b"<":
                raise self._unsigned(answer.status) from error
            raise

    @staticmethod
    def _unsigned(status: int) -> Refused:
        return Refused(
            f"OpenReview lets only those read who sign in ({status}): set sources.openreview.username and password.",
            status,
        )


def read_page(answer: Answer, today: date) -> Page:
    """A page of submissions. What is withdrawn, rejected, deleted or not public is left out. Raises Unreadable and
    TooLarge."""
    body = json_of(answer)
    notes = body.get("notes") if isinstance(body, dict) else None
    if not isinstance(notes, list):
        raise Unreadable(f"{answer.host} answered with something that is no list of submissions.")
    submissions, changes, unread, effort = list[Submission](), list[int](), 0, Effort()
    for note in notes:
        effort.spend(texts_in(note), 4 * ABSTRACT_CHARS)
        if effort.spent:
            break
        changed_at = note.get("tmdate") if isinstance(note, dict) else None
        if type(changed_at) is int and 0 < changed_at < _LARGEST_TIME:
            changes.append(changed_at)
        if not isinstance(note, dict):
            unread += 1
        elif _is_listed(note):
            submission = read_entry(_submission, note, today)
            if submission:
                submissions.append(submission)
            else:
                unread += 1
    return Page(tuple(submissions), len(notes), unread, tuple(changes), effort.spent)


def _is_listed(note: Mapping[str, object]) -> bool:
    """Whether everybody may read a note, and it is neither deleted nor withdrawn nor rejected. An account may see notes
    that others may not: they are nobody's news."""
    readers = note.get("readers")
    is_public = isinstance(readers, list) and _EVERYONE in readers
    venue_id, venue = _text(note, "venueid", NAME_CHARS), _text(note, "venue", NAME_CHARS)
    return is_public and not note.get("ddate") and not _OUT.search(venue_id.rpartition("/")[2] or venue)


def _submission(note: Mapping[str, object], today: date) -> Submission | None:
    """The submission that a note describes; None when it has no id or no title."""
    forum = clean(note.get("forum"), NAME_CHARS) or clean(note.get("id"), NAME_CHARS)
    title = _text(note, "title", TITLE_CHARS)
    if not _FORUM.fullmatch(forum) or not title:
        return None
    days = (_day(note.get(name), today) for name in ("pdate", "odate", "cdate", "tcdate"))
    listed_on = next(filter(None, days), today)
    keywords = _value(note, "keywords")
    terms = (clean(term, NAME_CHARS) for term in (keywords if isinstance(keywords, list) else [])[:CATEGORIES])
    paper = Paper(
        id=f"openreview:{forum}",
        title=title,
        abstract=_text(note, "abstract", ABSTRACT_CHARS) or _text(note, "TLDR", ABSTRACT_CHARS),
        authors=_authors(_value(note, "authors")),
        categories=tuple(dict.fromkeys(filter(None, terms))),
        published=listed_on,
        url=f"{SITE}/forum?id={forum}",
        pdf_url=f"{SITE}/pdf?id={forum}" if _text(note, "pdf", NAME_CHARS) else "",
        source=_text(note, "venue", NAME_CHARS) or "OpenReview",
    )
    return Submission(paper, listed_on)


def _value(note: Mapping[str, object], name: str) -> object:
    """The value of a field of the content, None where it is missing or not for everybody."""
    content = note.get("content")
    held = content.get(name) if isinstance(content, dict) else None
    if not isinstance(held, dict):
        return None
    readers = held.get("readers", [_EVERYONE])
    return held.get("value") if isinstance(readers, list) and _EVERYONE in readers else None


def _text(note: Mapping[str, object], name: str, limit: int) -> str:
    return clean(_value(note, name), limit)


def _authors(value: object) -> tuple[str, ...]:
    """The authors: their names, or, in newer venues, profiles with a `fullname`."""
    entries = value if isinstance(value, list) else []
    names = (entry.get("fullname") if isinstance(entry, dict) else entry for entry in entries)
    return tuple(name for name in people(names) if name.casefold() != "anonymous")


def _milliseconds(text: str) -> int:
    """The time that a memory holds; 0 if it holds none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TIME else 0


def _day(milliseconds: object, today: date) -> date | None:
    """The day of a time in milliseconds; None for other values, and for days that can't be."""
    if not isinstance(milliseconds, (int, float)) or isinstance(milliseconds, bool):
        return None
    if not 0 < milliseconds < _LARGEST_TIME:
        return None
    return plausible(datetime.fromtimestamp(milliseconds / 1000, UTC).date(), today)
