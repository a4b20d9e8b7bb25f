"""The papers that channels have been shown or will be: on a card of their own, or by number on a message of several.

Some of the numbered papers are picks, others only listed titles (see `posts.glance`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.channels import visible_from
from bot.store.states import PostState
from bot.store.tables import channels, numbers, papers, posts


def entries(of: Callable[[sa.Table], sa.ColumnElement[bool]]) -> sa.Subquery:
    """The papers on posts, with the post's state; a card has the number 0. `of` makes the condition for each of the two
    tables, so that each is looked up in its own index."""
    of_post = (posts.c.state, posts.c.sent_at, posts.c.glance)
    card = (posts.c.id.label("post_id"), sa.literal(0).label("number"), posts.c.channel_id, posts.c.paper_id)
    number = (numbers.c.post_id, numbers.c.number, numbers.c.channel_id, numbers.c.paper_id)
    cards = sa.select(*card, *of_post).where(of(posts))
    numbered = sa.select(*number, *of_post).join(posts, posts.c.id == numbers.c.post_id).where(of(numbers))
    return sa.union_all(cards, numbered).subquery()


@dataclass(frozen=True, slots=True)
class Exposure:
    """A paper that a channel has been shown, when, and whether only as a listed title."""

    paper_id: str
    at: datetime
    glance: bool


# Built once: building such a statement takes longer than running it.
_CHANNEL: sa.BindParameter[int] = sa.bindparam("channel")
_PAPERS: sa.BindParameter[Sequence[str]] = sa.bindparam("papers", expanding=True)
_HERE = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.is_not(None)))
_HERE_OF = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.in_(_PAPERS)))
_SEEN_HERE = (
    sa.select(_HERE.c.paper_id, _HERE.c.sent_at, _HERE.c.glance)
    .where(_HERE.c.state == PostState.SENT, _HERE.c.sent_at.is_not(None))
    .order_by(_HERE.c.sent_at, _HERE.c.post_id, _HERE.c.number)
)
_POSTED = sa.select(_HERE.c.paper_id).where(_HERE.c.state != PostState.DROPPED)
_POSTED_OF = sa.select(_HERE_OF.c.paper_id).where(_HERE_OF.c.state != PostState.DROPPED)
_DROPPED = (
    sa.select(papers.c.id)
    .join(_HERE, _HERE.c.paper_id == papers.c.id)
    .where(_HERE.c.state == PostState.DROPPED, papers.c.listed_on >= sa.bindparam("since"))
    .order_by(papers.c.listed_on.desc(), papers.c.id)
)


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Exposure]:
    """The papers that a channel has been shown, in their order."""
    rows = await tx.execute(_SEEN_HERE, {"channel": channel_id})
    return [Exposure(row.paper_id, row.sent_at, row.glance) for row in rows]


async def posted(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str] | None = None) -> set[str]:
    """Papers that the channel has had, or will have; of those named, or all."""
    query = _POSTED if paper_ids is None else _POSTED_OF
    return set((await tx.execute(query, {"channel": channel_id, "papers": paper_ids})).scalars())


async def dropped(tx: AsyncConnection, channel_id: int, since: date) -> list[str]:
    """Papers that the channel was to have but never got, of those that became news since that day; newest first."""
    return list((await tx.execute(_DROPPED, {"channel": channel_id, "since": since})).scalars())


def _seen_in_workspace() -> sa.Select[Any]:
    theirs = visible_from(_CHANNEL)
    one = entries(lambda table: sa.and_(table.c.channel_id.in_(theirs), table.c.paper_id.in_(_PAPERS)))
    return (
        sa.select(one.c.paper_id, channels.c.id, channels.c.name, one.c.sent_at, one.c.glance)
        .join(channels, channels.c.id == one.c.channel_id)
        # Asked for its state, SQLite would look through every post that was ever sent.
        .where(one.c.sent_at.is_not(None))
        .order_by(one.c.sent_at)
    )


_SEEN_IN_WORKSPACE = _seen_in_workspace()


async def seen_in_workspace(
    tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str]
) -> list[tuple[str, int, str, datetime, bool]]:
    """Where the team has had these papers, the earliest first: (paper id, channel id, channel name, when, whether for a
    glance only). Of other channels only the public ones are told of.
    """
    rows = await tx.execute(_SEEN_IN_WORKSPACE, {"channel": channel_id, "papers": paper_ids})
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


async def by_number(tx: AsyncConnection, channel_id: int, post_id: int | None = None) -> dict[tuple[int, int], str]:
    """The papers that stand in a channel by number, on one post or on all: (post id, number) → paper id."""
    query = sa.select(numbers).where(numbers.c.channel_id == channel_id, numbers.c.paper_id.is_not(None))
    if post_id is not None:
        query = query.where(numbers.c.post_id == post_id)
    return {(row.post_id, row.number): row.paper_id for row in await tx.execute(query)}
