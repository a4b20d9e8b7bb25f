"""Backups of a live store. The file has the same format for SQLite and PostgreSQL, and can be restored into either.

It is a gzip of JSON lines: a header (format, revision of the tables, time), a line for each row, and a last line with
the number of rows and the SHA-256 of all lines before it, so that a file that is cut off anywhere is recognized.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import metadata
from bot.store.database import Store
from bot.store.errors import StoreError, StoreNewer
from bot.store.tables import metadata as schema
from bot.store.upgrade import current, revisions, upgrade_within

_FORMAT = 1
_BATCH = 500
_LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a row. A longer line is not from a backup, and might fill the memory."""
_STAGE = "paperboy_restore"

Progress = Callable[[int], None]
"""Called now and then with the number of rows that are done."""
Then = Callable[[AsyncConnection, datetime | None], Awaitable[None]]
"""Called with the restored store, and with the time at which the backup was made, if it is known."""


class BackupUnwritten(StoreError):
    """The backup could not be written. An older one at the same place is still there."""


class BackupRefused(StoreError):
    """The file can't be restored. The store is unchanged."""


async def backup(store: Store, file: Path, now: datetime, progress: Progress | None = None) -> int:
    """Write the store as it is at one moment to a file, in place of an older one. Returns the number of rows.

    Raises BackupUnwritten when the file can't be written, else a StoreError.
    """
    with _translate_write_errors(file):
        writer = await asyncio.to_thread(_Writer, file)
    try:
        async with store.read() as tx:
            header = {"paperboy backup": _FORMAT, "revision": await current(tx), "made_at": now.astimezone(UTC)}
            with _translate_write_errors(file):
                writer.line(header)
            for table in schema.sorted_tables:
                rows = await tx.stream(sa.select(table).execution_options(yield_per=_BATCH))
                async for batch in rows.mappings().partitions():
                    with _translate_write_errors(file):
                        await asyncio.to_thread(writer.rows, table.name, [dict(row) for row in batch])
                    if progress:
                        progress(writer.count)
        with _translate_write_errors(file):
            await asyncio.to_thread(writer.finish)
    finally:
        await asyncio.to_thread(writer.discard)
    return writer.count


async def restore(store: Store, file: Path, progress: Progress | None = None, then: Then | None = None) -> int:
    """Replace all rows of the store by those of a backup, in one transaction. Returns the number of rows.

    `then` is called within the same transaction.

    Raises BackupRefused for a file that is no whole backup, StoreNewer for one by a later Paperboy, else a StoreError.
    """
    header = await asyncio.to_thread(_verify, file)
    count = 0
    with contextlib.closing(_read(file)) as lines:
        await asyncio.to_thread(next, lines)
        async with store.write(exclusive=True) as tx:
            async with _restored_tables(store, tx, header["revision"]) as tables:
                while batch := await asyncio.to_thread(list, islice(lines, _BATCH)):
                    with _refuse_unfit_rows(file):
                        for name, rows in groupby(batch, key=lambda line: line["table"]):
                            table = tables[name]
                            values = [_values(table, line["row"], naive=store.is_sqlite) for line in rows]
                            await tx.execute(sa.insert(table), values)
                    count += len(batch)
                    if progress:
                        progress(count)
            if then:
                await then(tx, _made_at(header))
    return count


@contextlib.asynccontextmanager
async def _restored_tables(store: Store, tx: AsyncConnection, revision: str) -> AsyncIterator[Mapping[str, sa.Table]]:
    """Empty tables of a revision, by name. At the end of the block they are upgraded, and become the store's tables."""
    if store.is_sqlite:
        await tx.run_sync(lambda connection: _reflected(connection).drop_all(connection))
        await upgrade_within(tx, revision)
        yield (await tx.run_sync(_reflected)).tables
        await upgrade_within(tx)
    else:
        # Other transactions must see the old rows until the end. Dropped tables would look empty to them, so the new
        # rows are first put into tables beside the old ones.
        path = (await tx.execute(sa.text("select current_setting('search_path')"))).scalar_one()
        await tx.execute(sa.schema.CreateSchema(_STAGE))
        await _set_search_path(tx, _STAGE)
        await upgrade_within(tx, revision)
        yield (await tx.run_sync(_reflected)).tables
        await upgrade_within(tx)
        await _set_search_path(tx, path)
        await _copy_from_stage(tx)
        await tx.execute(sa.schema.DropSchema(_STAGE, cascade=True))
    # A new id: the search index and everything else that was built from the old rows belongs to another store now.
    await metadata.put(tx, "store_id", uuid4().hex)


async def _copy_from_stage(tx: AsyncConnection) -> None:
    for table in reversed(schema.sorted_tables):
        await tx.execute(sa.delete(table))
    for table in schema.sorted_tables:
        staged = table.to_metadata(sa.MetaData(), schema=_STAGE)
        await tx.execute(sa.insert(table).from_select(list(table.c.keys()), sa.select(staged)))
        column = table.autoincrement_column
        if column is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            next_value = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            await tx.execute(sa.select(sa.func.setval(sequence, next_value, False)))


async def _set_search_path(tx: AsyncConnection, path: str) -> None:
    await tx.execute(sa.select(sa.func.set_config("search_path", path, True)))


def _reflected(connection: sa.Connection) -> sa.MetaData:
    reflected = sa.MetaData()
    reflected.reflect(connection)
    return reflected


def _values(table: sa.Table, row: dict[str, Any], *, naive: bool) -> dict[str, Any]:
    if row.keys() != set(table.c.keys()):
        raise ValueError(f"{table.name} has other columns")
    return {name: _value(table.c[name].type, value, naive=naive) for name, value in row.items()}


def _value(kind: sa.types.TypeEngine[Any], value: Any, *, naive: bool) -> Any:
    if value is None:
        return None
    if isinstance(kind, sa.DateTime):
        instant = datetime.fromisoformat(value).astimezone(UTC)
        return instant.replace(tzinfo=None) if naive else instant
    return date.fromisoformat(value) if isinstance(kind, sa.Date) else value


class _Writer:
    """Writes a part file, which replaces the backup's file only when it is complete and on the disk."""

    def __init__(self, file: Path) -> None:
        file = Path(os.path.realpath(file))  # a link stays, and its target is replaced
        if os.path.lexists(file) and not file.is_file():
            kind = "a folder" if file.is_dir() else "a device or the like"
            raise BackupUnwritten(f"{file} is {kind}, and no file that a backup may replace. Give it another name.")
        self._file, self.count = file, 0
        number, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", suffix=".part", dir=file.parent)
        self._part: Path | None = Path(name)
        self._raw = os.fdopen(number, "wb")
        self._zip = gzip.GzipFile(fileobj=self._raw, mode="wb", filename="", mtime=0, compresslevel=6)
        self._hash = sha256()

    def line(self, value: dict[str, Any]) -> None:
        """Write a line."""
        line = json.dumps(value, default=_isoformat, separators=(",", ":")).encode() + b"\n"
        self._hash.update(line)
        self._zip.write(line)

    def rows(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Write a line for each row."""
        for row in rows:
            self.line({"table": table, "row": row})
        self.count += len(rows)

    def finish(self) -> None:
        """Write the last line, and put the file in its place."""
        assert self._part is not None
        self.line({"rows": self.count, "sha256": self._hash.hexdigest()})
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._part.replace(self._file)
        self._part = None
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Delete an unfinished part file."""
        with contextlib.suppress(OSError):
            self._raw.close()
        if self._part:
            self._part.unlink(missing_ok=True)


def _isoformat(value: datetime | date) -> str:
    return (value.astimezone(UTC) if isinstance(value, datetime) else value).isoformat()


def _verify(file: Path) -> dict[str, Any]:
    """The header of a backup. Raises unless the file is complete and this program can read it."""
    lines = _read(file)
    header = next(lines)
    file_format, revision = header.get("paperboy backup"), header.get("revision")
    known_revisions = revisions()
    if not isinstance(file_format, int) or not isinstance(revision, str):
        raise BackupRefused(f"{file} is not a backup of Paperboy. Nothing was changed.")
    if file_format > _FORMAT or (revision not in known_revisions and revision > known_revisions[-1]):
        raise StoreNewer(
            f"{file} was made by a newer Paperboy (its revision is {revision}, this program knows up to "
            f"{known_revisions[-1]}). Restore it with that version; nothing was changed."
        )
    if file_format != _FORMAT or revision not in known_revisions:
        raise BackupRefused(f"{file} is not a backup of Paperboy. Nothing was changed.")
    for _ in lines:
        pass
    return header


def _made_at(header: Mapping[str, Any]) -> datetime | None:
    """The time at which a backup was made, as its header says."""
    try:
        return datetime.fromisoformat(str(header.get("made_at"))).astimezone(UTC)
    except ValueError:
        return None


def _read(file: Path) -> Generator[dict[str, Any], None, None]:
    """The header, then every row. Raises BackupRefused at the end of a file that is not complete."""
    checksum, count = sha256(), -1
    try:
        with gzip.open(file, "rb") as lines:
            while line := lines.readline(_LONGEST_LINE):
                value = json.loads(line)
                if not isinstance(value, dict) or (count < 0 and "paperboy backup" not in value):
                    raise BackupRefused(f"{file} is not a backup of Paperboy. Nothing was changed.")
                if "sha256" in value:
                    if value == {"rows": count, "sha256": checksum.hexdigest()} and not lines.read(1):
                        return
                    break
                checksum.update(line)
                count += 1
                yield value
    except (gzip.BadGzipFile, ValueError, RecursionError) as error:
        raise BackupRefused(f"{file} is not a backup of Paperboy, or is damaged. Nothing was changed.") from error
    except (EOFError, zlib.error) as error:
        raise BackupRefused(f"{file} is cut off or damaged. Nothing was changed; take another backup.") from error
    except OSError as error:
        raise BackupRefused(f"{file} can't be read: {error.strerror}.") from error
    raise BackupRefused(f"{file} is cut off or damaged. Nothing was changed; take another backup.")


@contextlib.contextmanager
def _translate_write_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupUnwritten(f"The backup {file} can't be written: {error.strerror}. Nothing was changed.") from error


@contextlib.contextmanager
def _refuse_unfit_rows(file: Path) -> Iterator[None]:
    try:
        yield
    except (sa.exc.StatementError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, sa.exc.OperationalError):
            raise
        raise BackupRefused(f"{file} holds rows that do not fit together. Nothing was changed.") from error
