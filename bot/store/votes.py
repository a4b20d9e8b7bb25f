"""Votes: the last state of each emoji of each member on each paper."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import SUPER_REACTION_SUFFIX
from bot.store import channels
from bot.store.sets import by_channel, is_any, rows_of
from bot.store.tables import channels as channel_rows
from bot.store.tables import insert_new, numbers, papers, posts, votes


class VoteSignal(StrEnum):
    """How a vote was given that is no emoji. The names are stored; no emoji has such a name."""

    MORE = "said:more"  # by button, or by the command that does the same
    LESS = "said:less"
    TAUGHT = "said:taught"  # a manager named the paper as one that the channel loves
    NUMBER = "said:number"  # by the paper's number on a message of several papers
    SUPER_NUMBER = f"said:number{SUPER_REACTION_SUFFIX}"  # the same, as a super reaction of Discord


@dataclass(frozen=True, slots=True)
class Vote:
    """An emoji of a member on a paper, standing (`on`) or taken back. `signal` is the emoji or a `VoteSignal`; `at` is
    the platform's time."""

    channel_id: int
    paper_id: str
    member: str
    signal: str
    on: bool
    at: datetime


# Built once: building this statement, which every reaction needs, takes longer than running it.
_OF_PAPERS = (
    sa.select(votes)
    .where(
        votes.c.channel_id == sa.bindparam("channel"),
        votes.c.paper_id.in_(sa.bindparam("papers", expanding=True)),
        votes.c.on,
    )
    .order_by(votes.c.at, votes.c.paper_id, votes.c.member, votes.c.signal)
)


async def put(tx: AsyncConnection, vote: Vote) -> bool:
    """Store a vote; True when anything changed. The later vote wins, in whatever order they arrive.

    If two votes have the same time, the one that arrives last wins.
    """
    new = await tx.execute(insert_new(tx, votes), _row(vote))
    if new.rowcount:
        return vote.on
    key = (
        votes.c.channel_id == vote.channel_id,
        votes.c.paper_id == vote.paper_id,
        votes.c.member == vote.member,
        votes.c.signal == vote.signal,
    )
    stored = (await tx.execute(sa.select(votes.c.on, votes.c.at).where(*key).with_for_update())).one()
    if vote.at < stored.at:
        return False
    await tx.execute(sa.update(votes).where(*key).values(on=vote.on, at=vote.at))
    return bool(stored.on) != vote.on


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Vote]:
    """Every standing vote of a channel, the oldest first."""
    return (await for_channels(tx, [channel_id]))[channel_id]


async def for_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, list[Vote]]:
    """The standing votes of each channel, the oldest first."""
    query = sa.select(votes).where(is_any(tx, votes.c.channel_id, channel_ids), votes.c.on)
    rows = await tx.execute(query.order_by(votes.c.at, votes.c.paper_id, votes.c.member, votes.c.signal))
    return by_channel(channel_ids, rows, _vote)


async def taught(tx: AsyncConnection, channel_id: int) -> set[str]:
    """The ids of the papers that were taught in a channel, and not taken back."""
    is_taught = votes.c.channel_id == channel_id, votes.c.signal == VoteSignal.TAUGHT, votes.c.on
    return set((await tx.execute(sa.select(votes.c.paper_id).where(*is_taught))).scalars())


async def for_paper(tx: AsyncConnection, channel_id: int, paper_id: str) -> list[Vote]:
    """The standing votes on one paper in one channel."""
    return (await for_papers(tx, channel_id, [paper_id])).get(paper_id, [])


async def for_papers(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str]) -> dict[str, list[Vote]]:
    """The standing votes on each of some papers in one channel."""
    votes_by_paper: dict[str, list[Vote]] = {}
    for row in await tx.execute(_OF_PAPERS, {"channel": channel_id, "papers": list(paper_ids)}):
        votes_by_paper.setdefault(row.paper_id, []).append(_vote(row))
    return votes_by_paper


async def since(tx: AsyncConnection, signals: Sequence[str], at: datetime) -> list[tuple[int, str]]:
    """The (channel id, paper id) of the votes with one of these signals that changed since a time, standing or not, on
    papers that have a message in the channel."""
    has_post = [
        sa.exists().where(table.c.channel_id == votes.c.channel_id, table.c.paper_id == votes.c.paper_id)
        for table in (posts, numbers)
    ]
    query = sa.select(votes.c.channel_id, votes.c.paper_id).distinct().where(sa.or_(*has_post))
    rows = await tx.execute(query.where(votes.c.signal.in_(signals), votes.c.at >= at))
    return sorted((row[0], row[1]) for row in rows)


