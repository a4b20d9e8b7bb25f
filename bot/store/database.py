"""Opening the store, its transactions, and what can go wrong with it.

StoreError
├── StoreBusy       somebody else kept it locked for longer than the time-out
├── StoreFull       the disk is full
├── StoreNewer      it was written by a newer Paperboy
├── StoreDamaged    the file is not a store, or is broken
└── StoreMissing    nobody answers, or the folder can't be made
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_SHORT_WAIT_SECONDS = 0.1


class StoreError(Exception):
    """Something is wrong with the store; the text says what, and how to mend it."""


class StoreBusy(StoreError):
    """Locked for longer than the time-out."""


class StoreFull(StoreError):
    """No room on the disk."""


class StoreNewer(StoreError):
    """Written by a newer Paperboy."""


class StoreDamaged(StoreError):
    """Not a store, or a broken one."""


class StoreMissing(StoreError):
    """Not to be reached."""


_WRITERS = 7_402_511
"""PostgreSQL advisory lock: shared by writers, taken alone for an upgrade or a restored backup."""


class Store:
    """An open store. `read` and `write` give transactions; everything in one `write` happens or none of it does."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._writing = asyncio.Lock()
        self.is_sqlite = engine.dialect.name == "sqlite"

    @classmethod
    async def open(cls, url: str, *, busy_seconds: float = 10.0) -> Store:
        """Open the store at an SQLAlchemy URL and bring its tables up to date.

        Raises a `StoreError` subclass.
        """
        from bot.store.upgrade import upgrade

        store = cls(make_engine(url, busy_seconds))
        try:
            await upgrade(store)
        except BaseException:
            await store.close()
            raise
        return store

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the store."""
        with translated():
            async with self.engine.connect() as connection:
                if not self.is_sqlite:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection

    @contextlib.asynccontextmanager
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may change the store; with `alone`, while nobody else writes, for changes to all of it."""
        with translated():
            if not self.is_sqlite:
                lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
                async with self.engine.begin() as connection:
                    await connection.execute(sa.select(lock(_WRITERS)))
                    yield connection
                return
            # SQLite has one writer: waiting here is fair and costs nothing, waiting in SQLite polls.
            async with self._writing, self.engine.connect() as connection:
                await connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                async with connection.begin():
                    yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def make_engine(url: str, busy_seconds: float) -> AsyncEngine:
    """An engine for `sqlite:///file` or `postgresql://…`, whatever driver the URL names."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise StoreMissing(
            "database_url is not a database's URL. It looks like sqlite:////var/lib/paperboy/paperboy.db "
            "or postgresql://user@host/name."
        ) from error
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return create_async_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if backend != "sqlite":
        raise StoreMissing(f"database_url names {backend}; Paperboy keeps its store in SQLite or PostgreSQL.")
    if parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreMissing(
                f"The folder of the store, {Path(parsed.database).parent}, can't be made: {error.strerror}."
            ) from error
        # A file that can't be opened is found out here: aiosqlite's thread would outlive the event loop, and complain.
        with translated():
            sqlite3.connect(parsed.database).close()
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": busy_seconds})
    sa.event.listen(engine.sync_engine, "connect", partial(_prepare_sqlite, busy_seconds))
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(busy_seconds: float, connection: Any, _record: object) -> None:
    # The driver would begin transactions late and on its own; SQLAlchemy says when instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_wal(cursor, busy_seconds)
    # NORMAL survives a crash of the process, and a power cut costs at most the last moments, never the file.
    for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "temp_store = MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: Any, busy_seconds: float) -> None:
    # Two connections that switch a new file at the same time block each other for as long as both wait: so each waits
    # shortly, lets go, and asks again.
    cursor.execute(f"PRAGMA busy_timeout = {int(min(_SHORT_WAIT_SECONDS, busy_seconds) * 1000)}")
    tries = max(int(busy_seconds / _SHORT_WAIT_SECONDS), 1)
    for left in reversed(range(tries)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if not left:
                raise
    cursor.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


_WHAT_DATABASES_SAY: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("locked", "lock timeout", "deadlock detected", "queuepool limit"),
        StoreBusy,
        "The store is locked by another program. Close it there, or try again in a moment.",
    ),
    (
        ("disk is full", "no space left", "disk i/o error", "could not extend file"),
        StoreFull,
        "The disk with the store is full. Nothing was lost; make room and try again.",
    ),
    (
        ("not a database", "malformed"),
        StoreDamaged,
        "The store's file is damaged, or is none. Move it away, then bring a backup back: `paperboy db restore FILE`.",
    ),
    (
        ("readonly", "read-only"),
        StoreMissing,
        "The store may only be read. Give this user the right to write its file and folder.",
    ),
    (
        ("unable to open",),
        StoreMissing,
        "The store's file can't be opened. Give this user the right to read and write it and its folder.",
    ),
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the databases say into a `StoreError` with a mend in it."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.DatabaseError, sa.exc.TimeoutError, sqlite3.Error, OSError) as error:
        said = str(getattr(error, "orig", None) or error).strip()
        for needles, kind, text in _WHAT_DATABASES_SAY:
            if any(needle in said.lower() for needle in needles):
                raise kind(text) from error
        if isinstance(error, (sa.exc.OperationalError, sqlite3.OperationalError)):
            raise StoreMissing(f"The store can't be reached: {said.splitlines()[0]}") from error
        raise
