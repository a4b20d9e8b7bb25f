"""The store and its transactions."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store import sqlite
from bot.store.errors import StoreAway, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreMissing, StoreOutdated

_KEPT_CONNECTIONS = 5
"""Connections to PostgreSQL that stay open while nobody needs them."""
BOT = "paperboy bot"
"""The beginning of the name under which the connections of a serving process stand in pg_stat_activity."""
_REVISION = sa.text("select version_num from alembic_version")
_MISSING_IN_POSTGRESQL = ("42P01", "42703")
"""The codes for a table and for a column that does not exist (postgresql.org/docs/current/errcodes-appendix.html)."""
OUTDATED = (
    "The tables of the store were changed while this process ran, as by a newer Paperboy. Nothing is lost: start the "
    "version again that changed them."
)
_CHECKPOINT_EVERY = 500
"""Transactions that SQLite's log may hold before they are moved into the file."""
_WRITERS = 7_402_511
"""PostgreSQL advisory lock: writers share it, an upgrade or a restored backup takes it exclusively."""
_IDLE = "30s"
"""How long a process may leave its transaction idle that writes to PostgreSQL. After that the server ends it: a process
that was paused or cut off would keep others from the rows that it has locked."""
_ENDS_IDLE = sa.func.set_config("idle_in_transaction_session_timeout", sa.bindparam("idle"), True)
_BEGIN_WRITE = sa.select(_ENDS_IDLE, sa.func.pg_advisory_xact_lock_shared(_WRITERS))
_BEGIN_ALONE = sa.select(_ENDS_IDLE, sa.func.pg_advisory_xact_lock(_WRITERS))


class _Priority(Enum):
    HIGH = "high"
    VISITORS = "visitors"
    BACKGROUND = "background"


_PRIORITY: ContextVar[_Priority] = ContextVar("priority", default=_Priority.BACKGROUND)


@contextlib.contextmanager
def high_priority() -> Iterator[None]:
    """Transactions opened in this block have priority: a platform is waiting for the bot's acknowledgement."""
    with _priority(_Priority.HIGH):
        yield


@contextlib.contextmanager
def for_visitors() -> Iterator[None]:
    """Transactions opened in this block read for a visitor of the page. They wait for each other, but not behind those
    of digests and commands, of which there may be hundreds."""
    with _priority(_Priority.VISITORS):
        yield


@contextlib.contextmanager
def _priority(priority: _Priority) -> Iterator[None]:
    mark = _PRIORITY.set(priority)
    try:
        yield
    finally:
        _PRIORITY.reset(mark)


class _BroadcastMutex:
    """A mutex that wakes all waiters at once. `asyncio.Lock` hands over only once per loop iteration: too slow
    here."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    async def __aenter__(self) -> None:
        while not self._free.is_set():
            await self._free.wait()
        self._free.clear()

    async def __aexit__(self, *_: object) -> None:
        self._free.set()


class Store:
    """An open store. `read` and `write` give transactions; everything in one `write` happens or none of it does."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._writing = _BroadcastMutex()
        self._queues = {priority: asyncio.Lock() for priority in (_Priority.VISITORS, _Priority.BACKGROUND)}
        self._written = 0
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.in_memory = self.is_sqlite and engine.url.database in (None, "", ":memory:")
        self.revision: str | None = None
        """The revision of the tables that this process knows; None while it is not checked."""
        self.outdated = asyncio.Event()
        """Set once another process has changed the tables."""

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the store."""
        async with self._checked():
            if self.is_sqlite:
                await self._yield_to_others()
                async with self._transaction("BEGIN") as connection:
                    yield connection
                return
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection

    @contextlib.asynccontextmanager
    async def write(self, *, exclusive: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may change the store. An `exclusive` one (for changes to all of it) admits no writer."""
        async with self._checked():
            if not self.is_sqlite:
                async with self.engine.begin() as connection:
                    await connection.execute(_BEGIN_ALONE if exclusive else _BEGIN_WRITE, {"idle": _IDLE})
                    yield connection
                return
            await self._yield_to_others()
            # SQLite has one writer: waiting here costs nothing, waiting in SQLite polls.
            async with self._writing, self._transaction("BEGIN IMMEDIATE") as connection:
                yield connection
            self._written += 1
            if self._written % _CHECKPOINT_EVERY == 0:
                await self._checkpoint()

    async def change(self, statement: sa.Update | sa.Delete) -> int:
        """Run one statement in a transaction of its own. Returns how many rows it changed. On PostgreSQL this takes a
        third of the time of `write`."""
        if self.is_sqlite:
            async with self.write() as tx:
                return (await tx.execute(statement)).rowcount
        shared_lock = sa.select(sa.func.pg_advisory_xact_lock_shared(_WRITERS)).scalar_subquery()
        with translated():
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                return (await connection.execute(statement.where(shared_lock.is_not(None)))).rowcount

    async def check_revision(self) -> None:
        """Raise StoreOutdated if the tables are not those that this process knows, and set `outdated`."""
        if self.revision is None or self.in_memory:
            return
        async with self.read() as tx:
            try:
                found = (await tx.execute(_REVISION)).scalar_one_or_none()
            except sa.exc.DBAPIError as error:
                if not _is_about_tables(error):
                    raise
                found = None
        if found != self.revision:
            self.outdated.set()
            raise StoreOutdated(OUTDATED)

    @contextlib.asynccontextmanager
    async def _checked(self) -> AsyncIterator[None]:
        """Turn an error of the database into a `StoreError`. If a table or column is missing, another process may have
        changed the tables."""
        with translated():
            try:
                yield
            except sa.exc.DBAPIError as error:
                if _is_about_tables(error):
                    await self.check_revision()
                raise

    async def _yield_to_others(self) -> None:
        """Yield to the event loop before each transaction. In an iteration one of the background starts and one for
        visitors, so that those of high priority run in between."""
        async with self._queues.get(_PRIORITY.get(), contextlib.nullcontext()):
            await asyncio.sleep(0)

    @contextlib.asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        """A transaction in SQLite. SQLAlchemy's own `async with` closes a connection in another task. That takes a turn
        of the loop, during which all other writers wait; this function needs none."""
        connection = await self.engine.connect()
        try:
            await connection.execution_options(sqlite_begin=begin)
            async with connection.begin():
                yield connection
        finally:
            await connection.close()

    async def _checkpoint(self) -> None:
        """Move committed transactions from SQLite's log into the file: most of them while others write on, since the
        disk is slow, and the last few while no one writes. Then the log is empty."""
        file = str(self.engine.url.database)
        await asyncio.to_thread(sqlite.checkpoint, file)
        async with self._writing:
            await asyncio.to_thread(sqlite.checkpoint, file)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _is_about_tables(error: sa.exc.DBAPIError) -> bool:
    """Whether a statement failed because a table or column is missing."""
    code, message = getattr(error.orig, "sqlstate", None), str(error.orig)
    return code in _MISSING_IN_POSTGRESQL or message.startswith(("no such table", "no such column"))


