"""The store and the index as a command needs them: opened, brought up to date, and closed again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot.library import Library
from bot.operate.saying import progress
from bot.settings import Settings
from bot.store.database import Store


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the settings."""
    store = await Store.open(settings.store_url, busy_seconds=settings.database_busy_seconds)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def opened_library(settings: Settings) -> AsyncIterator[tuple[Store, Library]]:
    """The store and its index."""
    async with opened_store(settings) as store:
        yield store, await index(store, settings)


async def index(store: Store, settings: Settings) -> Library:
    """The index, with everything in it that is new in the store."""
    with progress("Indexing") as tick:
        return await Library.open(store, settings.index_dir, tick)
