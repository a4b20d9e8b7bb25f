"""The paper index: the recommender's index, kept in step with the papers in the store."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import metadata, papers
from bot.store.database import Store
from recommender import CorruptIndexError, IndexBusyError, NewerIndexError, Recommender

log = structlog.get_logger(__name__)
_AT_ONCE = 3_000
"""Papers that are indexed at a time. Larger batches leave fewer postings to merge, smaller ones need less memory."""
_TRIES = 12
"""How often a sync is tried. Each try waits some seconds for another process that writes to the index."""
Progress = Callable[[int, int], None]
"""Called with the number of papers that are indexed, and with the number of all papers."""
Preparation = Callable[[Recommender], Recommender]
"""Makes the engine that answers out of the one that was opened."""
Answer = TypeVar("Answer")


class PaperIndex:
    """The index over the store's papers. `engine` answers; `sync` brings it up to the store. `prepare` is applied
    to every engine that is opened."""

    def __init__(
        self, store: Store, engine: Recommender, folder: Path | None, prepare: Preparation = lambda engine: engine
    ) -> None:
        self._store, self._folder, self._prepare = store, folder, prepare
        self.engine = prepare(engine)
        self._adding = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        store: Store,
        folder: Path | None,
        progress: Progress | None = None,
        *,
        replaced: str = "",
        prepare: Preparation = lambda engine: engine,
    ) -> PaperIndex:
        """Open the index in a folder, or in memory if `folder` is None. A damaged index is rebuilt, with one log line.

        If the folder holds the index of another store, that index stays, and this store's index is kept beside it.
        `replaced` is the id of a store whose place a restored one has taken: its index is rebuilt.
        """
        if store.in_memory:
            folder = None
        store_id = await _store_id(store)
        base, folder = folder, index_folder(folder, store_id) if folder else None
        try:
            engine = await asyncio.to_thread(Recommender.open, folder) if folder else Recommender()
        except (CorruptIndexError, NewerIndexError) as error:
            engine = await _empty(folder, error)
        owner, _ = _read_marker(engine)
        if folder and folder == base and owner not in ("", store_id, replaced):
            log.warning("The search index here belongs to another store. This store's is kept beside it.")
            folder = _beside(folder, store_id)
            engine = await asyncio.to_thread(Recommender.open, folder)
        paper_index = cls(store, engine, folder, prepare)
        try:
            await paper_index.sync(progress, tries=1)
        except IndexBusyError:
            log.warning("Another program is adding to the search index. Papers that are not in it yet are found later.")
        return paper_index

    async def sync(self, progress: Progress | None = None, tries: int = _TRIES) -> int:
        """Index every paper that changed in the store since the last sync, and return how many these were.

        Another process that writes to the index may be adding the same papers. The sync is tried `tries` times, and
        then raises IndexBusyError.
        """
        async with self._adding:
            for _ in range(tries - 1):
                with contextlib.suppress(IndexBusyError):
                    return await self._sync_or_rebuild(progress)
            return await self._sync_or_rebuild(progress)

    async def follow(self) -> None:
        """Index what other processes stored, so that a search finds it also where nobody posts or reads sources here.
        While another process writes to the index, it is left to the next time."""
        async with self._store.read() as tx:
            is_current = await self.revision(tx) == await metadata.revision(tx)
        if not is_current:
            with contextlib.suppress(IndexBusyError):
                await self.sync(tries=1)

    async def prepare_learning(self) -> None:
        """Fit a taste to nothing. The first fit of a process imports scikit-learn, which takes most of a second."""
        await asyncio.to_thread(self.engine.rank, (), ())

    async def read_consistent(self, function: Callable[[Recommender], Answer]) -> Answer:
        """Run a function on the engine in a thread, while no papers are added or discarded."""
        async with self._adding:
            return await asyncio.to_thread(function, self.engine)

    async def revision(self, tx: AsyncConnection) -> int:
        """The store's revision up to which the index has all papers; 0 for the index of another store."""
        store_id, revision = _read_marker(self.engine)
        return min(revision, await metadata.revision(tx)) if store_id == await metadata.get(tx, "store_id") else 0

    async def _sync_or_rebuild(self, progress: Progress | None) -> int:
        try:
            return await self._sync(progress)
        except (CorruptIndexError, NewerIndexError) as error:
            self.engine = self._prepare(await _empty(self._folder, error))
            return await self._sync(progress)

    async def _sync(self, progress: Progress | None) -> int:
        await asyncio.to_thread(self.engine.refresh)
        store_id = await _store_id(self._store)
        total = 0
        if progress:
            async with self._store.read() as tx:
                total = await papers.count(tx)
        revision = await self._indexed_revision(store_id)
        done = 0
        while True:
            async with self._store.read() as tx:
                changed = await papers.changed_since(tx, revision, _AT_ONCE)
                if not changed:
                    return done
                before, revision = revision, changed[-1][0]
                removed = await papers.removed_between(tx, before, revision)
            # Papers are discarded first: the marker is written with the added ones, so a crash in between repeats both.
            if discarded := [paper_id for paper_id in removed if paper_id in self.engine]:
                await asyncio.to_thread(self.engine.discard, discarded)
            await asyncio.to_thread(self.engine.add, [paper for _, paper in changed], f"{store_id}:{revision}")
            done += len(changed)
            if progress:
                progress(min(done, total), total)

    async def _indexed_revision(self, store_id: str) -> int:
        marked_store, revision = _read_marker(self.engine)
        if marked_store == store_id:
            return revision
        if len(self.engine):
            # A backup was restored.
            log.warning("The search index belongs to another state of the store; it is rebuilt.")
            self.engine = self._prepare(await _empty(self._folder))
        return 0


def index_folder(folder: Path, store_id: str) -> Path:
    """The folder of a store's index: the given one, or one beside it that was made because the given one was taken."""
    own = _beside(folder, store_id)
    return own if own.is_dir() else folder


def _beside(folder: Path, store_id: str) -> Path:
    return folder.with_name(f"{folder.name}-{store_id[:12]}")


async def _store_id(store: Store) -> str:
    # A write transaction is begun only if the store has no id yet: a search must work beside any other program.
    async with store.read() as tx:
        store_id = await metadata.get(tx, "store_id")
    if store_id is None:
        async with store.write() as tx:
            store_id = await metadata.store_id(tx)
    return store_id


def _read_marker(engine: Recommender) -> tuple[str, int]:
    """The id of the store that the index belongs to, and the revision up to which it has its papers."""
    store_id, _, revision = (engine.marker or "").partition(":")
    return (store_id, int(revision)) if revision.isdecimal() else ("", 0)


async def _empty(folder: Path | None, damage: CorruptIndexError | NewerIndexError | None = None) -> Recommender:
    """An empty index in the place of one that can't be used."""
    if damage:
        why = damage.problem if isinstance(damage, CorruptIndexError) else "a newer Paperboy wrote it"
        log.warning("The search index can't be used; it is rebuilt from the store.", why=why)
    if folder is None:
        return Recommender()
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return await asyncio.to_thread(Recommender.open, folder)