def parsed_url(url: str, name: str = "database_url") -> sa.URL:
    """The parts of a database's URL. Raises StoreMissing, which calls the URL by its `name`, if it is no URL, or one of
    another kind of database."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise StoreMissing(
            f"{name} is not a database's URL. It looks like sqlite:////var/lib/paperboy/paperboy.db "
            "or postgresql://user@host/name."
        ) from error
    if (backend := parsed.get_backend_name()) not in ("sqlite", "postgresql", "postgres"):
        raise StoreMissing(f"{name} names {backend}; Paperboy keeps its store in SQLite or PostgreSQL.")
    return parsed


def sqlite_file(url: str) -> Path | None:
    """The absolute path of an SQLite store's file; None for PostgreSQL and for a store in memory.

    Raises StoreMissing.
    """
    parsed = parsed_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(parsed.database).absolute()


def make_engine(url: str, busy_seconds: float, connections: int = 15, application: str = "paperboy") -> AsyncEngine:
    """An engine for `sqlite:///file` or `postgresql://…`. A driver that the URL names is ignored. `connections` is the
    most that it opens to PostgreSQL at the same time; SQLite's file has as many as it needs. `application` is the name
    of its connections in pg_stat_activity."""
    parsed = parsed_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=min(connections, _KEPT_CONNECTIONS),
            max_overflow=max(0, connections - _KEPT_CONNECTIONS),
            hide_parameters=True,
            connect_args={"application_name": application},
        )
        sa.event.listen(engine.sync_engine, "connect", _without_compiler)
        return engine
    if parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreMissing(
                f"The folder of the store, {Path(parsed.database).parent}, can't be made: {error.strerror}."
            ) from error
        with translated():
            sqlite3.connect(parsed.database).close()
    return sqlite.engine(parsed, busy_seconds)


def _without_compiler(connection: Any, _: object) -> None:
    """Switch PostgreSQL's compiler of queries off. It takes a second for a query over the arrays of a batch, whose rows
    PostgreSQL overestimates, and saves nothing."""
    connection.set_autocommit(True)  # in a transaction, the setting would end with it
    connection.cursor().execute("set jit = off")
    connection.set_autocommit(False)


_DATABASE_MESSAGES: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
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
        ("permission denied for", "must be owner of"),
        StoreMissing,
        "The database's user may not use or change its tables. Say there: `alter schema public owner to USER`.",
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
    """Turn an error of the database into a `StoreError` that says how to mend it."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.DatabaseError, sa.exc.TimeoutError, sqlite3.Error, OSError) as error:
        message = str(getattr(error, "orig", None) or error).strip()
        for phrases, kind, text in _DATABASE_MESSAGES:
            if any(phrase in message.lower() for phrase in phrases):
                raise kind(text) from error
        if isinstance(error, sqlite3.OperationalError) or isinstance(
            getattr(error, "orig", None), sqlite3.OperationalError
        ):
            raise StoreMissing(f"The store can't be reached: {_first_line(message)}") from error
        # The driver raises InterfaceError for a cut connection that is closed already.
        if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)) or getattr(
            error, "connection_invalidated", False
        ):
            raise unreachable(getattr(error, "orig", None) or error) from error
        raise
    except (
        sa.exc.PendingRollbackError
    ) as error:  # the statement after the one that failed because the connection was cut
        raise StoreAway("The connection to the database was cut; it is built up again.") from error


_PERMANENT_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")
"""Parts of PostgreSQL's messages to a connection that will be refused again."""


def unreachable(error: BaseException) -> StoreError:
    """The error to raise when a database server could not be reached, or its connection was cut."""
    message = _first_line(str(error))
    kind = StoreMissing if any(phrase in message for phrase in _PERMANENT_REFUSALS) else StoreAway
    return kind(f"The store can't be reached: {message}")


def _first_line(message: str) -> str:
    lines = message.strip().splitlines()
    return lines[0] if lines else "the connection was cut"
