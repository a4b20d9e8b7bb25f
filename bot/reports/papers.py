"""What everyone may know of one paper: its facts, and the papers most like it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

from bot.paper_index import PaperIndex
from bot.reports.search import Sort
from bot.store import listings, papers
from bot.store.database import Store
from recommender import Paper

_OLDEST = date.min


@dataclass(frozen=True, slots=True)
class PaperReport:
    """A paper, the day on which it became news (None if it never did), and the papers most like it."""

    paper: Paper
    listed_on: date | None
    similar: tuple[Paper, ...]


async def resolve(store: Store, name: str) -> str | None:
    """The id of the source's paper that an id, a link, a DOI or a whole title names; None if there is none. Private
    papers have no names here."""
    async with store.read() as tx:
        return await papers.resolve(tx, name)


async def report_on(store: Store, paper_index: PaperIndex, paper_id: str, sort: Sort, limit: int) -> PaperReport | None:
    """The report on a paper of a source. The papers most like it, at most `limit`, come in an order."""
    async with store.read() as tx:
        stored = await listings.public(tx, paper_id)
    if stored is None:
        return None
    paper, listed_on = stored
    engine = paper_index.engine
    query_paper = paper.id if paper.id in engine else paper
    hits = await asyncio.to_thread(engine.similar, query_paper, limit)
    async with store.read() as tx:
        similar = list((await papers.get_many(tx, [hit.paper_id for hit in hits])).values())
    if sort is Sort.NEWEST:
        similar.sort(key=lambda other: other.published or _OLDEST, reverse=True)
    elif sort is Sort.UPVOTES:
        similar.sort(key=lambda other: other.upvotes, reverse=True)
    return PaperReport(paper, listed_on, tuple(similar))
