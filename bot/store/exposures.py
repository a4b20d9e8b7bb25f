"""The papers that channels have been shown or will be shown, on a card or by number on a message of several papers.

Some of the numbered papers are picks, others only listed titles (see `posts.glance`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import votes
from bot.store.channels import visible_from
from bot.store.states import PostState
from bot.store.tables import channels, numbers, papers, posts


def entries(condition: Callable[[sa.Table], sa.ColumnElement[bool]]) -> sa.Subquery:
    """The papers on posts, with the post's state; a card has the number 0. `condition` is called for each of the two
    tables, so that the index of each is used."""
    of_post = (posts.c.state, posts.c.sent_at, posts.c.glance)
    card = (posts.c.id.label("post_id"), sa.literal(0).label("number"), posts.c.channel_id, posts.c.paper_id)
    number = (numbers.c.post_id, numbers.c.number, numbers.c.channel_id, numbers.c.paper_id)
    cards = sa.select(*card, *of_post).where(condition(posts))
    numbered = sa.select(*number, *of_post).join(posts, posts.c.id == numbers.c.post_id).where(condition(numbers))
    return sa.union_all(cards, numbered).subquery()


@dataclass(frozen=True, slots=True)
class Exposure:
    """A paper that a channel was shown at a time; with `glance`, only as a listed title."""

    paper_id: str
    at: datetime
    glance: bool


# Built once: building such a statement takes longer than running it.
_CHANNEL: sa.BindParameter[int] = sa.bindparam("channel")
_PAPERS: sa.BindParameter[Sequence[str]] = sa.bindparam("papers", expanding=True)
_ENTRIES = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.is_not(None)))
_ENTRIES_OF_PAPERS = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.in_(_PAPERS)))
_SEEN = (
    sa.select(_ENTRIES.c.paper_id, _ENTRIES.c.sent_at, _ENTRIES.c.glance)
    .where(_ENTRIES.c.state == PostState.SENT, _ENTRIES.c.sent_at.is_not(None))
    .order_by(_ENTRIES.c.sent_at, _ENTRIES.c.post_id, _ENTRIES.c.number)
)
_POSTED = sa.select(_ENTRIES.c.paper_id).where(_ENTRIES.c.state != PostState.DROPPED)
_POSTED_OF = sa.select(_ENTRIES_OF_PAPERS.c.paper_id).where(_ENTRIES_OF_PAPERS.c.state != PostState.DROPPED)
_DROPPED = (
    sa.select(papers.c.id)
    .join(_ENTRIES, _ENTRIES.c.paper_id == papers.c.id)
    .where(_ENTRIES.c.state == PostState.DROPPED, papers.c.listed_on >= sa.bindparam("since"), ~papers.c.withdrawn)
    .order_by(papers.c.listed_on.desc(), papers.c.id)
)


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Exposure]:
    """The papers that a channel has been shown, in their order."""
    rows = await tx.execute(_SEEN, {"channel": channel_id})
    return [Exposure(row.paper_id, row.sent_at, row.glance) for row in rows]


async def posted(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str] | None = None) -> set[str]:
    """The papers that a channel has had or will have: all, or those among the given ones."""
    query = _POSTED if paper_ids is None else _POSTED_OF
    return set((await tx.execute(query, {"channel": channel_id, "papers": paper_ids})).scalars())


async def known(tx: AsyncConnection, channel_id: int) -> set[str]:
    """The papers that a channel has had, will have, or taught: none of them is new there."""
    return await posted(tx, channel_id) | await votes.taught(tx, channel_id)


async def dropped(tx: AsyncConnection, channel_id: int, since: date) -> list[str]:
    """The papers that became news since a day and were planned for the channel but dropped, the newest first. Withdrawn
    papers are none of them."""
    return list((await tx.execute(_DROPPED, {"channel": channel_id, "since": since})).scalars())


def _seen_in_workspace() -> sa.Select[Any]:
    visible = visible_from(_CHANNEL)
    entry = entries(lambda table: sa.and_(table.c.channel_id.in_(visible), table.c.paper_id.in_(_PAPERS)))
    return (
        sa.select(entry.c.paper_id, channels.c.id, channels.c.name, entry.c.sent_at, entry.c.glance)
        .join(channels, channels.c.id == entry.c.channel_id)
        # With a condition on the state, SQLite would look through every post that was ever sent.
        .where(entry.c.sent_at.is_not(None))
        .order_by(entry.c.sent_at)
    )


_SEEN_IN_WORKSPACE = _seen_in_workspace()


async def seen_in_workspace(
    tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str]
) -> list[tuple[str, int, str, datetime, bool]]:
    """The posts of these papers in the channels that a channel may see, the earliest first: (paper id, channel id,
    channel name, time, whether only as a listed title)."""
    rows = await tx.execute(_SEEN_IN_WORKSPACE, {"channel": channel_id, "papers": paper_ids})
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


async def numbers_on(tx: AsyncConnection, post_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """The numbered papers on some posts: (post id, number) → paper id."""
    query = sa.select(numbers).where(numbers.c.post_id.in_(post_ids), numbers.c.paper_id.is_not(None))
    return {(row.post_id, row.number): row.paper_id for row in await tx.execute(query)}


async def by_number(tx: AsyncConnection, channel_id: int, post_id: int | None = None) -> dict[tuple[int, int], str]:
    """The numbered papers of a channel, on one post or on all: (post id, number) → paper id."""
    query = sa.select(numbers).where(numbers.c.channel_id == channel_id, numbers.c.paper_id.is_not(None))
    if post_id is not None:
        query = query.where(numbers.c.post_id == post_id)
    return {(row.post_id, row.number): row.paper_id for row in await tx.execute(query)}
