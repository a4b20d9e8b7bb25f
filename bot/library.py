"""The library: the recommender's index, kept in step with the papers in the store."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from bot.store import facts, papers
from bot.store.database import Store
from recommender import CorruptIndexError, NewerIndexError, Recommender

log = structlog.get_logger(__name__)
_AT_ONCE = 3_000
"""Papers indexed at a time: larger additions leave the index less to merge, smaller ones need less memory."""
Progress = Callable[[int, int], None]
"""Called with how many papers are done, and how many there are in all."""


class Library:
    """The index over the store's papers. `engine` answers; `catch_up` brings it to what the store knows now."""

    def __init__(self, store: Store, engine: Recommender, folder: Path | None) -> None:
        self._store, self.engine, self._folder = store, engine, folder
        self._adding = asyncio.Lock()

    @classmethod
    async def open(cls, store: Store, folder: Path | None, progress: Progress | None = None) -> Library:
        """Open the index in a folder (None: in memory); a damaged one is rebuilt, and said once."""
        try:
            engine = await asyncio.to_thread(Recommender.open, folder) if folder else Recommender()
        except (CorruptIndexError, NewerIndexError) as error:
            why = error.problem if isinstance(error, CorruptIndexError) else "a newer Paperboy wrote it"
            log.warning("The search index can't be used; it is rebuilt from the store.", why=why)
            assert folder is not None
            await asyncio.to_thread(shutil.rmtree, folder)
            engine = await asyncio.to_thread(Recommender.open, folder)
        library = cls(store, engine, folder)
        await library.catch_up(progress)
        return library

    async def catch_up(self, progress: Progress | None = None) -> int:
        """Index every paper that changed in the store since the last time; how many those were."""
        async with self._adding:
            await asyncio.to_thread(self.engine.refresh)
            # Opened for writing only when the store has no id yet: a search must work beside any other program.
            async with self._store.read() as tx:
                store_id = await facts.get(tx, "store_id")
                total = await papers.count(tx)
            if store_id is None:
                async with self._store.write() as tx:
                    store_id = await facts.store_id(tx)
            known = await self._known_revision(store_id)
            done = 0
            while True:
                async with self._store.read() as tx:
                    changed = await papers.changed_since(tx, known, _AT_ONCE)
                if not changed:
                    return done
                known = changed[-1][0]
                await asyncio.to_thread(self.engine.add, [paper for _, paper in changed], f"{store_id}:{known}")
                done += len(changed)
                if progress:
                    progress(min(done, total), total)

    async def discard(self, paper_ids: Iterable[str]) -> None:
        """Forget papers that turned out to be other ones."""
        gone = list(paper_ids)
        if gone:
            async with self._adding:
                await asyncio.to_thread(self.engine.discard, gone)

    async def _known_revision(self, store_id: str) -> int:
        marked_store, _, revision = (self.engine.marker or "").partition(":")
        if marked_store == store_id and revision.isdecimal():
            return int(revision)
        if len(self.engine):
            # Another store's index, or one from before a backup was restored.
            log.warning("The search index belongs to another state of the store; it is rebuilt.")
            if self._folder:
                await asyncio.to_thread(shutil.rmtree, self._folder)
                self.engine = await asyncio.to_thread(Recommender.open, self._folder)
            else:
                self.engine = Recommender()
        return 0
