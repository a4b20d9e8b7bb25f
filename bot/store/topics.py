"""Topics: the queries that channels follow or mute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.sets import by_channel, is_any
from bot.store.tables import insert_new, topics


@dataclass(frozen=True, slots=True)
class Topic:
    """A query that a channel follows. The matches of a `muted` one are ranked lower; with `alert` they are posted at
    once."""

    id: int
    channel_id: int
    query: str
    muted: bool
    alert: bool
    member: str
    created_at: datetime

    @property
    def line(self) -> str:
        """The topic in the recommender's form: the query, with a minus in front if it is muted."""
        return f"-{self.query}" if self.muted else self.query


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[Topic]:
    """The channel's topics, the oldest first."""
    return (await for_channels(tx, [channel_id]))[channel_id]


async def for_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, list[Topic]]:
    """The topics of each channel, the oldest first."""
    query = sa.select(topics).where(is_any(tx, topics.c.channel_id, channel_ids)).order_by(topics.c.id)
    return by_channel(channel_ids, await tx.execute(query), _topic)


async def alerting(tx: AsyncConnection) -> list[Topic]:
    """Every topic whose matches are posted as soon as they are listed."""
    rows = await tx.execute(sa.select(topics).where(topics.c.alert, ~topics.c.muted).order_by(topics.c.id))
    return [_topic(row) for row in rows]


async def put(
    tx: AsyncConnection, channel_id: int, query: str, *, muted: bool, alert: bool, member: str, now: datetime
) -> bool:
    """Add a topic, or change the existing one with this query; True when it is new."""
    new = await tx.execute(
        insert_new(tx, topics).values(
            channel_id=channel_id, query=query, muted=muted, alert=alert, member=member, created_at=now
        )
    )
    if not new.rowcount:
        where = (topics.c.channel_id == channel_id, topics.c.query == query)
        await tx.execute(sa.update(topics).where(*where).values(muted=muted, alert=alert))
    return bool(new.rowcount)


async def remove(tx: AsyncConnection, channel_id: int, query: str) -> bool:
    """Delete a topic; False when there was none."""
    result = await tx.execute(sa.delete(topics).where(topics.c.channel_id == channel_id, topics.c.query == query))
    return bool(result.rowcount)


def _topic(row: Any) -> Topic:
    return Topic(row.id, row.channel_id, row.query, row.muted, row.alert, row.member, row.created_at)
