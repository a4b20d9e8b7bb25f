"""Alerts: a paper that matches a channel's topic is posted as soon as it is listed, once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.digests.composer import DigestComposer
from bot.model.text import plain_text
from bot.paper_index import PaperIndex
from bot.ports.platform import Clock, Platform
from bot.store import channels, metadata, papers, topics
from bot.store.database import Store
from bot.store.states import ChannelState, DeliveryKind
from bot.store.topics import Topic
from recommender import Recommender

HEARD = "alerts_heard_revision"
"""The fact that holds the count of changes up to which topics have been alerted."""
_MOST_CARDS = 5
"""Cards that one topic may bring from one reading. Further matches come as numbered titles, as many as the platform can
number; the digest has the rest."""


class Alerts:
    """Plans alerts for what became known since the last time; `window_days` bounds how old news may be."""

    def __init__(
        self,
        store: Store,
        paper_index: PaperIndex,
        digests: DigestComposer,
        platforms: Mapping[str, Platform],
        clock: Clock,
        window_days: int,
    ) -> None:
        self._store, self._paper_index, self._digests, self._clock = store, paper_index, digests, clock
        self._platforms = platforms
        self._window = timedelta(days=window_days)

    async def plan(self) -> int:
        """Plan what is new for each alerting topic; how many messages those are."""
        now = self._clock()
        async with self._store.read() as tx:
            heard = int(await metadata.get(tx, HEARD) or 0)
            # What the index could not take in yet is for the next time.
            hears = max(await self._paper_index.revision(tx), heard)
            alerting = await topics.alerting(tx)
        planned = 0
        for topic in alerting:
            planned += await self._plan(topic, heard, now)
        async with self._store.write() as tx:
            await metadata.put(tx, HEARD, str(hears))
        return planned

    async def _plan(self, topic: Topic, heard: int, now: datetime) -> int:
        today = now.date()
        async with self._store.read() as tx:
            channel = await channels.get(tx, topic.channel_id)
            # What was known before the topic is left to the digest.
            fresh = await papers.news(
                tx, today - self._window, today + timedelta(days=1), after=heard, heard_after=topic.created_at
            )
            if channel is None or channel.state is not ChannelState.ACTIVE or not fresh:
                return 0
        matches = await asyncio.to_thread(_matching, self._paper_index.engine, topic.query, fresh)
        new = await self._digests.unseen(channel, matches)
        platform = self._platforms.get(channel.place.platform)
        further = platform.capabilities.numbers if platform else 0
        async with self._store.read() as tx:
            found = list((await papers.get_many(tx, new[: _MOST_CARDS + further])).values())
        name = plain_text(topic.query)
        text = f"Just listed, for the topic “{name}”:"
        made = [
            await self._digests.plan_card(channel, paper, DeliveryKind.ALERT, text, now)
            for paper in found[:_MOST_CARDS]
        ]
        if rest := found[_MOST_CARDS:]:
            text = f"{len(rest)} more just listed, for the topic “{name}”. React with the number of each you like:"
            made.append(await self._digests.plan_list(channel, rest, DeliveryKind.ALERT, text, now))
        return sum(delivery is not None for delivery in made)


def _matching(engine: Recommender, query: str, some: Sequence[str]) -> list[str]:
    return [hit.paper_id for hit in engine.matching(query, [paper_id for paper_id in some if paper_id in engine])]
