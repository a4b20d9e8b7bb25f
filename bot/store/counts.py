"""Counts of what waits and what there is, for metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.states import ChannelState, InboxState, PostState
from bot.store.tables import channels, inbox, posts

WAITING = (PostState.PLANNED, PostState.SENDING, PostState.UNCERTAIN)
"""The states of a post that has not come to an end."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the store. `due_since` is the hour of the digest that waits longest, None if none is due."""

    due: int
    due_since: datetime | None
    posts: dict[str, int]
    events: int


async def waiting(tx: AsyncConnection, now: datetime) -> Waiting:
    """The digests that are due, the posts that have not come to an end, and the events that are not processed."""
    is_due = channels.c.state == ChannelState.ACTIVE, channels.c.next_due_at <= now
    due = (await tx.execute(sa.select(sa.func.count(), sa.func.min(channels.c.next_due_at)).where(*is_due))).one()
    by_state = await tx.execute(
        sa.select(posts.c.state, sa.func.count()).where(posts.c.state.in_(WAITING)).group_by(posts.c.state)
    )
    events = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.state == InboxState.RECEIVED)
    return Waiting(
        int(due[0]), due[1], {row[0]: int(row[1]) for row in by_state}, int((await tx.execute(events)).scalar_one())
    )


async def channels_by_state(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """The number of channels of each platform in each state."""
    columns = channels.c.platform, channels.c.state
    rows = await tx.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
    return {(row[0], row[1]): int(row[2]) for row in rows}
