"""Opens the store and the index for a command, brings them up to date, and closes them again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from bot.installations.encryption import TokenCipher
from bot.operate.output import err, progress
from bot.operate.private import keep_private
from bot.paper_index import PaperIndex
from bot.ports.platform import Sleep
from bot.settings import Settings
from bot.store.database import Store, parsed_url
from bot.store.errors import StoreAway
from bot.store.opening import open_store

_RETRY_SECONDS = 1.0
Opened = TypeVar("Opened")


async def retry_while_away(
    settings: Settings,
    attempt: Callable[[], Awaitable[Opened]],
    *,
    sleep: Sleep = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> Opened:
    """The result of the attempt, which is repeated while the database is away, for `database_start_seconds`. The
    database may start after the bot, or cut a connection while the bot starts. Raises StoreAway after that time."""
    ends, announced = seconds() + settings.database_start_seconds, False
    while True:
        try:
            return await attempt()
        except StoreAway as error:
            if seconds() >= ends:
                raise
            if not announced:
                err(f"{str(error).rstrip('.')}. Waiting up to {settings.database_start_seconds:.0f} seconds for it.")
                announced = True
        await sleep(_RETRY_SECONDS)


def token_cipher(settings: Settings) -> TokenCipher:
    """What encrypts the secrets in the store. Processes on several machines can share a PostgreSQL store, and no file:
    their key comes from the settings."""
    shared = parsed_url(settings.store_url).get_backend_name() != "sqlite"
    return TokenCipher(settings.encryption_keys, settings.key_file, shared=shared)


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the settings."""
    keep_private(settings)
    store = await open_store(
        settings.store_url,
        busy_seconds=settings.database_busy_seconds,
        connections=settings.database_connections,
    )
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def opened_paper_index(settings: Settings) -> AsyncIterator[tuple[Store, PaperIndex]]:
    """The store and its index."""
    async with opened_store(settings) as store:
        yield store, await index(store, settings)


async def index(store: Store, settings: Settings, *, replaced: str = "") -> PaperIndex:
    """The index, brought up to date with the store. `replaced` is the id of the store that a restored one replaced."""
    with progress("Indexing") as tick:
        return await PaperIndex.open(store, settings.index_dir, tick, replaced=replaced)
