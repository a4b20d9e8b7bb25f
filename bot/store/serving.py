"""The lock that lets one bot at a time serve a PostgreSQL store, and the pause of all writing while it is not held.

It is an advisory lock of a transaction that stays open on a connection of its own. A transaction keeps its server
connection behind a pooler too (PgBouncer in transaction mode), where a lock of the session would get lost. The
transaction reads and writes no rows, so it holds back no vacuum.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import structlog

from bot.store.database import make_engine, unreachable
from bot.store.errors import StoreAway, StoreError, StoreMissing

log = structlog.get_logger(__name__)
_LOCK = 7_402_512
"""The first half of the lock's key; the second is a hash of the schema. The database is part of every key."""
_PING_SECONDS = 5.0
_ANSWER_SECONDS = 8.0
"""How long the server may take to answer a ping. As long as its own keepalives take to give up a dead client."""
_PING = "select 1"
_RETRY_SECONDS = 0.25
_GAP_SECONDS = 2.0
"""How long a write waits for a lock that is being taken again, before it fails as if the database were away."""
_CLIENT_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 2}
_SERVER_SETTINGS = {
    # A client whose machine died is noticed after 4 + 2 × 2 seconds, and its lock is free.
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "8000",
    # The transaction is meant to stay open.
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}


class StoreTaken(StoreError):
    """Another bot serves this store."""


class ServingLock:
    """The lock of the bot that serves a PostgreSQL store. `acquire` waits `wait_seconds` for another holder: it may
    have died, and the server may not have noticed yet."""

    def __init__(self, url: str, wait_seconds: float) -> None:
        engine = make_engine(url, wait_seconds)
        _, arguments = engine.dialect.create_connect_args(engine.url)
        self._connect_args = {"connect_timeout": 10, **arguments, **_CLIENT_KEEPALIVES, "tcp_user_timeout": 8000}
        self._where = f"the database {engine.url.database or ''} on {engine.url.host or 'this machine'}"
        self._wait_seconds = wait_seconds
        self._connection: psycopg.AsyncConnection | None = None
        self._held = asyncio.Event()

    async def acquire(self) -> None:
        """Take the lock.

        Raises StoreTaken when another bot holds it, StoreAway when the server does not answer, StoreMissing when the
        store may not be opened.
        """
        deadline = asyncio.get_running_loop().time() + self._wait_seconds
        logged = False
        while not await self._try_acquire():
            if asyncio.get_running_loop().time() >= deadline:
                await self.release()
                raise StoreTaken(
                    f"Another Paperboy serves {self._where} already. Stop that one first, or give this one a database "
                    "of its own with PAPERBOY_DATABASE_URL. `paperboy search` and the like work beside it."
                )
            if not logged:
                log.warning(
                    "Another Paperboy holds this store. If it was just stopped or died, its lock ends in a moment.",
                    waiting_seconds=self._wait_seconds,
                )
                logged = True
            await asyncio.sleep(_RETRY_SECONDS)
        self._held.set()

    async def keep(self) -> None:
        """Take the lock again whenever its connection is cut. Ends only by StoreTaken, if another bot took the lock in
        between."""
        while True:
            await self._wait_until_cut()
            log.warning("The connection that holds the store for this bot was cut. Nothing is sent until it is back.")
            await self._acquire_again()
            log.info("This bot holds its store again.")

    @contextlib.asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold the lock until the block ends. When another bot took it, the block is cancelled and StoreTaken raised.

        Raises what `acquire` does.
        """
        task = asyncio.current_task()
        assert task is not None
        await self.acquire()
        failures: list[Exception] = []

        async def watch() -> None:
            try:
                await self.keep()
            except Exception as error:
                failures.append(error)
                task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not failures or task.uncancel():
                raise
            if not isinstance(failures[0], StoreTaken):
                raise failures[0] from None
            raise StoreTaken(
                f"Another Paperboy took over {self._where} while this one's connection was cut. This one stops."
            ) from failures[0]
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await self.release()

    async def ready(self) -> None:
        """Return while the lock is held. Raises StoreAway when it does not come back within a moment."""
        if self._held.is_set():
            return
        try:
            async with asyncio.timeout(_GAP_SECONDS):
                await self._held.wait()
        except TimeoutError:
            raise StoreAway("The connection to the database was cut; it is built up again.") from None

    async def _acquire_again(self) -> None:
        while True:
            try:
                return await self.acquire()
            except StoreMissing:
                await asyncio.sleep(_RETRY_SECONDS * 4)

    async def _try_acquire(self) -> bool:
        try:
            if self._connection is None:
                # These arguments override those of the URL: a lost lock must be noticed.
                self._connection = await psycopg.AsyncConnection.connect(**self._connect_args)
                # In a stricter isolation the open transaction would hold back vacuum.
                await self._connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            cursor = await self._connection.execute(
                "select pg_try_advisory_xact_lock(%s, hashtext(coalesce(current_schema(), '')))", (_LOCK,)
            )
            row = await cursor.fetchone()
            if not (row and row[0]):
                await self._connection.rollback()
                return False
            await self._connection.execute(
                "select set_config(name, wanted.value, true) from pg_settings"
                " join (select unnest(%s::text[]) as name, unnest(%s::text[]) as value) as wanted using (name)",
                (list(_SERVER_SETTINGS), list(_SERVER_SETTINGS.values())),
            )
            # A statement with parameters keeps its snapshot, and so holds back vacuum, until the next one.
            await self._connection.execute(_PING)
        except (psycopg.Error, OSError) as error:
            await self.release()
            raise unreachable(error) from error
        except BaseException:
            await self.release()
            raise
        return True

    async def _wait_until_cut(self) -> None:
        """Return when the connection is cut, which the socket reports at once, or when the server stops answering."""
        assert self._connection is not None
        try:
            while True:
                async for _ in self._connection.notifies(timeout=_PING_SECONDS):
                    pass
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._connection.execute(_PING)
        except (psycopg.Error, OSError, TimeoutError):
            await self.release()

    async def release(self) -> None:
        """Release the lock, whether it is held or not."""
        self._held.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()
