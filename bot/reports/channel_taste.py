"""What a channel's taste was learned from, and how its picks were liked: charts and sentences."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.model.charts import BarChart, ShareChart
from bot.model.text import count
from bot.reports import stats as stats_report
from bot.reports.channel_view import ChannelView
from bot.reports.charts import stats_chart, taste_chart
from bot.reports.stats_words import beside, line
from bot.store import topics
from bot.store.topics import Topic


@dataclass(frozen=True, slots=True)
class ChannelTaste:
    """What a channel's taste was learned from (`basis`), its topics, its taste as a chart (None without one), and its
    record as a chart with sentences (None and none before the first digest)."""

    basis: str
    topics: tuple[Topic, ...]
    taste: BarChart | None
    record: ShareChart | None
    sentences: tuple[str, ...]


async def of_channel(view: ChannelView) -> ChannelTaste:
    """The taste and the record of a channel now."""
    async with view.store.read() as tx:
        profile = await view.digests.profile(tx, view.channel.id)
        own_topics = await topics.for_channel(tx, view.channel.id)
        stats = await stats_report.of_channel(tx, view.channel.id, view.emoji)
    basis = (
        f"Learned from {count(profile.votes, 'vote')} by {count(profile.members, 'member')} and "
        f"{count(len(profile.topics), 'topic')}."
    )
    taste = None
    if profile.votes or profile.topics:
        words = await asyncio.to_thread(view.paper_index.engine.taste, profile.feedback, profile.topics, view.now)
        taste = taste_chart(words)
    else:
        basis = "Nothing learned yet: votes and topics teach it."
    sentences = (f"In all: {line(stats.total)}.", *beside(stats.total)) if stats else ()
    return ChannelTaste(basis, tuple(own_topics), taste, stats_chart(stats) if stats else None, sentences)
