"""Counts of what waits and what there is, for metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import BOT
from bot.store.states import ChannelState, DeliveryKind, InboxState, PostState
from bot.store.tables import channels, deliveries, inbox, posts, votes

WAITING = (PostState.PLANNED, PostState.SENDING, PostState.UNCERTAIN)
"""The states of a post that has not come to an end."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the store. `due` is the number of digests that are due and not planned. `due_since` is the hour of
    the digest that waits longest, to be planned or for a post to be sent; None if none waits."""

    due: int
    due_since: datetime | None
    posts: dict[str, int]
    events: int


async def waiting(tx: AsyncConnection, now: datetime) -> Waiting:
    """The digests that are due, the posts that have not come to an end, and the events that are not processed."""
    is_due = channels.c.state == ChannelState.ACTIVE, channels.c.next_due_at <= now
    due = (await tx.execute(sa.select(sa.func.count(), sa.func.min(channels.c.next_due_at)).where(*is_due))).one()
    unsent = (
        sa.select(sa.func.min(deliveries.c.due_at))
        .join(posts, posts.c.delivery_id == deliveries.c.id)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .where(posts.c.state.in_(WAITING), deliveries.c.kind == DeliveryKind.DIGEST)
        .where(channels.c.state == ChannelState.ACTIVE)
    )
    since = [at for at in (due[1], (await tx.execute(unsent)).scalar_one()) if at]
    by_state = await tx.execute(
        sa.select(posts.c.state, sa.func.count()).where(posts.c.state.in_(WAITING)).group_by(posts.c.state)
    )
    events = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.state == InboxState.RECEIVED)
    return Waiting(
        int(due[0]),
        min(since, default=None),
        {row[0]: int(row[1]) for row in by_state},
        int((await tx.execute(events)).scalar_one()),
    )


@dataclass(frozen=True, slots=True)
class Failures:
    """What was given up since a moment: posts, with the reason of the last one, and events that were not recorded."""

    posts: int
    reason: str
    events: int


async def failures(tx: AsyncConnection, since: datetime) -> Failures:
    """The posts and events that were given up since a moment."""
    is_failed = posts.c.state == PostState.FAILED, posts.c.planned_at >= since
    number = (await tx.execute(sa.select(sa.func.count()).where(*is_failed))).scalar_one()
    last = sa.select(posts.c.reason).where(*is_failed).order_by(posts.c.id.desc()).limit(1)
    reason = (await tx.execute(last)).scalar_one_or_none() or ""
    is_lost = inbox.c.state == InboxState.FAILED, inbox.c.received_at >= since
    events = (await tx.execute(sa.select(sa.func.count()).select_from(inbox).where(*is_lost))).scalar_one()
    return Failures(int(number), reason, int(events))


async def voting(tx: AsyncConnection, since: datetime) -> tuple[int, int]:
    """How many active channels have got papers since a moment and for longer, and in how many of them anybody has voted
    since then."""
    of_channel = posts.c.channel_id == channels.c.id
    have_papers = (
        channels.c.state == ChannelState.ACTIVE,
        sa.exists().where(of_channel, posts.c.state == PostState.SENT, posts.c.sent_at >= since),
        sa.exists().where(of_channel, posts.c.state == PostState.SENT, posts.c.sent_at < since),
    )
    have_voted = sa.exists().where(votes.c.channel_id == channels.c.id, votes.c.at >= since)
    number = sa.select(sa.func.count()).select_from(channels).where(*have_papers)
    shown = (await tx.execute(number)).scalar_one()
    return int(shown), int((await tx.execute(number.where(have_voted))).scalar_one())


async def connections(tx: AsyncConnection) -> tuple[int, int]:
    """How many connections PostgreSQL has open now, and how many it admits for programs like this one."""
    row = await tx.execute(
        sa.text(
            "select (select count(*) from pg_stat_activity where backend_type = 'client backend') as open,"
            " cast(current_setting('max_connections') as integer)"
            " - cast(current_setting('superuser_reserved_connections') as integer) as admitted"
        )
    )
    numbers = row.one()
    return int(numbers.open), int(numbers.admitted)


async def bots(tx: AsyncConnection) -> int:
    """How many serving processes are connected to this PostgreSQL database."""
    names = sa.text(
        "select count(distinct application_name) from pg_stat_activity"
        " where datname = current_database() and application_name like :name"
    )
    return int((await tx.execute(names, {"name": f"{BOT} %"})).scalar_one())


async def channels_by_state(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """The number of channels of each platform in each state."""
    columns = channels.c.platform, channels.c.state
    rows = await tx.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
    return {(row[0], row[1]): int(row[2]) for row in rows}
