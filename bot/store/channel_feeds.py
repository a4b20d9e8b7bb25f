"""Feeds that managers added for one channel. Their papers are private papers of that channel (see `contributions`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import contributions
from bot.store.channels import visible_from
from bot.store.sets import is_any
from bot.store.tables import channel_feeds, insert_new, numbers, posts, saved, source_runs, votes
from bot.store.tables import contributions as given

_GIVER = "feed "
"""The beginning of the names of feeds. No platform's member ids have a space."""


@dataclass(frozen=True, slots=True)
class ChannelFeed:
    """A feed of a channel. The address may hold a secret, so only the name is shown."""

    channel_id: int
    name: str
    url: str
    created_at: datetime

    @property
    def run_name(self) -> str:
        """The name under which its runs are stored: another channel may have the same feed."""
        return f"channel {self.channel_id} {self.name}"


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[ChannelFeed]:
    """The feeds of a channel, the oldest first."""
    return [feed for feed in await list_all(tx) if feed.channel_id == channel_id]


async def list_all(tx: AsyncConnection) -> list[ChannelFeed]:
    """The feeds of all channels."""
    table = channel_feeds
    rows = await tx.execute(sa.select(table).order_by(table.c.channel_id, table.c.created_at, table.c.name))
    return [ChannelFeed(row.channel_id, row.name, row.url, row.created_at) for row in rows]


async def add(tx: AsyncConnection, feed: ChannelFeed) -> bool:
    """Add a feed to its channel; False if the channel has it already."""
    row = {"channel_id": feed.channel_id, "name": feed.name, "url": feed.url, "created_at": feed.created_at}
    return bool((await tx.execute(insert_new(tx, channel_feeds).values(row))).rowcount)


async def drop(tx: AsyncConnection, feed: ChannelFeed) -> None:
    """Remove a feed from its channel, with its runs, and with its papers that nobody voted on, saved or was shown."""
    is_feed = channel_feeds.c.channel_id == feed.channel_id, channel_feeds.c.name == feed.name
    await tx.execute(sa.delete(channel_feeds).where(*is_feed))
    await tx.execute(sa.delete(source_runs).where(source_runs.c.source == feed.run_name))
    await _forget_papers(tx, feed, sa.true())


async def forget_old(tx: AsyncConnection, feed: ChannelFeed, before: datetime, listed_ids: Collection[str]) -> None:
    """Delete the feed's papers that came before a moment and that it lists no more, unless somebody voted on them,
    saved them or was shown them."""
    await _forget_papers(tx, feed, sa.and_(given.c.at < before, given.c.paper_id.not_in(list(listed_ids))))


async def came_after(tx: AsyncConnection, channel_id: int, after: datetime, *, visible: bool = False) -> list[str]:
    """The ids of the papers that the channel's feeds brought after a moment, the newest first. With `visible`, also
    those that the feeds of other channels brought and that this channel may see."""
    in_channel = given.c.channel_id.in_(visible_from(channel_id)) if visible else given.c.channel_id == channel_id
    rows = await tx.execute(
        sa.select(given.c.paper_id)
        .where(in_channel, given.c.member.startswith(_GIVER), given.c.at > after)
        .order_by(given.c.at.desc(), given.c.paper_id)
    )
    return list(dict.fromkeys(rows.scalars()))


async def came_after_each(tx: AsyncConnection, starts: Mapping[int, datetime]) -> dict[int, list[str]]:
    """The ids of the papers that the own feeds of each channel brought after its moment, the newest first. Channels to
    which they brought nothing are left out."""
    if not starts:
        return {}
    rows = await tx.execute(
        sa.select(given.c.channel_id, given.c.paper_id, given.c.at)
        .where(is_any(tx, given.c.channel_id, starts), given.c.member.startswith(_GIVER))
        .where(given.c.at > min(starts.values()))
        .order_by(given.c.at.desc(), given.c.paper_id)
    )
    brought: dict[int, dict[str, None]] = {}
    for row in rows:
        if row.at > starts[row.channel_id]:
            brought.setdefault(row.channel_id, {})[row.paper_id] = None
    return {channel_id: list(paper_ids) for channel_id, paper_ids in brought.items()}


async def _forget_papers(tx: AsyncConnection, feed: ChannelFeed, which: sa.ColumnElement[bool]) -> None:
    in_use = [sa.exists().where(table.c.paper_id == given.c.paper_id) for table in (votes, saved, posts, numbers)]
    is_given = given.c.channel_id == feed.channel_id, given.c.member == feed.name
    await tx.execute(sa.delete(given).where(*is_given, which, ~sa.or_(*in_use)))
    await contributions.delete_orphans(tx)
