"""The facts that all processes on a store know."""

from __future__ import annotations

from bot.store import metadata
from bot.store.database import Store


class StoredFacts:
    """Implements `bot.ports.processes.Facts`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, name: str) -> str | None:
        """The value of a name, None if it has none."""
        async with self._store.read() as tx:
            return await metadata.get(tx, name)

    async def agree(self, name: str, value: str) -> str:
        """Set a value unless there is one. Returns the value that there is now."""
        existing = await self.get(name)
        if existing is not None:
            return existing
        async with self._store.write() as tx:
            return await metadata.put_first(tx, name, value)

    async def put(self, name: str, value: str) -> None:
        """Set a value."""
        async with self._store.write() as tx:
            await metadata.put(tx, name, value)
