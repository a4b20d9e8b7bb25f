"""arXiv: the daily announcements of chosen categories, and the query API for missed days and for single papers."""

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
_MOST_RESULTS = 30_000  # of one query, by the API's own manual
_IDS_AT_ONCE = 100
_EMPTY_PAGES = 3  # in a row: the API now and then gives an empty page where there are results
_READABLE_STATUSES = (400, 406)  # 400 carries arXiv's reason; 406 has been seen with a good feed
_ABOUT_THE_QUESTION = (200, 400)  # of refusals in an answer of the API itself
_MOST_REFUSALS = 20  # of one list of ids; each request takes three seconds
_DAY = "day "
_SATURDAY = 5
_WINDOW = timedelta(days=6)  # of one query, so that it has no more results than the API gives
_LONGEST_DELAY = timedelta(days=5)  # from submission to announcement: a week-end and a holiday
_STRENGTH = {
    kind: rank
    for rank, kind in enumerate((ListingKind.NEW, ListingKind.CROSS, ListingKind.REPLACE, ListingKind.REPLACE_CROSS))
}

_Parsed = TypeVar("_Parsed")


@dataclass(slots=True)
class _Feeds:
    """The content of the feeds of all categories."""

    listings: dict[str, Listing] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    unread: int = 0
    cut: bool = False
    unchanged: bool = False
    failure: SourceError | None = None


