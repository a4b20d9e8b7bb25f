"""Hugging Face's Daily Papers: the list of each day, with the papers' upvotes.

Endpoints and fields have the names of the official client (huggingface_hub, `HfApi.list_daily_papers`). A paper's id is
the only field that always comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from bot.sources.base import Batch, Listing, ListingKind, Refused, SourceError, Unreadable
from bot.sources.clean import ABSTRACT_CHARS, NAME_CHARS, TITLE_CHARS, clean, count, day, link, people
from bot.sources.document import json_of
from bot.sources.effort import Effort, read_entry, texts_in
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, arxiv_id

URL = "https://huggingface.co"
PAGE = 100
"""Papers of one page: the most that the endpoint gives."""

_MOST_PAGES = 50
_NO_SUCH_DAY = (400, 404)


@dataclass(slots=True)
class _Pages:
    """The content of the pages that were read so far."""

    today: date
    listings: dict[str, Listing] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    cut: bool = False
    unchanged: bool = False

    def add(self, answer: Answer, fallback: date) -> int:
        """Add a page, and return the number of papers on it. Raises Unreadable."""
        items = json_of(answer)
        if not isinstance(items, list):
            raise Unreadable(f"{answer.host} answered with something that is no list of papers.")
        effort = Effort()
        for item in items:
            effort.spend(texts_in(item), 4 * ABSTRACT_CHARS)
            if effort.spent:
                self.cut = True
                break
            listing = read_entry(_listing, item, fallback, self.today)
            if listing:
                self.listings[listing.paper.id] = listing
            else:
                self.unread += 1
        return len(items)

    def notes(self) -> tuple[str, ...]:
        """The notes of the run, for the operator and for the line on a quiet day."""
        notes = []
        if not self.listings and not self.unchanged:
            notes.append("Hugging Face's Daily Papers list is empty.")
        if self.unread:
            notes.append(f"{self.unread} of Hugging Face's papers came without an id or a title and were left out.")
        if self.cut:
            notes.append("Hugging Face's list is too long to be read whole; its first papers were taken.")
        return tuple(notes)


class HuggingFace:
    """The Daily Papers. `url` is the base address of the site."""

    name = "huggingface"

    def __init__(self, fetcher: Fetcher, url: str = URL) -> None:
        self._fetcher = fetcher
        self._url = url.rstrip("/")

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The list of every day from `since` to `until`. A list that has not changed since `memory` gives nothing."""
        pages = _Pages(until)
        failure: SourceError | None = None
        this_day = since
        while this_day <= until and not failure:
            try:
                await self._read(pages, {"date": this_day.isoformat()}, this_day, memory)
            except SourceError as error:
                # In the time zone of the server, today may not have begun.
                if not (this_day == until and isinstance(error, Refused) and error.status in _NO_SUCH_DAY):
                    failure = error
            this_day += timedelta(days=1)
        if failure and not pages.listings:
            raise failure
        return Batch(tuple(pages.listings.values()), pages.memory, () if failure else pages.notes(), failure)

    async def _read(self, pages: _Pages, span: Mapping[str, str], fallback: date, memory: Mapping[str, str]) -> None:
        """Add every page of a list. `fallback` is the day of the papers that come without a day."""
        for number in range(_MOST_PAGES):
            answer = await self._get(_query(**span, limit=PAGE, p=number), memory)
            pages.memory |= answer.memory
            if answer.unchanged:
                pages.unchanged = True
                # If the page was full last time, another one followed it, and the memory holds that page's validators.
                next_url = self._url + _query(**span, limit=PAGE, p=number + 1)
                if not any(key.endswith(f" {next_url}") for key in memory):
                    return
                continue
            count_before = len(pages.listings)
            page_size = await asyncio.to_thread(pages.add, answer, fallback)
            if page_size < PAGE or len(pages.listings) == count_before:
                return

    async def _get(self, path: str, memory: Mapping[str, str] | None = None) -> Answer:
        return await self._fetcher.get(self._url + path, memory=memory, trusted=True)


def _query(**parameters: str | int) -> str:
    return f"/api/daily_papers?{urlencode(parameters)}"


def _listing(item: object, fallback: date, today: date) -> Listing | None:
    """The listing of an element of a list; None when it has no id or no title."""
    outer = item if isinstance(item, dict) else {}
    inner = outer["paper"] if isinstance(outer.get("paper"), dict) else outer
    hf_id = clean(inner.get("id"), NAME_CHARS)
    title = clean(inner.get("title"), TITLE_CHARS) or clean(outer.get("title"), TITLE_CHARS)
    if not hf_id or not title:
        return None
    arxiv = arxiv_id(hf_id)
    listed_on = day(inner.get("submittedOnDailyAt") or outer.get("submittedOnDailyAt"), today) or fallback
    authors = inner.get("authors")
    # The address in the settings may be that of a proxy, to which readers can't go.
    page = f"{URL}/papers/{quote(hf_id, safe='')}"
    paper = Paper(
        id=arxiv or f"hf:{hf_id}",
        title=title,
        abstract=clean(inner.get("summary"), ABSTRACT_CHARS) or clean(outer.get("summary"), ABSTRACT_CHARS),
        authors=people(author.get("name") for author in authors if isinstance(author, dict))
        if isinstance(authors, list)
        else (),
        published=day(inner.get("publishedAt") or outer.get("publishedAt"), today) or listed_on,
        upvotes=count(inner.get("upvotes")),
        comments=count(outer.get("numComments")) or count(inner.get("numComments")),
        organization=_organization(outer.get("organization")) or _organization(inner.get("organization")),
        url="" if arxiv else page,
        code_url=link(inner.get("githubRepo")) or link(outer.get("githubRepo")),
        project_url=link(inner.get("projectPage")) or link(outer.get("projectPage")),
        discussion_url=page,
    )
    return Listing(paper, HuggingFace.name, listed_on, ListingKind.DAILY)


def _organization(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    return clean(value.get("fullname"), NAME_CHARS) or clean(value.get("name"), NAME_CHARS)
