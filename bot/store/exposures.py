"""The papers that channels have been shown or will be shown, on a card or by number on a message of several papers.

Some of the numbered papers are picks, others only listed titles (see `posts.glance`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import votes
from bot.store.channels import is_public, visible_from
from bot.store.sets import is_any, rows_of
from bot.store.states import PostState
from bot.store.tables import channels, numbers, posts


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


@dataclass(frozen=True, slots=True)
class Exposures:
    """The papers that a channel has been `shown`, in their order; the ids of those that it has had or will have
    (`posted`), and of those that were planned for it but dropped."""

    shown: list[Exposure] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)


# Built once: building such a statement takes longer than running it.
_CHANNEL: sa.BindParameter[int] = sa.bindparam("channel")
_PAPERS: sa.BindParameter[Sequence[str]] = sa.bindparam("papers", expanding=True)
_ENTRIES = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.is_not(None)))
_ENTRIES_OF_PAPERS = entries(lambda table: sa.and_(table.c.channel_id == _CHANNEL, table.c.paper_id.in_(_PAPERS)))
_POSTED = sa.select(_ENTRIES.c.paper_id).where(_ENTRIES.c.state != PostState.DROPPED)
_POSTED_OF = sa.select(_ENTRIES_OF_PAPERS.c.paper_id).where(_ENTRIES_OF_PAPERS.c.state != PostState.DROPPED)


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Exposure]:
    """The papers that a channel has been shown, in their order."""
    return (await for_channels(tx, [channel_id]))[channel_id].shown


async def for_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, Exposures]:
    """The papers that each channel was or will be shown."""
    entry = entries(lambda table: sa.and_(is_any(tx, table.c.channel_id, channel_ids), table.c.paper_id.is_not(None)))
    query = sa.select(entry.c.channel_id, entry.c.paper_id, entry.c.state, entry.c.sent_at, entry.c.glance)
    exposures = {channel_id: Exposures() for channel_id in channel_ids}
    for channel_id, paper_id, state, sent_at, glance in await tx.execute(
        query.order_by(entry.c.sent_at, entry.c.post_id, entry.c.number)
    ):
        of_channel = exposures[channel_id]
        (of_channel.dropped if state == PostState.DROPPED else of_channel.posted).add(paper_id)
        if state == PostState.SENT and sent_at is not None:
            of_channel.shown.append(Exposure(paper_id, sent_at, glance))
    return exposures


async def posted(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str] | None = None) -> set[str]:
    """The papers that a channel has had or will have: all, or those among the given ones."""
    query = _POSTED if paper_ids is None else _POSTED_OF
    return set((await tx.execute(query, {"channel": channel_id, "papers": paper_ids})).scalars())


async def known(tx: AsyncConnection, channel_id: int) -> set[str]:
    """The papers that a channel has had, will have, or taught: none of them is new there."""
    return await posted(tx, channel_id) | await votes.taught(tx, channel_id)


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


async def shown_in_public(
    tx: AsyncConnection, wanted: Iterable[tuple[str, str, str]]
) -> list[tuple[str, str, str, int, str, bool]]:
    """The posts of papers in the public channels of workspaces, given as (platform, workspace, paper id), the earliest
    first: (platform, workspace, paper id, channel id, channel name, whether only as a listed title)."""
    given = rows_of(tx, wanted, platform=str, workspace=str, paper_id=str)
    of_workspace = channels.c.platform == given.c.platform, channels.c.workspace == given.c.workspace
    of_sent = posts.c.glance, posts.c.sent_at, posts.c.id
    found = []
    for table in (posts, numbers):
        of_post = posts if table is posts else numbers.join(posts, posts.c.id == numbers.c.post_id)
        found.append(
            sa.select(given, channels.c.id.label("channel"), channels.c.name, *of_sent)
            .select_from(given)
            .join(channels, sa.and_(*of_workspace, is_public(channels)))
            .join(of_post, sa.and_(table.c.channel_id == channels.c.id, table.c.paper_id == given.c.paper_id))
            .where(posts.c.sent_at.is_not(None))
        )
    shown = sa.union_all(*found).subquery()
    rows = await tx.execute(sa.select(shown).order_by(shown.c.sent_at, shown.c.channel, shown.c.id))
    return [tuple(row)[:6] for row in rows]


async def among(tx: AsyncConnection, wanted: Iterable[tuple[int, str]]) -> dict[int, dict[str, bool]]:
    """Which of the papers, given as (channel id, paper id), are on the channel's posts or in their numbers, by channel:
    whether each was dropped."""
    given = rows_of(tx, wanted, channel_id=int, paper_id=str)
    found: dict[int, dict[str, bool]] = {}
    for table in (posts, numbers):
        is_given = table.c.channel_id == given.c.channel_id, table.c.paper_id == given.c.paper_id
        query = sa.select(table.c.channel_id, table.c.paper_id, posts.c.state).join(given, sa.and_(*is_given))
        if table is numbers:
            query = query.join(posts, posts.c.id == numbers.c.post_id)
        for channel_id, paper_id, state in await tx.execute(query):
            papers = found.setdefault(channel_id, {})
            papers[paper_id] = papers.get(paper_id, True) and state == PostState.DROPPED
    return found


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
