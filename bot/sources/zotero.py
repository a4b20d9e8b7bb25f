"""Zotero: reads the papers of a library, and adds papers to one.

The web API is version 3 (https://www.zotero.org/support/dev/web_api/v3/basics, …/write_requests). A library is
users/<number> or groups/<number>; the key goes into a header, and public libraries need none. GET {library}/items/top
gives up to 100 items from `start` on, each with its fields in `data`, and their count in the header Total-Results. POST
{library}/items takes up to 50 new items, and tells in `failed` which of them it did not take, and why.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from bot.sources.base import Refused, SourceError, Unreadable
from bot.sources.clean import (
    ABSTRACT_CHARS,
    AUTHORS,
    NAME_CHARS,
    TITLE_CHARS,
    clean,
    day,
    link,
    people,
    plain,
)
from bot.sources.document import json_of
from bot.sources.effort import Effort, read_entry, texts_in
from bot.sources.fetch import Answer, Fetcher
from recommender.paper import Paper, arxiv_id, find_doi, id_from_title, identities, is_preprint, openreview_id, same

URL = "https://api.zotero.org"
_PAGE, _MOST_PAGES = 100, 10
_MOST_SENT = 50
_LIBRARY = re.compile(r"(?:https?://(?:www\.)?zotero\.org/)?(users|groups)/(\d{1,12})(?:[/?#].*)?", re.IGNORECASE)
_WORKS = frozenset(
    {
        "book",
        "bookSection",
        "conferencePaper",
        "document",
        "journalArticle",
        "manuscript",
        "preprint",
        "report",
        "thesis",
    }
)
"""The types of items that are papers by their title alone. Other items are papers if they have an id of one."""
_NO_ITEMS = frozenset({"annotation", "attachment", "note"})
_EXTRA_LINE = re.compile(r"^\s*(?:arxiv|doi|url)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ONE_NAME = re.compile(
    r"\b(?:collaboration|consortium|group|team|initiative|project|network|institute)\b", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?:jr|sr)\.?|i{2,3}|iv", re.IGNORECASE)


def library_of(text: str) -> str:
    """The library that a text names: users/<number> or groups/<number>, or the link of a group; "" for other texts.

    >>> library_of("https://www.zotero.org/groups/4567/our_papers/library"), library_of("ada")
    ('groups/4567', '')
    """
    found = _LIBRARY.fullmatch(text.strip())
    return f"{found[1].lower()}/{found[2]}" if found else ""


@dataclass(frozen=True, slots=True)
class ZoteroItems:
    """The papers among the items of a library, the newest first. `total` counts all of its items, papers or not. If it
    `is_cut`, its older items were not read."""

    papers: tuple[Paper, ...]
    total: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of adding papers: how many were added, how many were there before, and how many Zotero refused."""

    added: int
    present: int
    refused: int


class Zotero:
    """The libraries of Zotero. `library` is the operator's, read and written with `key`. Any other one is asked without
    a key, so that only public ones can be read."""

    def __init__(self, fetcher: Fetcher, *, library: str = "", key: str = "", url: str = URL) -> None:
        self._fetcher = fetcher
        self.library = library
        self._key = key
        self._url = url.rstrip("/")
        self._adding = asyncio.Lock()

    async def papers(self, library: str = "") -> ZoteroItems:
        """The papers among the last thousand items that were added to a library. Raises SourceError."""
        library = library or self.library
        papers: dict[str, Paper] = {}
        start = total = 0
        is_cut = False
        for _ in range(_MOST_PAGES):
            query = urlencode(
                {"format": "json", "sort": "dateAdded", "direction": "desc", "limit": _PAGE, "start": start}
            )
            answer = await self._get(library, f"/items/top?{query}")
            items = await asyncio.to_thread(read_items, answer, self._fetcher.clock.now().date())
            for paper in items.papers:
                papers.setdefault(paper.id, paper)
            is_cut |= items.is_cut
            start += items.total
            total = max(start, _count(answer.headers.get("total-results", "")))
            if not items.total or start >= total:
                break
        return ZoteroItems(tuple(papers.values()), total, is_cut or start < total)

    async def look(self) -> None:
        """Ask for one item of the operator's library. Raises SourceError when it can't be read."""
        await self._get(self.library, "/items/top?format=json&limit=1")

    async def add(self, papers: Sequence[Paper]) -> Sent:
        """Add papers to the operator's library, except those that are among its last thousand items.

        Raises SourceError; some of the papers may have been added before.
        """
        async with self._adding:  # a second press must find the papers of the first
            return await self._add(papers)

    async def _add(self, papers: Sequence[Paper]) -> Sent:
        by_name: dict[str, list[Paper]] = {}
        for known in (await self.papers()).papers:
            for name in identities(known):
                by_name.setdefault(name, []).append(known)
        missing = [
            paper
            for paper in papers
            if not any(same(known, paper) for name in identities(paper) for known in by_name.get(name, ()))
        ]
        refused = 0
        for start in range(0, len(missing), _MOST_SENT):
            items = [_item(paper) for paper in missing[start : start + _MOST_SENT]]
            refused += await self._post(items)
        return Sent(len(missing) - refused, len(papers) - len(missing), refused)

    async def _get(self, library: str, path: str) -> Answer:
        try:
            return await self._fetcher.get(f"{self._url}/{library}{path}", trusted=True, headers=self._headers(library))
        except Refused as error:
            raise self._explained(error, library) from error

    async def _post(self, items: Sequence[Mapping[str, object]]) -> int:
        """Add items, and return how many of them Zotero refused."""
        url = f"{self._url}/{self.library}/items"
        try:
            answer = await self._fetcher.post(url, items, trusted=True, headers=self._headers(self.library))
        except Refused as error:
            raise self._explained(error, self.library) from error
        body = json_of(answer)
        failed = body.get("failed") if isinstance(body, dict) else None
        if not isinstance(failed, dict):
            raise Unreadable(f"{answer.host} answered with something that does not say what was added.")
        return min(len(failed), len(items))

    def _headers(self, library: str) -> dict[str, str]:
        key = {"Zotero-API-Key": self._key} if self._key and library == self.library else {}
        return {"Zotero-API-Version": "3", **key}

    def _explained(self, error: Refused, library: str) -> SourceError:
        if error.status == 404:
            return Refused(f"Zotero has no library {library} (404); check its number.", 404)
        if error.status == 403 and library == self.library:
            return Refused(
                f"Zotero does not let the key do this in {library} (403); check what zotero.key may do.", 403
            )
        if error.status == 403:
            return Refused(f"{library} is not public at Zotero (403), so I can't read it.", 403)
        return error


