"""The table of channels, with their schedules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import Place, PlaceKind, Style
from bot.store.sets import is_any
from bot.store.states import ChannelState
from bot.store.tables import Text, channels, insert_new


@dataclass(frozen=True, slots=True)
class Channel:
    """A row of the table. `hour` is HH:MM, local time in `zone`. `next_due_on` is the local day of the digest that is
    due at `next_due_at`; daylight saving may move that moment into another day.

    An active channel with a `state_reason` was lost for that reason and is tried again. Nothing was posted since then.
    """

    id: int
    place: Place
    state: ChannelState
    state_reason: str
    owner: str
    hour: str
    days: str
    zone: str
    count: int
    bar: float
    bar_learned: bool
    guess: bool
    style: Style
    titles: int
    next_due_at: datetime | None
    next_due_on: date | None
    created_at: datetime

    @property
    def public(self) -> bool:
        """Whether the whole workspace may see the votes and papers of this channel."""
        return self.place.kind is not PlaceKind.DIRECT and not self.place.private


def is_public(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for the channels that their whole workspace may see."""
    return sa.and_(table.c.kind != PlaceKind.DIRECT, ~table.c.private)


def visible_from(channel_id: int | sa.BindParameter[int]) -> sa.Select[int]:
    """The ids of the channels that a channel may see: itself, and the public channels of its workspace. Nothing is seen
    of private channels, group conversations and direct messages."""
    viewer, visible = channels.alias(), channels.alias()
    return (
        sa.select(visible.c.id)
        .join(viewer, sa.and_(viewer.c.platform == visible.c.platform, viewer.c.workspace == visible.c.workspace))
        .where(
            viewer.c.id == channel_id,
            sa.or_(visible.c.id == viewer.c.id, is_public(visible)),
        )
    )


_BY_PLACE = sa.select(channels).where(
    *(channels.c[name] == sa.bindparam(name) for name in ("platform", "workspace", "address"))
)


async def add(tx: AsyncConnection, place: Place, **values: Any) -> Channel:
    """Add a channel, active unless the values (columns) say otherwise. Returns the stored channel, which may be that of
    another process that was faster."""
    await tx.execute(
        insert_new(tx, channels).values(
            platform=place.platform,
            workspace=place.workspace,
            address=place.address,
            name=place.name,
            kind=place.kind,
            private=place.private is not False,
            **{"state": ChannelState.ACTIVE, "state_reason": "", **values},
        )
    )
    channel = await find(tx, place)
    assert channel is not None
    return channel


async def find(tx: AsyncConnection, place: Place) -> Channel | None:
    """The channel at a place; None if the bot was never there."""
    where = {"platform": place.platform, "workspace": place.workspace, "address": place.address}
    row = (await tx.execute(_BY_PLACE, where)).one_or_none()
    return channel_of(row) if row else None


async def get(tx: AsyncConnection, channel_id: int) -> Channel | None:
    """The channel with an id; None if there is none."""
    row = (await tx.execute(sa.select(channels).where(channels.c.id == channel_id))).one_or_none()
    return channel_of(row) if row else None


async def named(tx: AsyncConnection, name: str) -> list[Channel]:
    """The channels with this name, address, `platform:address` or number."""
    rows = await tx.execute(
        sa.select(channels)
        .where(
            sa.or_(
                channels.c.name == name.lstrip("#"),
                channels.c.address == name,
                channels.c.platform + ":" + channels.c.address == name,
                sa.cast(channels.c.id, Text) == name,
            )
        )
        .order_by(channels.c.id)
    )
    return [channel_of(row) for row in rows]


async def list_all(tx: AsyncConnection, platforms: Sequence[str] | None = None) -> list[Channel]:
    """Every channel, or those of some platforms."""
    query = sa.select(channels).order_by(channels.c.id)
    if platforms is not None:
        query = query.where(channels.c.platform.in_(platforms))
    return [channel_of(row) for row in await tx.execute(query)]


async def workspaces(tx: AsyncConnection, platform: str) -> list[str]:
    """The workspaces of a platform that have channels."""
    names = sa.select(channels.c.workspace).distinct().where(channels.c.platform == platform)
    return list((await tx.execute(names.order_by(channels.c.workspace))).scalars())


async def in_workspace(tx: AsyncConnection, platform: str, workspace: str) -> list[Channel]:
    """Every channel of a workspace, in the order of their names."""
    rows = await tx.execute(
        sa.select(channels)
        .where(channels.c.platform == platform, channels.c.workspace == workspace)
        .order_by(channels.c.name, channels.c.id)
    )
    return [channel_of(row) for row in rows]


async def locked(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, Channel]:
    """Those of the channels that are still there, as they are now, by id. They are locked until commit, in one order,
    so that no other process plans for them."""
    query = sa.select(channels).where(is_any(tx, channels.c.id, channel_ids)).order_by(channels.c.id)
    rows = await tx.execute(query.with_for_update(key_share=True))
    return {row.id: channel_of(row) for row in rows}


