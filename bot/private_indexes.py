"""Search in private papers: a small index in memory for each channel that may see some of them.

Private papers are never in the index of all papers. So no search, correction or completion shows them to others.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from bot.store import contributions, papers
from bot.store.database import Store
from recommender import Hit, Recommender

_MOST_KEPT = 32
"""Indexes that are kept in memory: those of the channels that searched last."""
_MOST_PAPERS = 20_000
"""Papers in all these indexes together, if there are several. They take 500 MB at most."""


@dataclass
class _Index:
    """The index of a channel, and the ids of the papers in it."""

    engine: Recommender = field(default_factory=Recommender)
    ids: set[str] = field(default_factory=set)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class PrivateIndexes:
    """The indexes of private papers. Each is made when it is first needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[int, _Index] = OrderedDict()

    async def engine(self, channel_id: int) -> Recommender | None:
        """An index of the private papers that a channel may see; None if there are none."""
        index = await self._index(channel_id)
        return index.engine if index else None

    async def matching(self, channel_id: int, query: str) -> list[Hit]:
        """The private papers of a channel and its workspace that match the whole query, best first. If there are none,
        the corrected query is tried."""
        index = await self._index(channel_id)
        if index is None:
            return []
        ids = sorted(index.ids)
        matches = await asyncio.to_thread(index.engine.matching, query, ids)
        corrected = (await asyncio.to_thread(index.engine.interpret, query)).suggestion
        return matches or (await asyncio.to_thread(index.engine.matching, corrected, ids) if corrected else [])

    async def _index(self, channel_id: int) -> _Index | None:
        async with self._store.read() as tx:
            ids = await contributions.visible_ids(tx, channel_id)
        if not ids:
            self._kept.pop(channel_id, None)
            return None
        index = self._kept.get(channel_id)
        if index is None or not index.ids <= ids:  # nothing of a paper that is gone may stay, not even its words
            index = self._kept[channel_id] = _Index()
        async with index.changing:
            if new := sorted(ids - index.ids):
                async with self._store.read() as tx:
                    added = await papers.get_many(tx, new)
                await asyncio.to_thread(index.engine.add, list(added.values()))
                index.ids.update(added)
        self._keep(channel_id)
        return index

    def _keep(self, channel_id: int) -> None:
        """Drop the indexes that were used longest ago, if there are too many."""
        if channel_id in self._kept:
            self._kept.move_to_end(channel_id)
        while len(self._kept) > 1 and (
            len(self._kept) > _MOST_KEPT or sum(len(index.ids) for index in self._kept.values()) > _MOST_PAPERS
        ):
            self._kept.popitem(last=False)
