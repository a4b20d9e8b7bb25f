"""Sets of values in statements: one parameter on PostgreSQL, where thousands of them take longer to read than the rows
that they find."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

Made = TypeVar("Made")


def is_any(tx: AsyncConnection, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Whether a column has one of the values."""
    if tx.dialect.name == "sqlite":
        return column.in_(values)
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))


def rows_of(tx: AsyncConnection, rows: Iterable[Sequence[Any]], **columns: type[Any]) -> sa.FromClause:
    """Rows of values to join a table with. The columns have these names and types (int or str)."""
    names, rows = list(columns), list(rows)
    types = [sa.BigInteger() if kind is int else sa.Text() for kind in columns.values()]
    if tx.dialect.name == "sqlite":
        each = sa.func.json_each(json.dumps(rows)).table_valued("value")
        parts = [sa.func.json_extract(each.c.value, f"$[{at}]").label(name) for at, name in enumerate(names)]
        return sa.select(*parts).subquery("given")
    arrays = [sa.literal([row[at] for row in rows], postgresql.ARRAY(kind)) for at, kind in enumerate(types)]
    given = [sa.column(name, kind) for name, kind in zip(names, types, strict=True)]
    return sa.func.unnest(*arrays).table_valued(*given, name="given").render_derived()


def by_channel(channel_ids: Iterable[int], rows: Iterable[Any], make: Callable[[Any], Made]) -> dict[int, list[Made]]:
    """What is made of each row, by the row's `channel_id`, in the order of the rows. Every channel has a list."""
    made: dict[int, list[Made]] = {channel_id: [] for channel_id in channel_ids}
    for row in rows:
        made[row.channel_id].append(make(row))
    return made