async def due(
    tx: AsyncConnection,
    now: datetime,
    platforms: Sequence[str],
    limit: int | None = 500,
    state: ChannelState = ChannelState.ACTIVE,
    among: Collection[int] | None = None,
) -> list[Channel]:
    """The active channels, or those in another state, whose next hour has come; with `among`, those of these ids. The
    one that waits longest is first."""
    is_due = channels.c.state == state, channels.c.next_due_at <= now, channels.c.platform.in_(platforms)
    query = sa.select(channels).where(*is_due).order_by(channels.c.next_due_at, channels.c.id).limit(limit)
    if among is not None:
        query = query.where(is_any(tx, channels.c.id, among))
    return [channel_of(row) for row in await tx.execute(query)]


async def due_ids(tx: AsyncConnection, now: datetime, platforms: Sequence[str], limit: int | None = None) -> list[int]:
    """The ids of the active channels whose next hour has come. The one that waits longest is first."""
    is_due = channels.c.state == ChannelState.ACTIVE, channels.c.next_due_at <= now, channels.c.platform.in_(platforms)
    query = sa.select(channels.c.id).where(*is_due).order_by(channels.c.next_due_at, channels.c.id).limit(limit)
    return list((await tx.execute(query)).scalars())


async def due_after(tx: AsyncConnection, moment: datetime, platforms: Sequence[str]) -> list[Channel]:
    """The active channels whose next hour comes after a moment."""
    rows = await tx.execute(
        sa.select(channels).where(
            channels.c.state == ChannelState.ACTIVE,
            channels.c.next_due_at > moment,
            channels.c.platform.in_(platforms),
        )
    )
    return [channel_of(row) for row in rows]


async def change(tx: AsyncConnection, channel_id: int, **values: Any) -> None:
    """Set columns of a channel."""
    await tx.execute(sa.update(channels).where(channels.c.id == channel_id).values(**values))


async def change_from(tx: AsyncConnection, channel_id: int, expected: ChannelState, **values: Any) -> bool:
    """Set columns of a channel that is still in the expected state; False when it no longer is."""
    changed = await tx.execute(
        sa.update(channels).where(channels.c.id == channel_id, channels.c.state == expected).values(**values)
    )
    return bool(changed.rowcount)


async def lose_all(tx: AsyncConnection, platform: str, workspace: str, why: str) -> int:
    """Mark the active channels of a workspace as lost, since the bot has no access to it. Returns their number."""
    in_workspace = channels.c.platform == platform, channels.c.workspace == workspace
    is_active = *in_workspace, channels.c.state == ChannelState.ACTIVE
    # Channels are locked in the order of their ids everywhere, so that no two transactions wait for each other.
    in_order = sa.select(channels.c.id).where(*is_active).order_by(channels.c.id)
    await tx.execute(in_order.with_for_update(key_share=True))
    lost = await tx.execute(sa.update(channels).where(*is_active).values(state=ChannelState.LOST, state_reason=why))
    return int(lost.rowcount)


_CHANGE_DUE = (
    sa.update(channels)
    .where(channels.c.id == sa.bindparam("of_channel"), channels.c.next_due_at == sa.bindparam("expected"))
    .values(next_due_at=sa.bindparam("at"), next_due_on=sa.bindparam("on"))
)


async def change_due(tx: AsyncConnection, channel_id: int, expected: datetime, at: datetime, on: date) -> bool:
    """Set the next hour of a channel whose next hour is still the expected one; False when it was changed."""
    values = {"of_channel": channel_id, "expected": expected, "at": at, "on": on}
    return bool((await tx.execute(_CHANGE_DUE, values)).rowcount)


async def change_due_of_each(tx: AsyncConnection, hours: Iterable[tuple[int, datetime, datetime, date]]) -> None:
    """Set the next hours of channels, each as `change_due` does: (channel id, expected, at, on)."""
    rows = [
        {"of_channel": channel_id, "expected": expected, "at": at, "on": on} for channel_id, expected, at, on in hours
    ]
    if rows:
        await tx.execute(_CHANGE_DUE, rows)


def channel_of(row: Any) -> Channel:
    """The channel of a row of the table."""
    return Channel(
        id=row.id,
        place=Place(row.platform, row.address, row.workspace, row.name, PlaceKind(row.kind), row.private),
        state=ChannelState(row.state),
        state_reason=row.state_reason,
        owner=row.owner,
        hour=row.hour,
        days=row.days,
        zone=row.zone,
        count=row.count,
        bar=row.bar,
        bar_learned=row.bar_learned,
        guess=row.guess,
        style=Style(row.style),
        titles=row.titles,
        next_due_at=row.next_due_at,
        next_due_on=row.next_due_on,
        created_at=row.created_at,
    )