class ArXiv:
    """The announcements of some categories. `url` is the address of the query API, `rss_url` that of the feeds."""

    name = NAME

    def __init__(self, fetcher: Fetcher, categories: Sequence[str], *, url: str = URL, rss_url: str = RSS_URL) -> None:
        self._fetcher = fetcher
        self._categories = tuple(dict.fromkeys(categories))
        self._url = url.rstrip("/")
        self._rss_url = rss_url.rstrip("/")

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The papers that the feeds announce now; for earlier days back to `since`, those that the API has for them.

        Until a feed is rebuilt (about 04:00 UTC), it is still that of the day before. The memory holds the day of the
        feed, so that no day between two runs is lost.
        """
        feeds = _Feeds()
        for category in self._categories:
            try:
                await self._read_feed(feeds, category, until, memory)
            except SourceError as error:
                feeds.failure = feeds.failure or error
                if isinstance(error, Unreachable) and not feeds.days:
                    break  # the host does not answer: asking it again for every category would take minutes
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
        # The feed's own entry is better than the API's: it tells how the paper was listed.
        older = [listing for listing in older if listing.paper.id not in feeds.listings]
        new_memory = feeds.memory | {_DAY + category: day.isoformat() for category, day in feeds.days.items()}
        return Batch((*feeds.listings.values(), *older), new_memory, _notes(feeds, covered), feeds.failure)

    async def backfill(self, since: date, until: date) -> AsyncIterator[Listing]:
        """The papers whose first version was announced from `since` to `until`, the oldest first.

        Holidays are not taken into account. Raises SourceError, after the papers that could be read were given.
        """
        categories = " OR ".join(f"cat:{category}" for category in self._categories)
        start, today = since - _LONGEST_DELAY, self._today()
        while start <= until:
            end = min(start + _WINDOW, until)
            span = f"submittedDate:[{start:%Y%m%d}0000 TO {end:%Y%m%d}2359]"
            async for paper in self._search(f"({categories}) AND {span}"):
                listed_on = paper.published or today
                if since <= listed_on <= until:
                    yield Listing(paper, NAME, listed_on, ListingKind.BACKFILL)
            start = end + timedelta(days=1)

    def may_have(self, paper_id: str) -> bool:
        """Whether an id is an arXiv id."""
        return arxiv_id(paper_id) is not None

    async def papers(self, ids: Iterable[str]) -> list[Paper]:
        """The papers with these ids or links, in the order given; ids that arXiv does not know are left out.

        Raises Refused for a text that is no arXiv id, and SourceError.
        """
        unique_ids: dict[str, None] = {}
        for text in ids:
            paper_id = arxiv_id(text)
            if not paper_id:
                raise Refused(f"“{clean(text, 60)}” is no arXiv id; one looks like 2310.01234.", 400)
            unique_ids[paper_id] = None
        order = list(unique_ids)
        papers: dict[str, Paper] = {}
        for start in range(0, len(order), _IDS_AT_ONCE):
            batch = order[start : start + _IDS_AT_ONCE]
            papers |= {paper.id: paper for paper in await self._by_ids(batch)}
        return [papers[paper_id] for paper_id in order if paper_id in papers]

    async def _by_ids(self, ids: Sequence[str]) -> list[Paper]:
        """The papers with these ids. The API may refuse them all for one of them, so a refused list is asked for in
        halves, until a few requests have been refused. Raises Refused if arXiv refuses every id."""
        papers, refusals, answered = list[Paper](), list[Refused](), False
        waiting = [list(ids)]
        while waiting:
            batch = waiting.pop()
            try:
                page = await self._query_api(id_list=",".join(batch), max_results=len(batch))
            except Refused as refusal:
                if refusal.status not in _ABOUT_THE_QUESTION or len(refusals) == _MOST_REFUSALS:
                    raise
                refusals.append(refusal)
                half = len(batch) // 2
                waiting += [batch[half:], batch[:half]] if half else []
                continue
            papers += page.papers
            answered = True
        if refusals and not answered:
            raise refusals[0]
        return papers

    async def _read_feed(self, feeds: _Feeds, category: str, until: date, memory: Mapping[str, str]) -> None:
        """Add the feed of a category, in RSS if the Atom feed can't be read."""
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
        answer = await self._fetcher.get(url, memory=memory, trusted=True, pace=_PACE, readable=_READABLE_STATUSES)
        if answer.unchanged:
            feeds.days[category] = _iso_date(memory.get(_DAY + category, "")) or until
            feeds.memory |= answer.memory
            feeds.unchanged = True
            return
        announcement = await asyncio.to_thread(self._parsed, read_announcement, answer)
        feeds.days[category] = announcement.day
        feeds.memory |= answer.memory
        feeds.unread += announcement.unread
        feeds.cut |= announcement.cut
        for listing in announcement.listings:
            earlier = feeds.listings.get(listing.paper.id)
            if not earlier or _STRENGTH[listing.kind] < _STRENGTH[earlier.kind]:
                feeds.listings[listing.paper.id] = listing

    async def _search(self, query: str) -> AsyncIterator[Paper]:
        start = empty_pages = 0
        total = 1
        while start < total:
            page = await self._query_api(
                search_query=query, start=start, max_results=_PAGE, sortBy="submittedDate", sortOrder="ascending"
            )
            total = page.total
            empty_pages = 0 if page.entries else empty_pages + 1
            if empty_pages == _EMPTY_PAGES or start > _MOST_RESULTS:
                raise Unreadable(f"arXiv stopped after {start} of {total} papers; the next run will ask again.")
            start += page.entries
            for paper in page.papers:
                yield paper

    async def _query_api(self, **parameters: str | int) -> Page:
        url = f"{self._url}/api/query?{urlencode(parameters)}"
        answer = await self._fetcher.get(url, trusted=True, pace=_PACE, readable=_READABLE_STATUSES)
        return await asyncio.to_thread(self._parsed, read_page, answer)

    def _parsed(self, read: Callable[[Answer, date], _Parsed], answer: Answer) -> _Parsed:
        """The body of an answer, parsed. A good body is taken whatever the HTTP status says."""
        try:
            return read(answer, self._today())
        except Unreadable as error:
            if answer.status in _READABLE_STATUSES:
                text = f"{answer.host} refused to answer ({answer.status}); the next run will ask again."
                raise Refused(text, answer.status) from error
            raise

    def _today(self) -> date:
        return self._fetcher.clock.now().date()


def _first_missing(covered: str, since: date) -> date:
    """The first day that is missing of a category: the day after the last one that finished runs covered, else `since`.

    A feed lags behind the run that reads it, so the day may lie before `since`, but never by more than a week.
    """
    day = _iso_date(covered)
    return max(day + timedelta(days=1), since - timedelta(days=7)) if day else since


def _is_announcement_between(first: date, end: date) -> bool:
    """Whether a day from `first` until the day before `end` is a day of announcements, Monday to Friday."""
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


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
