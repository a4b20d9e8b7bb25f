"""What channels have been shown, or will be: papers with a card of their own, and papers on a message by number.

Of the latter some are picks, and some only titles for a glance (see `posts.glance`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.states import PostState
from bot.store.tables import channels, numbers, papers, posts


def entries(*, channel_ids: sa.Select[Any] | None = None, paper_ids: Sequence[str] | None = None) -> sa.Subquery:
    """Every paper on every post, or some of them, with the post's state; a card has the number 0."""

    def meant(table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
        # Said of each table by itself, so that each is looked up in its own index.
        yield table.c.paper_id.is_not(None)
        if channel_ids is not None:
            yield table.c.channel_id.in_(channel_ids)
        if paper_ids is not None:
            yield table.c.paper_id.in_(paper_ids)

    of_post = (posts.c.state, posts.c.sent_at, posts.c.glance)
    card = (posts.c.id.label("post_id"), sa.literal(0).label("number"), posts.c.channel_id, posts.c.paper_id)
    number = (numbers.c.post_id, numbers.c.number, numbers.c.channel_id, numbers.c.paper_id)
    cards = sa.select(*card, *of_post).where(*meant(posts))
    numbered = sa.select(*number, *of_post).join(posts, posts.c.id == numbers.c.post_id).where(*meant(numbers))
    return sa.union_all(cards, numbered).subquery()


@dataclass(frozen=True, slots=True)
class Exposure:
    """A paper that a channel has been shown, when, and whether as a title for a glance only."""

    paper_id: str
    at: datetime
    glance: bool


async def of_channel(tx: AsyncConnection, channel_id: int) -> list[Exposure]:
    """The papers that a channel has been shown, in their order."""
    one = entries()
    rows = await tx.execute(
        sa.select(one.c.paper_id, one.c.sent_at, one.c.glance)
        .where(one.c.channel_id == channel_id, one.c.state == PostState.SENT, one.c.sent_at.is_not(None))
        .order_by(one.c.sent_at, one.c.post_id, one.c.number)
    )
    return [Exposure(row.paper_id, row.sent_at, row.glance) for row in rows]


async def posted(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str] | None = None) -> set[str]:
    """Papers that the channel has had, or will have; of those named, or all."""
    one = entries()
    query = sa.select(one.c.paper_id).where(one.c.channel_id == channel_id, one.c.state != PostState.DROPPED)
    if paper_ids is not None:
        query = query.where(one.c.paper_id.in_(paper_ids))
    return set((await tx.execute(query)).scalars())


async def dropped(tx: AsyncConnection, channel_id: int, since: date) -> list[str]:
    """Papers that the channel was to have but never got, of those that became news since that day; newest first."""
    one = entries()
    rows = await tx.execute(
        sa.select(papers.c.id)
        .join(one, one.c.paper_id == papers.c.id)
        .where(one.c.channel_id == channel_id, one.c.state == PostState.DROPPED, papers.c.listed_on >= since)
        .order_by(papers.c.listed_on.desc(), papers.c.id)
    )
    return list(rows.scalars())


async def seen_in_workspace(
    tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str]
) -> list[tuple[str, int, str, datetime, bool]]:
    """Where the team has had these papers, the earliest first: (paper id, channel id, channel name, when, whether for a
    glance only).

    The name of another channel that is private is "": it is nobody's business.
    """
    hidden = sa.and_(channels.c.private, channels.c.id != channel_id)
    mine, same = channels.alias(), channels.alias()
    theirs = (
        sa.select(same.c.id)
        .join(mine, sa.and_(mine.c.platform == same.c.platform, mine.c.workspace == same.c.workspace))
        .where(mine.c.id == channel_id, sa.or_(same.c.kind == "channel", same.c.id == channel_id))
    )
    one = entries(channel_ids=theirs, paper_ids=paper_ids)
    rows = await tx.execute(
        sa.select(
            one.c.paper_id,
            channels.c.id,
            sa.case((hidden, ""), else_=channels.c.name),
            one.c.sent_at,
            one.c.glance,
        )
        .join(channels, channels.c.id == one.c.channel_id)
        .where(one.c.state == PostState.SENT)
        .order_by(one.c.sent_at)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


async def numbered(tx: AsyncConnection, channel_id: int, post_id: int | None = None) -> dict[tuple[int, int], str]:
    """The papers that stand in a channel by number, on one post or on all: (post id, number) → paper id."""
    query = sa.select(numbers).where(numbers.c.channel_id == channel_id, numbers.c.paper_id.is_not(None))
    if post_id is not None:
        query = query.where(numbers.c.post_id == post_id)
    return {(row.post_id, row.number): row.paper_id for row in await tx.execute(query)}
