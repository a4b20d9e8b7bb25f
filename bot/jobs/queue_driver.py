"""How the engine of the queue reaches the database: over the connections of the store, which are opened again when they
were cut. It listens to no notifications: the queue is asked again and again instead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import psycopg
import sqlalchemy as sa
import structlog
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports.platform import Sleep
from bot.store.database import Store, unreachable

log = structlog.get_logger(__name__)
Listener = Callable[[str | bytes | bytearray], None]
OUTAGE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,  # all connections of the store are in use
    OSError,
)
"""The errors of a database that does not answer, or cut a connection."""
OUTAGE_SECONDS = 1.0


class Connected:
    """The driver over one open connection."""

    tm: Any = None
    """The engine's tasks for listening: there are none."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.shutdown = asyncio.Event()
        self._connection = connection

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a query."""
        cursor = psycopg.AsyncRawCursor(self._connection, row_factory=dict_row)
        await cursor.execute(query.encode(), args or None)
        return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Execute a statement, or several without arguments."""
        cursor = psycopg.AsyncRawCursor(self._connection)
        await cursor.execute(query.encode(), args or None)
        return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Nobody listens."""

    async def add_listener(self, channel: str, callback: Listener) -> None:
        """The queue is asked again and again instead."""

    async def __aenter__(self) -> Connected:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever opened the connection closes it."""


class Pooled(Connected):
    """The same over the store's connections. While the database is away, it waits for it, until `is_ending`."""

    def __init__(self, store: Store, sleep: Sleep) -> None:
        self._store, self._sleep, self.is_ending = store, sleep, False
        self.shutdown = asyncio.Event()
        self._listeners: list[Listener] = []

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a query."""
        return cast("list[dict[str, object]]", await self._patiently("fetch", query, *args))

    async def execute(self, query: str, *args: object) -> str:
        """Execute a statement."""
        return cast(str, await self._patiently("execute", query, *args))

    async def notify(self, channel: str, payload: str) -> None:
        """Tell this process alone, which is how the engine checks that it hears itself."""
        for listener in self._listeners:
            listener(payload)

    async def add_listener(self, channel: str, callback: Listener) -> None:
        """Add a listener of this process."""
        self._listeners.append(callback)

    async def _patiently(self, do: str, query: str, *args: object) -> object:
        is_away = False
        while True:
            try:
                async with opened(self._store) as connection:
                    result: object = await getattr(connection, do)(query, *args)
            except OUTAGE as error:
                if self.is_ending:
                    raise unreachable(error) from error
                if not is_away:
                    log.warning("The queue's database does not answer; it is asked again.", why=str(unreachable(error)))
                is_away = True
                await self._sleep(OUTAGE_SECONDS)
                continue
            if is_away:
                log.info("The queue's database answers again.")
            return result


@contextlib.asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Connected]:
    """A connection of the store on which each statement is a transaction."""
    async with store.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        yield await driver_of(connection)


async def driver_of(connection: AsyncConnection) -> Connected:
    """The driver over a connection of the store, also within its transaction."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    return Connected(raw)