async def for_member(
    tx: AsyncConnection, platform: str, workspace: str | None, member: str, signals: Sequence[str]
) -> list[tuple[int, str]]:
    """The (channel id, paper id) of a member's standing votes with one of these signals; without a workspace, of the
    member with this id in all of them."""
    query = sa.select(votes.c.channel_id, votes.c.paper_id).distinct().join(channel_rows)
    query = query.where(channel_rows.c.platform == platform, votes.c.member == member, votes.c.signal.in_(signals))
    if workspace is not None:
        query = query.where(channel_rows.c.workspace == workspace)
    return sorted((row[0], row[1]) for row in await tx.execute(query.where(votes.c.on)))


async def by_member(tx: AsyncConnection, channel_id: int, member: str) -> list[Vote]:
    """A member's votes in a channel, the latest first: the standing ones, and those that were taken back."""
    rows = await tx.execute(
        sa.select(votes)
        .where(votes.c.channel_id == channel_id, votes.c.member == member)
        .order_by(votes.c.at.desc(), votes.c.paper_id, votes.c.signal)
    )
    return [_vote(row) for row in rows]


async def on_papers_in(tx: AsyncConnection, wanted: Iterable[tuple[int, str]]) -> list[Vote]:
    """The standing votes on papers in channels, given as (channel id, paper id)."""
    given = rows_of(tx, wanted, channel_id=int, paper_id=str)
    is_given = votes.c.channel_id == given.c.channel_id, votes.c.paper_id == given.c.paper_id
    return [_vote(row) for row in await tx.execute(sa.select(votes).join(given, sa.and_(*is_given)).where(votes.c.on))]


async def visible_from(tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str]) -> list[Vote]:
    """The standing votes on these papers in the channels that a channel may see: itself, and the public channels of its
    workspace."""
    rows = await tx.execute(
        sa.select(votes).where(
            votes.c.paper_id.in_(paper_ids), votes.c.on, votes.c.channel_id.in_(channels.visible_from(channel_id))
        )
    )
    return [_vote(row) for row in rows]


async def visible_on_news(tx: AsyncConnection, channel_id: int, since: date, until: date) -> list[Vote]:
    """The standing votes, in the channels that a channel may see, on the papers that became news in these days."""
    rows = await tx.execute(
        sa.select(votes)
        .join(papers, papers.c.id == votes.c.paper_id)
        .where(
            papers.c.listed_on.between(since, until),
            votes.c.on,
            votes.c.channel_id.in_(channels.visible_from(channel_id)),
        )
    )
    return [_vote(row) for row in rows]


async def from_neighbours(
    tx: AsyncConnection, readers: Collection[channels.Channel], limit: int
) -> dict[int, list[Vote]]:
    """The latest standing votes in the other public channels of each reader's workspace, by the reader's channel id.
    Each member's latest vote comes before any member's second one, and so on: a member with many votes fills only the
    places that others leave."""
    if tx.dialect.name == "sqlite":
        return {
            reader.id: [_vote(row) for row in await tx.execute(_of_others(*_address(reader)).limit(limit))]
            for reader in readers
        }
    given = rows_of(tx, map(_address, readers), reader=int, in_platform=str, in_workspace=str)
    latest = _of_others(given.c.reader, given.c.in_platform, given.c.in_workspace).limit(limit).lateral()
    votes_of_others: dict[int, list[Vote]] = {reader.id: [] for reader in readers}
    for row in await tx.execute(sa.select(given.c.reader, latest).join(latest, sa.true())):
        votes_of_others[row.reader].append(_vote(row))
    return votes_of_others


def _address(channel: channels.Channel) -> tuple[int, str, str]:
    return channel.id, channel.place.platform, channel.place.workspace


def _of_others(reader: Any, platform: Any, workspace: Any) -> sa.Select[Any]:
    in_workspace = channel_rows.c.platform == platform, channel_rows.c.workspace == workspace
    latest_first = (votes.c.at.desc(), votes.c.channel_id, votes.c.paper_id, votes.c.member, votes.c.signal)
    nth_of_member = sa.func.row_number().over(partition_by=votes.c.member, order_by=latest_first)
    return (
        sa.select(votes)
        .join(channel_rows, channel_rows.c.id == votes.c.channel_id)
        .where(*in_workspace, channels.is_public(channel_rows), votes.c.on, votes.c.channel_id != reader)
        .order_by(nth_of_member, *latest_first)
    )


def _row(vote: Vote) -> dict[str, Any]:
    return {
        "channel_id": vote.channel_id,
        "paper_id": vote.paper_id,
        "member": vote.member,
        "signal": vote.signal,
        "on": vote.on,
        "at": vote.at,
    }


def _vote(row: Any) -> Vote:
    return Vote(row.channel_id, row.paper_id, row.member, row.signal, row.on, row.at)
