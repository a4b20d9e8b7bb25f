"""Votes of members on words instead of papers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.sets import by_channel, is_any
from bot.store.tables import corrections, insert_new


@dataclass(frozen=True, slots=True)
class WordVote:
    """A member's vote for more (`value` 1) or fewer (-1) papers with some words."""

    channel_id: int
    words: str
    member: str
    value: int
    at: datetime


async def put(tx: AsyncConnection, vote: WordVote) -> None:
    """Store a vote; it replaces an earlier one of the same member on the same words."""
    key = {"channel_id": vote.channel_id, "words": vote.words, "member": vote.member}
    new = await tx.execute(insert_new(tx, corrections).values(**key, value=vote.value, at=vote.at))
    if not new.rowcount:
        change = sa.update(corrections).where(*_is(vote.channel_id, vote.words, vote.member))
        await tx.execute(change.values(value=vote.value, at=vote.at))


async def remove(tx: AsyncConnection, channel_id: int, words: str, member: str) -> None:
    """Delete a member's vote on some words."""
    await tx.execute(sa.delete(corrections).where(*_is(channel_id, words, member)))


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[WordVote]:
    """Every vote on words in a channel, the oldest first."""
    return (await for_channels(tx, [channel_id]))[channel_id]


async def for_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, list[WordVote]]:
    """Every vote on words in each channel, the oldest first."""
    query = sa.select(corrections).where(is_any(tx, corrections.c.channel_id, channel_ids))
    rows = await tx.execute(query.order_by(corrections.c.at, corrections.c.words, corrections.c.member))
    return by_channel(channel_ids, rows, lambda row: WordVote(row.channel_id, row.words, row.member, row.value, row.at))


def _is(channel_id: int, words: str, member: str) -> tuple[sa.ColumnElement[bool], ...]:
    return corrections.c.channel_id == channel_id, corrections.c.words == words, corrections.c.member == member
