"""What everyone may know of one paper: its facts, and the papers most like it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.paper_index import PaperIndex
from bot.reports.search import Sort
from bot.store import listings, papers
from bot.store.database import Store
from recommender import Hit, Paper, Recommender

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
    engine = paper_index.engine
    # Before the paper is read, so that one transaction reads all papers.
    hits = await asyncio.to_thread(_similar, engine, paper_id, limit) if paper_id in engine else None
    async with store.read() as tx:
        stored = await listings.public(tx, paper_id)
        similar = await _papers_of(tx, hits) if stored and hits is not None else []
    if stored is None:
        return None
    paper, listed_on = stored
    if hits is None:
        hits = await asyncio.to_thread(engine.similar, paper, limit)
        async with store.read() as tx:
            similar = await _papers_of(tx, hits)
    if sort is Sort.NEWEST:
        similar.sort(key=lambda other: other.published or _OLDEST, reverse=True)
    elif sort is Sort.UPVOTES:
        similar.sort(key=lambda other: other.upvotes, reverse=True)
    return PaperReport(paper, listed_on, tuple(similar))


def _similar(engine: Recommender, paper_id: str, limit: int) -> list[Hit] | None:
    try:
        return engine.similar(paper_id, limit)
    except ValueError:  # the index has lost the paper just now
        return None


async def _papers_of(tx: AsyncConnection, hits: Sequence[Hit]) -> list[Paper]:
    return list((await papers.get_many(tx, [hit.paper_id for hit in hits])).values())
