"""SQLite on the event loop, without a thread.

A statement of ours takes a tenth of a millisecond. Handed to a thread, its answer comes back when the loop has gone
round once, which under load takes a hundred times as long; and for the one that writes all others wait. So statements
are done at once, where they are asked for, and only what may take long is not: a lock of another program is waited for
asleep, a transaction of many statements lets the loop turn in between, and what was written is moved from the log into
the file (which waits for the disk) in a thread.
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

_DRIVER = "here"
_CONNECTIONS = 15
_AT_A_STRETCH_SECONDS = 0.01
_LOOKS_AGAIN_SECONDS = 0.01
_KIND = 0xFF
"""The part of an error's code that says what kind it is (sqlite.org/rescode.html)."""
Done = TypeVar("Done")


class _Context(SQLiteExecutionContext):
    def create_server_side_cursor(self) -> Any:
        return self._dbapi_connection.cursor(server_side=True)


class Here(SQLiteDialect_pysqlite):
    """SQLAlchemy's SQLite for an event loop."""

    driver = _DRIVER
    is_async = True
    supports_statement_cache = True
    supports_server_side_cursors = True
    execution_ctx_cls = _Context

    @classmethod
    def get_pool_class(cls, url: sa.URL) -> type[sa.Pool]:
        """One connection for each transaction, or the only one where it alone knows the store."""
        return sa.AsyncAdaptedQueuePool if cls._is_url_file_db(url) else sa.StaticPool


registry.register(f"sqlite.{_DRIVER}", __name__, Here.__name__)


def engine(url: sa.URL, busy_seconds: float) -> AsyncEngine:
    """An engine for a file that can be opened; a lock of another program is waited for so many seconds."""
    made = create_async_engine(
        url.set(drivername=f"sqlite+{_DRIVER}"),
        hide_parameters=True,  # errors are logged, and what members say is in the parameters
        connect_args={"factory": partial(_Connection, busy_seconds), "timeout": 0, "isolation_level": None},
        **({"pool_size": _CONNECTIONS, "max_overflow": 0} if url.database not in (None, "", ":memory:") else {}),
    )
    sa.event.listen(made.sync_engine, "connect", _prepare)
    sa.event.listen(made.sync_engine, "begin", _begin)
    return made


def checkpoint(file: str) -> None:
    """Move what was committed from the log into the file; to be called in a thread. Where that fails, it is safe in the
    log, and goes the next time."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # NORMAL survives a crash of the process, and a power cut costs at most the last moments, never the file.
    for pragma in (
        *("journal_mode = WAL", "wal_autocheckpoint = 0", "synchronous = NORMAL"),
        *("foreign_keys = ON", "temp_store = MEMORY"),
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


class _Connection(sqlite3.Connection):
    """A connection whose statements are done on the event loop."""

    def __init__(self, busy_seconds: float, *where: Any, **how: Any) -> None:
        super().__init__(*where, **how)
        self._busy_seconds, self._since = busy_seconds, 0.0

    def cursor(self, factory: object = None, *, server_side: bool = False) -> _Streamed:  # type: ignore[override]
        return super().cursor(_Streamed if server_side else _Cursor)

    def do(self, sql: str, statement: Callable[[], Done]) -> Done:
        """Do a statement, as soon as no other program is in its way."""
        if sql.startswith("BEGIN"):
            self._since = time.perf_counter()
        await_only(self._turn())
        gives_up = time.monotonic() + self._busy_seconds
        while True:
            try:
                return statement()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _KIND != sqlite3.SQLITE_BUSY or time.monotonic() >= gives_up:
                    raise
            await_only(asyncio.sleep(_LOOKS_AGAIN_SECONDS))

    async def _turn(self) -> None:
        if time.perf_counter() - self._since > _AT_A_STRETCH_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


class _Streamed(sqlite3.Cursor):
    """A cursor that reads on as it is asked."""

    connection: _Connection

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        return self.connection.do(sql, partial(super().execute, sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Self:
        return self.connection.do(sql, partial(super().executemany, sql, parameters))

    async def _async_soft_close(self) -> None:
        """What SQLAlchemy asks of the drivers that it knows to be asynchronous."""


class _Cursor(_Streamed):
    """A cursor that reads all at once: later statements may change what is there to be read."""

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
