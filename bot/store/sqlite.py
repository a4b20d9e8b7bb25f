"""SQLite on the event loop, without a thread.

A statement of the bot takes a tenth of a millisecond. If it ran in a thread, its result would arrive a turn of the
loop later. Under load that takes a hundred times as long, and all other writers wait for it. So statements run at once,
on the loop. Only slow work does not: waiting for another program's lock is sleep, a transaction of many statements lets
the loop turn in between, and a thread moves committed transactions from the log into the file on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

_DRIVER = "inloop"
_CONNECTIONS = 15
_YIELD_SECONDS = 0.01
"""How long a transaction may run before it lets the loop turn."""
_POLL_SECONDS = 0.01
_PRIMARY_CODE = 0xFF
"""The bits of a result code that hold its primary code (sqlite.org/rescode.html)."""
Result = TypeVar("Result")


class _Context(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> Any:
        return self._dbapi_connection.cursor(server_side=True)


class InLoopDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's SQLite dialect, for statements that run on the event loop."""

    driver = _DRIVER
    is_async = True
    supports_statement_cache = True
    supports_server_side_cursors = True
    execution_ctx_cls = _Context

    @classmethod
    def get_pool_class(cls, url: sa.URL) -> type[sa.Pool]:
        """A pool with a connection for each transaction; for a store in memory, its only connection."""
        return sa.AsyncAdaptedQueuePool if cls._is_url_file_db(url) else sa.StaticPool


registry.register(f"sqlite.{_DRIVER}", __name__, InLoopDialect.__name__)


def engine(url: sa.URL, busy_seconds: float) -> AsyncEngine:
    """An engine for a file that can be opened. It waits up to `busy_seconds` for a lock of another program."""
    async_engine = create_async_engine(
        url.set(drivername=f"sqlite+{_DRIVER}"),
        hide_parameters=True,  # errors are logged, and the parameters hold texts of members
        connect_args={"factory": partial(_Connection, busy_seconds), "timeout": 0, "isolation_level": None},
        **({"pool_size": _CONNECTIONS, "max_overflow": 0} if url.database not in (None, "", ":memory:") else {}),
    )
    sa.event.listen(async_engine.sync_engine, "connect", _prepare)
    sa.event.listen(async_engine.sync_engine, "begin", _begin)
    return async_engine


def checkpoint(file: str) -> None:
    """Move committed transactions from the log into the file; to be called in a thread. If that fails, they stay safe
    in the log until the next time."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # With NORMAL nothing is lost in a crash of the process. A power cut loses at most the last moments, never the file.
    for pragma in (
        *("journal_mode = WAL", "wal_autocheckpoint = 0", "synchronous = NORMAL"),
        *("foreign_keys = ON", "temp_store = MEMORY"),
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


class _Connection(sqlite3.Connection):
    """A connection whose statements run on the event loop."""

    def __init__(self, busy_seconds: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._busy_seconds, self._last_yield = busy_seconds, 0.0

    def cursor(self, factory: object = None, *, server_side: bool = False) -> _Streamed:  # type: ignore[override]
        return super().cursor(_Streamed if server_side else _Cursor)

    def run(self, sql: str, statement: Callable[[], Result]) -> Result:
        """Run a statement as soon as no other program holds the lock."""
        if sql.startswith("BEGIN"):
            self._last_yield = time.perf_counter()
        await_only(self._yield_to_loop())
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                return statement()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
            await_only(asyncio.sleep(_POLL_SECONDS))

    async def _yield_to_loop(self) -> None:
        if time.perf_counter() - self._last_yield > _YIELD_SECONDS:
            await asyncio.sleep(0)
            self._last_yield = time.perf_counter()


class _Streamed(sqlite3.Cursor):
    """A cursor that reads rows when they are fetched."""

    connection: _Connection

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        return self.connection.run(sql, partial(super().execute, sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        return self.connection.run(sql, partial(super().executemany, sql, parameters))

    async def _async_soft_close(self) -> None:
        """SQLAlchemy calls this on cursors of asynchronous drivers."""


class _Cursor(_Streamed):
    """A cursor that reads all rows at once, since later statements may change them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows = deque[Any]()

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        super().execute(sql, parameters)
        self._rows = deque(super().fetchall())
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows
