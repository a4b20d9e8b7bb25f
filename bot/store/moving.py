"""Moving a store into another database, with every row compared.

The target gets all rows in one transaction: whatever goes wrong, it is as empty as before. The source is locked for
writers meanwhile and stays as it is.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Store
from bot.store.errors import StoreDamaged, StoreError
from bot.store.tables import Instant, Json, Name, Text, clean_json, clean_name, clean_text, facts, leases, metadata
from bot.store.upgrade import current, upgrade_within

_BATCH = 500
_UTF8 = "UTF8"
_UNREADABLE = (sa.exc.StatementError, ValueError, TypeError, RecursionError, ArithmeticError)
"""The errors that reading or writing a value raises which does not fit its column."""

Progress = Callable[[int, int], None]
"""Called with the number of rows that are done, and with the number of all rows."""
Stage = Callable[[str], AbstractContextManager[Progress]]
"""Opens the display of one stage of the work."""


class MoveRefused(StoreError):
    """The store can't be moved. Nothing was changed."""


@dataclass(slots=True)
class _Contents:
    """The number of rows of a table, and the sum of their hashes: the same rows in any order have the same sum."""

    rows: int = 0
    hashes: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row."""
        self.rows += 1
        text = json.dumps([_plain(value) for value in row.values()], ensure_ascii=True, sort_keys=True)
        self.hashes += int.from_bytes(sha256(text.encode()).digest())


@dataclass(slots=True)
class _Faults:
    """Values that the target would refuse or change: the first one and their number."""

    first: str = ""
    count: int = field(default=0)

    def add(self, text: str) -> None:
        """Count a fault."""
        self.first = self.first or text
        self.count += 1


async def is_empty(store: Store) -> bool:
    """Whether a database holds no store, or one without papers, channels and the like. Raises StoreError."""
    async with store.read() as tx:
        await current(tx)
        names = await tx.run_sync(lambda connection: sa.inspect(connection).get_table_names())
        for table in metadata.sorted_tables:
            has_rows = sa.select(sa.exists(sa.select(sa.literal(1)).select_from(table)))
            if table not in (facts, leases) and table.name in names and (await tx.execute(has_rows)).scalar_one():
                return False
    return True


async def move(source: Store, target: Store, stage: Stage) -> int:
    """Copy all rows of a store into an empty database, and compare them. Returns their number.

    Raises MoveRefused where the target would refuse or change a value, or where it holds anything, else a StoreError.
    """
    try:
        if not await is_empty(target):
            raise MoveRefused("The database to move into holds a store already. Name an empty one.")
    except StoreDamaged as error:
        raise MoveRefused("The database to move into is another program's. Name an empty one.") from error
    if not target.is_sqlite:
        await _require_utf8(target)
    async with source.write(exclusive=True) as read:
        await _let_wait(read)
        totals = {table: await _count(read, table) for table in _moved()}
        total = sum(totals.values())
        with stage("Checking") as tick:
            await _check(source, read, lambda done: tick(done, total))
        async with target.write(exclusive=True) as tx:
            await _let_wait(tx)
            await upgrade_within(tx)
            for table in reversed(metadata.sorted_tables):
                await tx.execute(sa.delete(table))
            with stage("Moving") as tick:
                before = await _copy(read, tx, lambda done: tick(done, total))
            await _set_sequences(tx, await _sequences(read))
            with stage("Comparing") as tick:
                after = await _contents(tx, lambda done: tick(done, total))
            for name in before:
                if before[name] != after[name]:
                    raise MoveRefused(
                        f"The rows of the table {name} are not the same in the new database: {before[name].rows:,} "
                        f"were written, {after[name].rows:,} read back, or values differ. Nothing was moved; please "
                        "report it."
                    )
    return total


def _moved() -> list[sa.Table]:
    """The tables that are moved. Leases belong to processes, which have ended."""
    return [table for table in metadata.sorted_tables if table is not leases]


async def _let_wait(tx: AsyncConnection) -> None:
    """Let a transaction wait for the one in the other database, as long as that takes."""
    if tx.dialect.name != "sqlite":
        await tx.execute(sa.select(sa.func.set_config("idle_in_transaction_session_timeout", "0", True)))


async def _require_utf8(target: Store) -> None:
    async with target.read() as tx:
        encoding = (await tx.execute(sa.text("show server_encoding"))).scalar_one()
    if encoding != _UTF8:
        raise MoveRefused(
            f"The database to move into has the encoding {encoding}, which lacks characters. Create one with "
            "`createdb --encoding=UTF8 --template=template0 NAME`."
        )


async def _count(tx: AsyncConnection, table: sa.Table) -> int:
    return int((await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


async def _rows(tx: AsyncConnection, query: sa.Select[*tuple[Any, ...]]) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows of a query, some at a time."""
    rows = await tx.stream(query.execution_options(yield_per=_BATCH))
    async for batch in rows.mappings().partitions():
        yield [dict(row) for row in batch]


async def _copy(
    source: AsyncConnection, target: AsyncConnection, progress: Callable[[int], None]
) -> dict[str, _Contents]:
    contents, done = {table.name: _Contents() for table in _moved()}, 0
    for table in _moved():
        with _named(table):
            async for batch in _rows(source, sa.select(table)):
                for row in batch:
                    contents[table.name].add(row)
                await target.execute(sa.insert(table), batch)
                done += len(batch)
                progress(done)
    return contents


async def _contents(tx: AsyncConnection, progress: Callable[[int], None]) -> dict[str, _Contents]:
    contents, done = {table.name: _Contents() for table in _moved()}, 0
    for table in _moved():
        with _named(table):
            async for batch in _rows(tx, sa.select(table)):
                for row in batch:
                    contents[table.name].add(row)
                done += len(batch)
                progress(done)
    return contents


