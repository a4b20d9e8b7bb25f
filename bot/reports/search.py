"""A search for everyone: the papers of sources that match a query, and how the query was read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.paper_index import PaperIndex
from bot.reports.query_notes import explain
from bot.store import listings, papers
from bot.store.database import Store
from recommender import Paper, QueryInterpretation, Recommender

DEEPEST = 500
"""The number of hits that can be paged through."""


class Sort(StrEnum):
    """An order of papers: by how well they fit, by date, or by upvotes."""

    BEST = "best"
    NEWEST = "newest"
    UPVOTES = "upvotes"


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of hits. `note` says how the query was read, "" if it was taken as written; `answered` is the query with
    its corrections. `has_more` says whether a page follows."""

    answered: str
    note: str
    suggestion: str
    papers: tuple[Paper, ...]
    has_more: bool


async def search(
    store: Store, paper_index: PaperIndex, query: str, sort: Sort, *, limit: int, offset: int = 0
) -> SearchPage:
    """The hits from place `offset` on, at most `limit`, in an order. Sorted by date or upvotes, a search gives only the
    papers that match the whole query, if there are any: the others would hide them."""
    engine = paper_index.engine
    room = max(0, min(limit + 1, DEEPEST - offset))
    interpretation, ids = await asyncio.to_thread(_hits, engine, query, sort, room, offset)
    async with store.read() as tx:
        hits = await _read(tx, ids, sort, room, offset)
    return SearchPage(
        interpretation.answered,
        explain(interpretation, in_chat=False),
        interpretation.suggestion or "",
        tuple(hits[:limit]),
        len(hits) > limit,
    )


def _hits(
    engine: Recommender, query: str, sort: Sort, limit: int, offset: int
) -> tuple[QueryInterpretation, list[str]]:
    interpretation = engine.interpret(query)
    if sort is Sort.BEST:
        return interpretation, [hit.paper_id for hit in engine.search(query, limit, offset)]
    ids = engine.known([hit.paper_id for hit in engine.search(query, DEEPEST)])
    full_matches = [hit.paper_id for hit in engine.matching(interpretation.answered, ids)]
    return interpretation, full_matches or ids


async def _read(tx: AsyncConnection, ids: Sequence[str], sort: Sort, limit: int, offset: int) -> list[Paper]:
    match sort:
        case Sort.BEST:
            # The index may still hold papers that were merged into others.
            return list((await papers.get_many(tx, ids)).values())
        case Sort.NEWEST:
            return await listings.by_date(tx, ids, limit, offset)
        case Sort.UPVOTES:
            return await listings.by_upvotes(tx, ids, limit, offset)
