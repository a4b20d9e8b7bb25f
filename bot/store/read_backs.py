"""When the reactions in each channel are read back from its platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.channels import Channel, channel_of
from bot.store.states import ChannelState
from bot.store.tables import channels


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A channel whose reactions are to be read back. `missed_at` is set if events may be missing."""

    channel: Channel
    missed_at: datetime | None


async def any_due(tx: AsyncConnection, platform: str, now: datetime) -> bool:
    """Whether any channel of a platform is due."""
    is_due = channels.c.platform == platform, channels.c.read_back_at <= now
    return bool((await tx.execute(sa.select(sa.exists().where(*is_due)))).scalar_one())


async def claim(tx: AsyncConnection, platform: str, now: datetime, until: datetime, limit: int) -> list[ReadBack]:
    """The channels of a platform that have been due for longest. They are due again at `until` if this process dies
    meanwhile. No other process gets the same ones, and lost channels are left to the next time."""
    query = (
        sa.select(channels)
        .where(channels.c.platform == platform, channels.c.read_back_at <= now)
        .order_by(channels.c.read_back_at, channels.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await tx.execute(query)).all()
    if not rows:
        return []
    claimed = sa.update(channels).where(channels.c.id.in_([row.id for row in rows]))
    await tx.execute(claimed.values(read_back_at=until))
    return [ReadBack(channel_of(row), row.missed_at) for row in rows if row.state != ChannelState.LOST]


async def done(tx: AsyncConnection, read_back: ReadBack, next_at: datetime) -> None:
    """Record that a channel's reactions were read back, unless a request came meanwhile."""
    column = channels.c.missed_at
    is_unchanged = channels.c.id == read_back.channel.id, column.is_not_distinct_from(read_back.missed_at)
    await tx.execute(sa.update(channels).where(*is_unchanged).values(read_back_at=next_at, missed_at=None))


async def request(tx: AsyncConnection, platform: str, workspaces: Collection[str], now: datetime) -> None:
    """Have the reactions in some workspaces read back, since events may be missing."""
    of_workspaces = channels.c.platform == platform, channels.c.workspace.in_(workspaces)
    await tx.execute(sa.update(channels).where(*of_workspaces).values(read_back_at=now, missed_at=now))


async def request_of_channel(tx: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Have the reactions in one channel read back, since events may be missing."""
    await tx.execute(sa.update(channels).where(channels.c.id == channel_id).values(read_back_at=now, missed_at=now))
