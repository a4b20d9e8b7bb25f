"""Alerts: a paper that matches a channel's topic is posted as soon as it is listed, once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.digests.composer import DigestComposer
from bot.jobs.work import ALL
from bot.model.text import plain_text
from bot.paper_index import PaperIndex
from bot.ports.platform import Clock, Platform
from bot.private_indexes import PrivateIndexes
from bot.store import channel_feeds, channels, exposures, metadata, papers, topics
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.leases import Leases
from bot.store.states import ChannelState, DeliveryKind
from bot.store.topics import Topic
from recommender import Recommender

ALERTED_REVISION = "alerts_heard_revision"
"""The fact that holds the count of changes up to which topics have been alerted."""
_FEEDS_ALERTED_AT = "alerts_of_feeds_heard_at"
"""The fact that holds the time up to which topics have been alerted of papers of channels' feeds."""
_ALERTS = "alerts"
"""The lease on planning alerts."""
_OVERLAP = timedelta(minutes=6)
"""How long before that time a paper of a feed may have come: its transaction was not committed then, or the clock of
its process is minutes behind."""
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
        private: PrivateIndexes,
        leases: Leases,
    ) -> None:
        self._store, self._paper_index, self._digests, self._clock = store, paper_index, digests, clock
        self._platforms, self._private, self._leases = platforms, private, leases
        self._window = timedelta(days=window_days)

    async def due(self) -> Sequence[str]:
        """Whether papers have changed since alerts were planned, as keys of work. After a restore the sources are read
        first."""
        async with self._store.read() as tx:
            revision, alerted_until = await metadata.revision(tx), int(await metadata.get(tx, ALERTED_REVISION) or 0)
            return ALL if revision > alerted_until and not await metadata.get(tx, metadata.RESTORED_AT) else ()

    async def plan(self) -> int:
        """Plan what is new for each alerting topic; how many messages those are. While another process plans, it is
        left to the next time."""
        async with self._leases.holding(_ALERTS) as held:
            return await self._plan_all() if held else 0

    async def _plan_all(self) -> int:
        now = self._clock()
        async with self._store.read() as tx:
            alerted_until = int(await metadata.get(tx, ALERTED_REVISION) or 0)
            # What the index could not take in yet is for the next time.
            indexed_until = max(await self._paper_index.revision(tx), alerted_until)
            feeds_alerted_at = await metadata.get(tx, _FEEDS_ALERTED_AT)
            alert_topics = await topics.alerting(tx)
        came_after = datetime.fromisoformat(feeds_alerted_at) - _OVERLAP if feeds_alerted_at else now - self._window
        planned = 0
        for topic in alert_topics:
            planned += await self._plan(topic, alerted_until, came_after, now)
        async with self._store.write() as tx:
            # A process that was paused here comes late. What another one has planned meanwhile stays planned.
            await metadata.raise_to(tx, ALERTED_REVISION, str(indexed_until), int)
            await metadata.raise_to(tx, _FEEDS_ALERTED_AT, now.isoformat(), datetime.fromisoformat)
        return planned

    async def _plan(self, topic: Topic, alerted_until: int, came_after: datetime, now: datetime) -> int:
        today = now.date()
        async with self._store.read() as tx:
            channel = await channels.get(tx, topic.channel_id)
            # What was known before the topic is left to the digest.
            new_ids = await papers.news(
                tx, today - self._window, today + timedelta(days=1), after=alerted_until, heard_after=topic.created_at
            )
        if channel is None or channel.state is not ChannelState.ACTIVE:
            return 0
        unseen_ids = []
        if new_ids:
            matches = await asyncio.to_thread(_matching, self._paper_index.engine, topic.query, new_ids)
            unseen_ids = await self._digests.unseen(channel, matches)
        unseen_ids += await self._matches_of_feeds(channel, topic, max(came_after, topic.created_at))
        platform = self._platforms.get(channel.place.platform)
        most_titles = platform.capabilities.numbers if platform else 0
        async with self._store.read() as tx:
            listed_papers = list((await papers.get_many(tx, unseen_ids[: _MOST_CARDS + most_titles])).values())
        name = plain_text(topic.query)
        text = f"Just listed, for the topic “{name}”:"
        deliveries = [
            await self._digests.plan_card(channel, paper, DeliveryKind.ALERT, text, now)
            for paper in listed_papers[:_MOST_CARDS]
        ]
        if further_papers := listed_papers[_MOST_CARDS:]:
            more = f"{len(further_papers)} more just listed, for the topic “{name}”."
            text = f"{more} React with the number of each you like:"
            deliveries.append(await self._digests.plan_list(channel, further_papers, DeliveryKind.ALERT, text, now))
        return sum(delivery is not None for delivery in deliveries)

    async def _matches_of_feeds(self, channel: Channel, topic: Topic, after: datetime) -> list[str]:
        """The papers of the channel's own feeds that came after a moment and match a topic, unless it has had them."""
        async with self._store.read() as tx:
            new_ids = await channel_feeds.came_after(tx, channel.id, after)
            known_ids = await exposures.known(tx, channel.id) if new_ids else set()
        if not (new_ids := [paper_id for paper_id in new_ids if paper_id not in known_ids]):
            return []
        engine = await self._private.engine(channel.id)
        return await asyncio.to_thread(_matching, engine, topic.query, new_ids) if engine else []


def _matching(engine: Recommender, query: str, paper_ids: Sequence[str]) -> list[str]:
    return [hit.paper_id for hit in engine.matching(query, [paper_id for paper_id in paper_ids if paper_id in engine])]
