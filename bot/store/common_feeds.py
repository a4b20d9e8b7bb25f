"""Feeds that operators added in chat for all channels. They are sources like those of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import common_feeds, insert_new, source_runs


@dataclass(frozen=True, slots=True)
class CommonFeed:
    """A feed for all channels. The address may hold a secret, so only the name is shown; it is also its runs'."""

    name: str
    url: str
    created_at: datetime


async def list_all(tx: AsyncConnection) -> list[CommonFeed]:
    """The feeds for all channels, the oldest first."""
    rows = await tx.execute(sa.select(common_feeds).order_by(common_feeds.c.created_at, common_feeds.c.name))
    return [CommonFeed(row.name, row.url, row.created_at) for row in rows]


async def add(tx: AsyncConnection, feed: CommonFeed) -> bool:
    """Add a feed; False if it is there already."""
    row = {"name": feed.name, "url": feed.url, "created_at": feed.created_at}
    return bool((await tx.execute(insert_new(tx, common_feeds).values(row))).rowcount)


async def drop(tx: AsyncConnection, name: str) -> bool:
    """Remove a feed with its runs; False if there is none. Its papers stay, as those of any source."""
    removed = await tx.execute(sa.delete(common_feeds).where(common_feeds.c.name == name))
    await tx.execute(sa.delete(source_runs).where(source_runs.c.source == name))
    return bool(removed.rowcount)
