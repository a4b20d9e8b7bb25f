"""The papers of a day, a week or a month, the days that have papers, and what is trending. Private papers, which
only some channels may see, are in none of these answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.papers import paper_of
from bot.store.tables import papers
from recommender import Paper

_NEWS = ~papers.c.withdrawn, ~papers.c.private
_MOST_UPVOTED_FIRST = papers.c.upvotes.desc(), papers.c.listed_on.desc(), papers.c.id
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Birth:
    """When a paper became news here, and the id that it had then. For a paper that never did, it is the beginning of
    the day on which it was published."""

    at: datetime
    first_id: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The number of papers of some days, and the nearest days before and after them that have papers, None if there is
    none."""

    count: int
    earlier: date | None
    later: date | None


# Statements that a page needs are built once, since that takes as long as running them.
_IN_SPAN = papers.c.listed_on.between(sa.bindparam("since"), sa.bindparam("until")), *_NEWS
# The categories are JSON: a name of ASCII stands in quotes there, in every database.
_IN_CATEGORY = sa.cast(papers.c.categories, sa.Text).contains(sa.bindparam("quoted", type_=sa.Text))
_LISTED, _LISTED_IN, _TRENDING = (
    sa.select(papers)
    .where(
        # An index alone chooses the papers, and only those that are shown are read with their abstracts.
        papers.c.id.in_(
            sa.select(papers.c.id)
            .where(*conditions)
            .order_by(*_MOST_UPVOTED_FIRST)
            .limit(sa.bindparam("most", type_=sa.Integer))
            .offset(sa.bindparam("skipped", type_=sa.Integer))
        )
    )
    .order_by(*_MOST_UPVOTED_FIRST)
    for conditions in (_IN_SPAN, (*_IN_SPAN, _IN_CATEGORY), (*_IN_SPAN, papers.c.upvotes > 0))
)
_PUBLIC = sa.select(papers).where(papers.c.id == sa.bindparam("paper_id"), ~papers.c.private)
_COUNT_IN = sa.select(sa.func.count()).select_from(papers).where(*_IN_SPAN, _IN_CATEGORY)
_SURROUNDINGS = sa.select(
    sa.select(sa.func.count()).select_from(papers).where(*_IN_SPAN).scalar_subquery().label("total"),
    sa.select(papers.c.listed_on)
    .where(papers.c.listed_on < sa.bindparam("since"), *_NEWS)
    .order_by(papers.c.listed_on.desc())
    .limit(1)
    .scalar_subquery()
    .label("earlier"),
    sa.select(papers.c.listed_on)
    .where(papers.c.listed_on > sa.bindparam("until"), papers.c.listed_on <= sa.bindparam("last"), *_NEWS)
    .order_by(papers.c.listed_on)
    .limit(1)
    .scalar_subquery()
    .label("later"),
)


async def listed(tx: AsyncConnection, since: date, until: date, limit: int, offset: int = 0) -> list[Paper]:
    """The papers that became news from day `since` to day `until`, both included, the most upvoted first. Withdrawn
    papers are none of them."""
    return await _chosen(tx, _LISTED, since, until, limit, offset)


async def listed_in(tx: AsyncConnection, day: date, category: str, limit: int, offset: int = 0) -> list[Paper]:
    """The papers of one day in a category, as `listed`. All papers of the day are read for it."""
    return await _chosen(tx, _LISTED_IN, day, day, limit, offset, quoted=f'"{category}"')


async def count_in(tx: AsyncConnection, day: date, category: str) -> int:
    """The number of papers of one day in a category."""
    parameters = {"since": day, "until": day, "quoted": f'"{category}"'}
    return int((await tx.execute(_COUNT_IN, parameters)).scalar_one())


async def trending(tx: AsyncConnection, since: date, until: date, limit: int, offset: int = 0) -> list[Paper]:
    """The papers of these days that have upvotes, the most upvoted first."""
    return await _chosen(tx, _TRENDING, since, until, limit, offset)


async def _chosen(
    tx: AsyncConnection, statement: sa.Select[Any], since: date, until: date, limit: int, offset: int, **more: str
) -> list[Paper]:
    parameters = {"since": since, "until": until, "most": limit, "skipped": offset, **more}
    return [paper_of(row) for row in await tx.execute(statement, parameters)]