def read_items(answer: Answer, today: date) -> ZoteroItems:
    """A page of items. `total` counts the items of the page, papers or not. Raises Unreadable and TooLarge."""
    items = json_of(answer)
    if not isinstance(items, list):
        raise Unreadable(f"{answer.host} answered with something that is no list of items.")
    papers, effort = list[Paper](), Effort()
    for item in items:
        effort.spend(texts_in(item), 4 * ABSTRACT_CHARS)
        if effort.spent:
            break
        paper = read_entry(_paper, item, today)
        if paper:
            papers.append(paper)
    return ZoteroItems(tuple(papers), len(items), effort.spent)


def _paper(item: object, today: date) -> Paper | None:
    """The paper that an item describes; None for an item that is no paper."""
    outer = item if isinstance(item, dict) else {}
    data = outer.get("data")
    if not isinstance(data, dict) or data.get("itemType") in _NO_ITEMS or data.get("deleted"):
        return None
    url = link(data.get("url"))
    extra = data.get("extra")
    names = [clean(data.get(name), NAME_CHARS) for name in ("archiveID", "DOI")]
    names += [url, *_EXTRA_LINE.findall(extra[:ABSTRACT_CHARS] if isinstance(extra, str) else "")]
    arxiv = next(filter(None, map(arxiv_id, names)), "")
    doi = next(filter(None, map(find_doi, names)), "")
    forum = next(filter(None, map(openreview_id, names)), "")
    title = plain(data.get("title"), TITLE_CHARS)
    by_id = arxiv or (f"doi:{doi}" if doi else "") or (f"openreview:{forum}" if forum else "")
    if not by_id and not (title and data.get("itemType") in _WORKS):
        return None
    meta = outer.get("meta")
    parsed_date = meta.get("parsedDate") if isinstance(meta, dict) else None
    return Paper(
        id=by_id or id_from_title(title),
        title=title,
        abstract=plain(data.get("abstractNote"), ABSTRACT_CHARS),
        authors=_authors(data.get("creators")),
        published=day(parsed_date, today),
        url="" if arxiv else url,
        doi=doi,
    )


def _authors(creators: object) -> tuple[str, ...]:
    """The authors. A creator has a first and a last name, or one name."""
    names = []
    for creator in (creators if isinstance(creators, list) else [])[:AUTHORS]:
        if isinstance(creator, dict) and creator.get("creatorType", "author") == "author":
            parts = (clean(creator.get(key), NAME_CHARS) for key in ("firstName", "lastName", "name"))
            names.append(" ".join(filter(None, parts)))
    return people(names)


def _item(paper: Paper) -> dict[str, object]:
    """A new item for a paper, with fields that its type has."""
    arxiv, forum = arxiv_id(paper.id), openreview_id(paper.id)
    doi = paper.doi or find_doi(paper.id) or ""
    fields: dict[str, object] = {
        "title": paper.title,
        "creators": [_creator(name) for name in paper.authors],
        "abstractNote": paper.abstract,
        "date": paper.published.isoformat() if paper.published else "",
        "url": paper.link,
    }
    if arxiv:
        return {"itemType": "preprint", **fields, "repository": "arXiv", "archiveID": f"arXiv:{arxiv}", "DOI": doi}
    if forum or is_preprint(doi):
        repository = "OpenReview" if forum else "medRxiv" if "medrxiv.org" in paper.link else "bioRxiv"
        return {"itemType": "preprint", **fields, "repository": repository, "DOI": doi}
    return {"itemType": "journalArticle", **fields, "DOI": doi} if doi else {"itemType": "document", **fields}


def _creator(name: str) -> dict[str, str]:
    """An author as Zotero takes one: "Ada van der Berg Jr." has the last name "van der Berg Jr."."""
    words = name.split()
    if len(words) < 2 or _ONE_NAME.search(name):
        return {"creatorType": "author", "name": name}
    last = len(words) - (2 if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else 1)
    particle = next((place for place in range(1, last) if words[place][:1].islower()), last)
    return {"creatorType": "author", "firstName": " ".join(words[:particle]), "lastName": " ".join(words[particle:])}


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
