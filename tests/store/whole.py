"""Fills every table of a store with a few rows, and reads all rows back as plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import Place, PlaceKind
from bot.store import channels
from bot.store.channels import Channel
from bot.store.database import Store

START = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
_ROWS = 3


def reflected(connection: sa.Connection) -> sa.MetaData:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return metadata


async def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted. Instants are in UTC with a time zone on every database."""
    async with store.read() as tx:
        tables = (await tx.run_sync(reflected)).tables
        return {
            name: sorted(
                (tuple(_plain(value) for value in row) for row in await tx.execute(sa.select(table))), key=repr
            )
            for name, table in tables.items()
        }


async def fill(tx: AsyncConnection) -> int:
    """Insert some rows into every table, by the columns that the database reports. Returns their number."""
    tables = [table for table in (await tx.run_sync(reflected)).sorted_tables if table.name != "alembic_version"]
    naive = tx.dialect.name == "sqlite"
    for table in tables:
        for number in range(_ROWS):
            row = {column.name: _sample_value(column, number, naive=naive) for column in table.columns}
            await tx.execute(sa.insert(table).values(row))
    return len(tables) * _ROWS


def _sample_value(column: sa.Column[Any], number: int, *, naive: bool) -> Any:
    for key in column.foreign_keys:
        return _sample_value(key.column, number, naive=naive)
    match column.type:
        case sa.JSON():
            return {"é": [number, None, {"🎲": "\\u0000 as text"}]}
        case sa.DateTime():
            return START.replace(day=number + 1, tzinfo=None if naive else UTC)
        case sa.Date():
            return date(2026, 2, 27 + number % 2)
        case sa.Boolean():
            return number % 2 == 0
        case sa.Integer():
            return 10 * number + 7
        case sa.Float():
            return number / 3
    return f"{column.name} {number} — ünïcode 🎲\n\ttwo lines"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


async def add_channel(tx: AsyncConnection, address: str = "C1", **values: Any) -> Channel:
    """Add a channel with usual settings."""
    place = Place(
        values.pop("platform", "slack"),
        address,
        values.pop("workspace", "W"),
        values.pop("name", "papers"),
        values.pop("kind", PlaceKind.CHANNEL),
    )
    usual: dict[str, Any] = {
        "owner": "ada", "hour": "09:00", "days": "daily", "zone": "Europe/Berlin",
        "count": 5, "bar": 0.5, "guess": True, "created_at": START,
    }  # fmt: skip
    return await channels.add(tx, place, **{**usual, **values})
