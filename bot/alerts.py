"""Alerts: a paper that matches a channel's topic is posted as soon as it is listed, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from bot.channels import cards
from bot.channels.digest import ALERT, Digests
from bot.library import Library
from bot.platforms.base import Clock
from bot.store import channels, facts, papers, topics
from bot.store.database import Store
from bot.store.states import ChannelState
from bot.store.topics import Topic

_HEARD_UNTIL = "alerts_heard_until"
_MOST_A_TIME = 5
"""Cards that one topic may bring from one reading; the digest has the rest."""


class Alerts:
    """Plans alerts for what became known since the last time; `window_days` bounds how old news may be."""

    def __init__(self, store: Store, library: Library, digests: Digests, clock: Clock, window_days: int) -> None:
        self._store, self._library, self._digests, self._clock = store, library, digests, clock
        self._window = timedelta(days=window_days)

    async def plan(self) -> int:
        """Plan a card for each new match of each alerting topic; how many those are."""
        now = self._clock()
        async with self._store.read() as tx:
            heard = await facts.get(tx, _HEARD_UNTIL)
            alerting = await topics.alerting(tx)
        planned = 0
        for topic in alerting:
            after = max(topic.created_at, datetime.fromisoformat(heard)) if heard else topic.created_at
            planned += await self._plan(topic, after, now)
        async with self._store.write() as tx:
            await facts.put(tx, _HEARD_UNTIL, now.isoformat())
        return planned

    async def _plan(self, topic: Topic, after: datetime, now: datetime) -> int:
        today = now.date()
        async with self._store.read() as tx:
            channel = await channels.get(tx, topic.channel_id)
            fresh = set(await papers.news(tx, today - self._window, today + timedelta(days=1), after))
            if channel is None or channel.state is not ChannelState.ACTIVE or not fresh:
                return 0
            engine = self._library.engine
            hits = (hit.paper_id for hit in engine.search(topic.query, limit=len(engine)) if hit.paper_id in fresh)
            found = await papers.get_many(tx, islice(filter(partial(self._matches, topic), hits), _MOST_A_TIME))
        text = f"Just listed, for the topic “{cards.inert(topic.query)}”:"
        made = [await self._digests.plan_card(channel, paper, ALERT, text, now) for paper in found.values()]
        return sum(delivery is not None for delivery in made)

    def _matches(self, topic: Topic, paper_id: str) -> bool:
        # A search also finds what has only some of the words; muting asks for all that the topic asks for.
        return self._library.engine.explain(paper_id, (), (f"-{topic.query}",)).muted_by is not None
