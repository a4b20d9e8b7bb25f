"""Search among private papers: a small index in memory for each channel that may see some.

They never stand in the index of all papers, so nothing of them comes up for anybody else, not even as a word that
completes what is typed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import contributions
from recommender import Recommender

_MOST_KEPT = 32
"""Indexes held in memory, those of the channels that asked last."""


class PrivateIndexes:
    """The indexes of private papers, made when they are asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[tuple[int, datetime | None], Recommender]] = OrderedDict()

    async def engine(self, tx: AsyncConnection, channel_id: int) -> Recommender | None:
        """An index of the private papers that a channel may see; None when there are none."""
        stamp = await contributions.stamp(tx, channel_id)
        if not stamp[0]:
            self._kept.pop(channel_id, None)
            return None
        known = self._kept.get(channel_id)
        if known is None or known[0] != stamp:
            engine = Recommender()
            await asyncio.to_thread(engine.add, await contributions.visible(tx, channel_id))
            known = self._kept[channel_id] = stamp, engine
        self._kept.move_to_end(channel_id)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return known[1]