async def surroundings(tx: AsyncConnection, since: date, until: date, last: date) -> Surroundings:
    """The surroundings of the days from `since` to `until`. Later days count up to the `last`."""
    row = (await tx.execute(_SURROUNDINGS, {"since": since, "until": until, "last": last})).one()
    return Surroundings(row.total, row.earlier, row.later)


async def public(tx: AsyncConnection, paper_id: str) -> tuple[Paper, date | None] | None:
    """A paper of a source, with the day on which it became news; None if there is no such paper, or it is private."""
    row = (await tx.execute(_PUBLIC, {"paper_id": paper_id})).one_or_none()
    return (paper_of(row), row.listed_on) if row else None


async def by_date(tx: AsyncConnection, ids: Sequence[str], limit: int, offset: int = 0) -> list[Paper]:
    """These papers, the newest first; papers without a date come last."""
    return await _ordered(tx, ids, [papers.c.published.desc().nulls_last(), papers.c.id.desc()], limit, offset)


async def by_upvotes(tx: AsyncConnection, ids: Sequence[str], limit: int, offset: int = 0) -> list[Paper]:
    """These papers, the most upvoted first, and the newest first among equals."""
    order = [papers.c.upvotes.desc(), papers.c.published.desc().nulls_last(), papers.c.id.desc()]
    return await _ordered(tx, ids, order, limit, offset)


async def _ordered(
    tx: AsyncConnection, ids: Sequence[str], order: Sequence[Any], limit: int, offset: int
) -> list[Paper]:
    query = sa.select(papers).where(papers.c.id.in_(ids), ~papers.c.private)
    return [paper_of(row) for row in await tx.execute(query.order_by(*order).limit(limit).offset(offset))]


async def count(tx: AsyncConnection, since: date, until: date) -> int:
    """The number of papers that became news in these days."""
    query = sa.select(sa.func.count()).select_from(papers).where(papers.c.listed_on.between(since, until), *_NEWS)
    return int((await tx.execute(query)).scalar_one())


async def last_day(tx: AsyncConnection, until: date) -> date | None:
    """The last day up to `until` that has papers; None if there is none."""
    return await _day(tx, papers.c.listed_on <= until, papers.c.listed_on.desc())


async def births(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, Birth]:
    """When these papers became news, by id. Private and withdrawn papers are left out."""
    columns = papers.c.id, papers.c.first_id, papers.c.news_at, papers.c.listed_on, papers.c.published
    rows = await tx.execute(sa.select(*columns).where(papers.c.id.in_(ids), *_NEWS))
    return {
        row.id: Birth(row.news_at or _midnight(row.listed_on or row.published), row.first_id or row.id) for row in rows
    }


async def most_upvoted(
    tx: AsyncConnection,
    since: date,
    until: date,
    limit: int,
    *,
    bonus: Sequence[tuple[str, int]] = (),
    further: Sequence[str] = (),
) -> list[str]:
    """The ids of these days' papers with the most upvotes, best first. Papers without any are left out.

    `bonus` gives papers by id further points. The `further` papers take part though they are no news for everyone.
    """
    news = papers.c.listed_on.between(since, until), *_NEWS
    query = sa.select(papers.c.id, papers.c.upvotes).where(*news, papers.c.upvotes > 0)
    rows = await tx.execute(query.order_by(papers.c.upvotes.desc(), papers.c.id).limit(limit))
    points = {row.id: int(row.upvotes) for row in rows}
    extra = dict(bonus)
    if extra or further:
        is_meant = sa.or_(sa.and_(*news, papers.c.id.in_(extra)), papers.c.id.in_(further))
        for row in await tx.execute(sa.select(papers.c.id, papers.c.upvotes).where(is_meant)):
            points[row.id] = int(row.upvotes) + extra.get(row.id, 0)
    ids = [paper_id for paper_id in points if points[paper_id]]
    return sorted(ids, key=lambda paper_id: (-points[paper_id], paper_id))[:limit]


async def _day(tx: AsyncConnection, condition: sa.ColumnElement[bool], order: sa.ColumnElement[Any]) -> date | None:
    query = sa.select(papers.c.listed_on).where(condition, *_NEWS).order_by(order).limit(1)
    return (await tx.execute(query)).scalar_one_or_none()


def _midnight(day: date | None) -> datetime:
    return datetime.combine(day, time(), UTC) if day else _LONG_AGO
