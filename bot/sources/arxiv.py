"""arXiv: each day's announcements of chosen categories; its query API for days that were missed and for single ids."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

from bot.sources.arxiv_xml import NAME, Page, read_announcement, read_page
from bot.sources.base import Batch, Listing, ListingKind, Refused, SourceError, Unreachable, Unreadable
from bot.sources.clean import clean
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, arxiv_id

URL = "https://export.arxiv.org"
RSS_URL = "https://rss.arxiv.org"

_PACE = "arxiv.org"
_PAGE = 500
_MOST_RESULTS = 30_000  # of one question, by the API's own manual
_IDS_AT_ONCE = 100
_EMPTY_PAGES = 3  # in a row: the API now and then gives an empty page where there are results
_BODY_DECIDES = (400, 406)  # errors that carry arXiv's reason, and 406, which has been seen with a good feed
_DAY = "day "
_SATURDAY = 5
_WINDOW = timedelta(days=6)  # asked for at once, so that no question has too many results
_LONGEST_WAY = timedelta(days=5)  # from submission to announcement: a week-end and a holiday
_STRENGTH = {
    kind: rank
    for rank, kind in enumerate((ListingKind.NEW, ListingKind.CROSS, ListingKind.REPLACE, ListingKind.REPLACE_CROSS))
}

_Read = TypeVar("_Read")


@dataclass(slots=True)
class _Feeds:
    """What the feeds of all categories gave."""

    listings: dict[str, Listing] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    unread: int = 0
    cut: bool = False
    unchanged: bool = False
    failure: SourceError | None = None


class ArXiv:
    """The announcements of `categories`; `url` is the query API's host and `rss_url` the feeds'."""

    name = NAME

    def __init__(self, fetcher: Fetcher, categories: Sequence[str], *, url: str = URL, rss_url: str = RSS_URL) -> None:
        self._fetcher = fetcher
        self._categories = tuple(dict.fromkeys(categories))
        self._url = url.rstrip("/")
        self._rss_url = rss_url.rstrip("/")

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """What the feeds announce now; for earlier days back to `since`, what the API knows was submitted for them.

        A feed may still be the day before's until it is rebuilt (about 04:00 UTC): the memory holds which day that
        was, so that the day between is not lost.
        """
        feeds = _Feeds()
        for category in self._categories:
            try:
                await self._read_feed(feeds, category, until, memory)
            except SourceError as error:
                feeds.failure = feeds.failure or error
                if isinstance(error, Unreachable) and not feeds.days:
                    break  # the host answers nobody: to ask it again for every category takes minutes
        if not feeds.days:
            raise feeds.failure or Refused("No arXiv category is chosen; name one, for example cs.LG.", 400)
        covered = min(feeds.days.values())
        first = min(_first_missing(memory.get(_DAY + category, ""), since) for category in self._categories)
        older: list[Listing] = []
        if _is_announcement_between(first, covered):
            try:
                async for listing in self.backfill(first, min(covered - timedelta(days=1), until)):
                    older.append(listing)
            except SourceError as error:
                feeds.failure = feeds.failure or error
        # What a feed lists, it knows better than the API does.
        older = [listing for listing in older if listing.paper.id not in feeds.listings]
        kept = feeds.memory | {_DAY + category: day.isoformat() for category, day in feeds.days.items()}
        return Batch((*feeds.listings.values(), *older), kept, _notes(feeds, covered), feeds.failure)

    async def backfill(self, since: date, until: date) -> AsyncIterator[Listing]:
        """Papers whose first version was announced from `since` to `until`, oldest first; holidays are not known.

        Raises SourceError, after having given what came before.
        """
        wanted = " OR ".join(f"cat:{category}" for category in self._categories)
        start, today = since - _LONGEST_WAY, self._today()
        while start <= until:
            end = min(start + _WINDOW, until)
            span = f"submittedDate:[{start:%Y%m%d}0000 TO {end:%Y%m%d}2359]"
            async for paper in self._search(f"({wanted}) AND {span}"):
                listed_on = paper.published or today
                if since <= listed_on <= until:
                    yield Listing(paper, NAME, listed_on, ListingKind.BACKFILL)
            start = end + timedelta(days=1)

    async def papers(self, ids: Iterable[str]) -> list[Paper]:
        """The papers with these ids or links, in the order given; ids that arXiv does not know are left out.

        Raises Refused for what is no arXiv id, and SourceError.
        """
        wanted: dict[str, None] = {}
        for text in ids:
            found = arxiv_id(text)
            if not found:
                raise Refused(f"“{clean(text, 60)}” is no arXiv id; one looks like 2310.01234.", 400)
            wanted[found] = None
        order = list(wanted)
        papers: dict[str, Paper] = {}
        for start in range(0, len(order), _IDS_AT_ONCE):
            some = order[start : start + _IDS_AT_ONCE]
            page = await self._ask(id_list=",".join(some), max_results=len(some))
            papers |= {paper.id: paper for paper in page.papers}
        return [papers[its_id] for its_id in order if its_id in papers]

    async def _read_feed(self, feeds: _Feeds, category: str, until: date, memory: Mapping[str, str]) -> None:
        """Adds one category's feed, in the RSS form when the Atom form cannot be had."""
        try:
            await self._read_form(feeds, "atom", category, until, memory)
        except (Refused, Unreadable) as error:
            if isinstance(error, Refused) and (error.status >= 500 or error.status == 429):
                raise
            try:
                await self._read_form(feeds, "rss", category, until, memory)
            except Refused as refusal:
                if refusal.status in (400, 404):
                    text = f"arXiv has no list of {category} ({refusal.status}); check the category's name."
                    raise Refused(text, refusal.status) from refusal
                raise

    async def _read_form(self, feeds: _Feeds, form: str, category: str, until: date, memory: Mapping[str, str]) -> None:
        url = f"{self._rss_url}/{form}/{quote(category)}"
        answer = await self._fetcher.get(url, memory=memory, trusted=True, pace=_PACE, readable=_BODY_DECIDES)
        if answer.unchanged:
            feeds.days[category] = _iso(memory.get(_DAY + category, "")) or until
            feeds.memory |= answer.memory
            feeds.unchanged = True
            return
        found = await asyncio.to_thread(self._judged, read_announcement, answer)
        feeds.days[category] = found.day
        feeds.memory |= answer.memory
        feeds.unread += found.unread
        feeds.cut |= found.cut
        for listing in found.listings:
            known = feeds.listings.get(listing.paper.id)
            if not known or _STRENGTH[listing.kind] < _STRENGTH[known.kind]:
                feeds.listings[listing.paper.id] = listing

    async def _search(self, query: str) -> AsyncIterator[Paper]:
        start = empty = 0
        total = 1
        while start < total:
            page = await self._ask(
                search_query=query, start=start, max_results=_PAGE, sortBy="submittedDate", sortOrder="ascending"
            )
            total = page.total
            empty = 0 if page.entries else empty + 1
            if empty == _EMPTY_PAGES or start > _MOST_RESULTS:
                raise Unreadable(f"arXiv stopped after {start} of {total} papers; the next run will ask again.")
            start += page.entries
            for paper in page.papers:
                yield paper

    async def _ask(self, **parameters: str | int) -> Page:
        url = f"{self._url}/api/query?{urlencode(parameters)}"
        answer = await self._fetcher.get(url, trusted=True, pace=_PACE, readable=_BODY_DECIDES)
        return await asyncio.to_thread(self._judged, read_page, answer)

    def _judged(self, read: Callable[[Answer, date], _Read], answer: Answer) -> _Read:
        """What `read` makes of the body: the body decides, whatever the status says."""
        try:
            return read(answer, self._today())
        except Unreadable as error:
            if answer.status in _BODY_DECIDES:
                text = f"{answer.host} refused to answer ({answer.status}); the next run will ask again."
                raise Refused(text, answer.status) from error
            raise

    def _today(self) -> date:
        return self._fetcher.clock.now().date()


def _first_missing(covered: str, since: date) -> date:
    """The first day a category lacks: the one after the last day that finished runs covered, else `since`.

    A feed lags behind the run that reads it, so that day may lie before `since`, but never by more than a week.
    """
    day = _iso(covered)
    return max(day + timedelta(days=1), since - timedelta(days=7)) if day else since


def _is_announcement_between(first: date, end: date) -> bool:
    """Whether arXiv announces anything from `first` until the day before `end`: it does from Monday to Friday."""
    return any((first + timedelta(days=days)).weekday() < _SATURDAY for days in range(min(7, (end - first).days)))


def _notes(feeds: _Feeds, covered: date) -> tuple[str, ...]:
    notes = []
    if not feeds.listings and not feeds.unchanged and not feeds.failure:
        if covered.weekday() >= _SATURDAY:
            notes.append("arXiv announces nothing on Saturdays and Sundays.")
        else:
            notes.append(f"arXiv announced nothing on {covered.day} {covered:%B}: a holiday there, or a quiet day.")
    if feeds.unread:
        notes.append(f"{feeds.unread} of arXiv's entries could not be read and were left out.")
    if feeds.cut:
        notes.append("arXiv's list is too long to be read whole; its first entries were taken.")
    return tuple(notes)


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
