"""Subscriptions by mail. Addresses are encrypted, and are not decrypted here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.subscriptions import Content
from bot.store import forgotten
from bot.store.sets import is_any
from bot.store.tables import channels, insert_new, subscriptions


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A row of the table. `subject` is a query, the hash of a channel's link, or "". `paused` says why no more mails
    are sent, "" while they are."""

    channel_id: int
    address: str
    address_hash: str
    content: Content
    subject: str
    platform: str
    workspace: str
    member: str
    refusals: int
    paused: str
    confirmed_at: datetime


async def add(tx: AsyncConnection, channel_id: int, **values: Any) -> bool:
    """Add the subscription of a channel; the values are the other columns, without those of a pause. False if the
    address has the same one already."""
    row = {"channel_id": channel_id, "refusals": 0, "paused": "", **values}
    return bool((await tx.execute(insert_new(tx, subscriptions).values(row))).rowcount)


async def of_channel(tx: AsyncConnection, channel_id: int) -> StoredSubscription | None:
    """The subscription of a channel; None for a channel in chat."""
    return (await of_channels(tx, [channel_id])).get(channel_id)


async def of_channels(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, StoredSubscription]:
    """The subscriptions of those of the channels that have one, by channel id."""
    rows = await _select(tx, is_any(tx, subscriptions.c.channel_id, channel_ids))
    return {row.channel_id: row for row in rows}


async def at(tx: AsyncConnection, platform: str, address: str) -> StoredSubscription | None:
    """The subscription whose channel has this address on a platform."""
    channel_id = sa.select(channels.c.id).where(
        channels.c.platform == platform, channels.c.workspace == "", channels.c.address == address
    )
    rows = await _select(tx, subscriptions.c.channel_id == channel_id.scalar_subquery())
    return rows[0] if rows else None


async def of_address(tx: AsyncConnection, hashes: Sequence[str]) -> list[StoredSubscription]:
    """The subscriptions of an address, the oldest first. The hashes are those by all keys."""
    return await _select(tx, subscriptions.c.address_hash.in_(hashes))


async def of_member(tx: AsyncConnection, platform: str, workspace: str | None, member: str) -> list[StoredSubscription]:
    """The subscriptions that a member asked for in chat, in all workspaces if none is given."""
    return await _select(tx, *asked_by(platform, workspace, member))


async def every(tx: AsyncConnection) -> list[StoredSubscription]:
    """Every subscription."""
    return await _select(tx)


def asked_by(platform: str, workspace: str | None, member: str) -> list[sa.ColumnElement[bool]]:
    """The condition for the subscriptions of a member, in all workspaces if none is given."""
    in_workspace = [] if workspace is None else [subscriptions.c.workspace == workspace]
    return [subscriptions.c.platform == platform, subscriptions.c.member == member, *in_workspace]


async def change(tx: AsyncConnection, channel_id: int, **values: Any) -> None:
    """Set columns of a subscription."""
    await tx.execute(sa.update(subscriptions).where(subscriptions.c.channel_id == channel_id).values(**values))


async def count_refusal(tx: AsyncConnection, channel_id: int) -> int:
    """Count one more mail that was refused for good. Returns how many that were in a row."""
    row = await tx.execute(
        sa.update(subscriptions)
        .where(subscriptions.c.channel_id == channel_id)
        .values(refusals=subscriptions.c.refusals + 1)
        .returning(subscriptions.c.refusals)
    )
    return int(row.scalar_one_or_none() or 0)


async def pause_address(tx: AsyncConnection, address_hash: str, reason: str) -> None:
    """Send no more mail to an address, whatever it subscribed to."""
    await tx.execute(sa.update(subscriptions).where(subscriptions.c.address_hash == address_hash).values(paused=reason))


async def delete(tx: AsyncConnection, channel_ids: Sequence[int], now: datetime) -> int:
    """Delete subscriptions with their channels, and all that their channels have, and remember that, so that a restored
    backup does not bring them back. Returns their number."""
    places = sa.select(channels.c.platform, channels.c.workspace, channels.c.address)
    for place in (await tx.execute(places.where(channels.c.id.in_(channel_ids)))).all():
        await forgotten.record(tx, *place, now)
    return int((await tx.execute(sa.delete(channels).where(channels.c.id.in_(channel_ids)))).rowcount)


async def _select(tx: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[StoredSubscription]:
    rows = await tx.execute(sa.select(subscriptions).where(*conditions).order_by(subscriptions.c.channel_id))
    return [StoredSubscription(**{**row._mapping, "content": Content(row.content)}) for row in rows]