async def _check(store: Store, tx: AsyncConnection, progress: Callable[[int], None]) -> None:
    """Raise MoveRefused if any value can't be stored, or not unchanged, in the target."""
    faults, done = _Faults(), 0
    for table in _moved():
        # Without the columns' types, so that a value that does not fit is a fault of its row.
        bare = [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in table.columns]
        with _named(table):
            async for batch in _rows(tx, sa.select(*bare)):
                for row in batch:
                    _check_row(table, row, faults, is_json_text=store.is_sqlite)
                done += len(batch)
                progress(done)
    if store.is_sqlite:
        for name, rowid, parent, _ in await tx.execute(sa.text("pragma foreign_key_check")):
            faults.add(f"the row {rowid} of the table {name} belongs to a row of {parent} that is missing")
    if faults.count:
        others = f" So do {faults.count - 1:,} other values." if faults.count > 1 else ""
        raise MoveRefused(
            f"The store can't be moved as it is: {faults.first}.{others} Correct or delete what is wrong in the old "
            "database, then move again. Nothing was moved."
        )


def _check_row(table: sa.Table, row: Mapping[str, Any], faults: _Faults, *, is_json_text: bool) -> None:
    for column in table.columns:
        value = row[column.name]
        problem = "" if value is None and column.nullable else _problem(column.type, value, is_json_text=is_json_text)
        if problem:
            key = ", ".join(f"{each.name} {str(row[each.name])[:80]!r}" for each in table.primary_key.columns)
            faults.add(f"in the table {table.name}, {column.name} of the row with {key} {problem}")


def _problem(kind: sa.types.TypeEngine[Any], value: Any, *, is_json_text: bool) -> str:
    """What is wrong with a value of a column, "" if nothing is."""
    match kind:
        case Text() | Name():
            if not isinstance(value, str):
                return "is no text"
            if clean_text(value) != value:
                return "holds a NUL character, which PostgreSQL does not store"
            return "is too long for a key" if isinstance(kind, Name) and clean_name(value) != value else ""
        case Json():
            return _problem_of_json(value, is_text=is_json_text)
        case Instant() | sa.Date():
            return "" if isinstance(value, date) or _is_date(value) else "is no date"
        case sa.Boolean():
            return "" if value in (0, 1) else "is neither true nor false"
        case sa.Integer():
            bits = 63 if isinstance(kind, sa.BigInteger) else 31
            fits = isinstance(value, int) and -(2**bits) <= value < 2**bits
            return "" if fits else f"is no whole number of {bits + 1} bits"
    return "" if isinstance(value, int | float) and value == value else "is no number"


def _problem_of_json(value: Any, *, is_text: bool) -> str:
    try:
        # SQLite turns a text that is a number, in a column of this type, into one.
        parsed = json.loads(value) if is_text and isinstance(value, str) else value
        json.dumps(parsed, allow_nan=False)
    except _UNREADABLE:
        return "is no JSON that PostgreSQL stores"
    return "" if clean_json(parsed) == parsed else "holds a NUL character, which PostgreSQL does not store"


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _named(table: sa.Table) -> Iterator[None]:
    """Name the table in an error about a value. An error of the connection is left as it is."""
    try:
        yield
    except _UNREADABLE as error:
        if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)) and "UTF-8" not in str(error):
            raise
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise MoveRefused(
            f"The rows of the table {table.name} can't be moved as they are: {reason}. Correct or delete them in the "
            "old database, then move again. Nothing was moved."
        ) from error


async def _sequences(tx: AsyncConnection) -> dict[str, int]:
    """The highest number that was ever given in a table, by its name: the ids of deleted rows never come again."""
    if tx.dialect.name == "sqlite":
        return {
            name: int(number) for name, number in await tx.execute(sa.text("select name, seq from sqlite_sequence"))
        }
    numbers = {}
    for table, column in _numbered():
        sequence = await _sequence_of(tx, table, column)
        last, is_called = (await tx.execute(sa.text(f"select last_value, is_called from {sequence}"))).one()  # noqa: S608 - PostgreSQL quoted it
        if is_called:
            numbers[table.name] = int(last)
    return numbers


async def _set_sequences(tx: AsyncConnection, numbers: Mapping[str, int]) -> None:
    for table, column in _numbered():
        highest = (await tx.execute(sa.select(sa.func.max(column)))).scalar_one() or 0
        number = max(int(highest), numbers.get(table.name, 0))
        if tx.dialect.name != "sqlite":
            sequence = await _sequence_of(tx, table, column)
            await tx.execute(sa.select(sa.func.setval(sequence, number or 1, number > 0)))
        elif table.dialect_options["sqlite"]["autoincrement"] and number:
            row = {"name": table.name, "number": number}
            await tx.execute(sa.text("delete from sqlite_sequence where name = :name"), row)
            await tx.execute(sa.text("insert into sqlite_sequence (name, seq) values (:name, :number)"), row)


def _numbered() -> list[tuple[sa.Table, sa.Column[Any]]]:
    """The tables whose rows get their ids from the database, each with its column."""
    return [(table, column) for table in _moved() if (column := table.autoincrement_column) is not None]


async def _sequence_of(tx: AsyncConnection, table: sa.Table, column: sa.Column[Any]) -> str:
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    return str((await tx.execute(sa.select(sequence))).scalar_one())


def _plain(value: Any) -> Any:
    """A value as every database gives it back. PostgreSQL writes the large numbers in JSON out."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case bool() | None | str():
            return value
        case int() | float():
            return _written_out(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
    raise TypeError(f"a value is a {type(value).__name__}")


def _written_out(number: float) -> str:
    text = format(Decimal(repr(number)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
