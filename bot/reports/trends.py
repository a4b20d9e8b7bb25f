"""What is trending: the papers of the last days with the most upvotes, and with the most likes in a workspace."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.reports.listings import Period
from bot.store import channel_feeds, listings, votes
from recommender import Paper

DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}
"""The days that each period looks back, today among them."""
_MOST_LIKED = 5_000
_LIKE_POINTS = 5
"""A like in this workspace counts as so many upvotes from elsewhere."""


def window(period: Period, today: date) -> tuple[date, date]:
    """The first and the last day of what is trending now. Papers may be listed for tomorrow already."""
    return today - timedelta(days=DAYS[period] - 1), today + timedelta(days=1)


async def trending(tx: AsyncConnection, period: Period, today: date, limit: int) -> list[str]:
    """The ids of the most upvoted papers, best first, for everyone: nothing of any workspace takes part."""
    since, until = window(period, today)
    return await listings.most_upvoted(tx, since, until, limit)


async def trending_papers(tx: AsyncConnection, period: Period, today: date, limit: int, offset: int = 0) -> list[Paper]:
    """The papers of `trending`, from one statement."""
    return await listings.trending(tx, *window(period, today), limit, offset)


async def trending_for(
    tx: AsyncConnection, channel_id: int, emoji: EmojiTable, period: Period, zone: ZoneInfo, today: date, limit: int
) -> list[str]:
    """The ids of the papers with the most upvotes and likes, best first, as a channel may see them: its own likes and
    those of its workspace's public channels count, and the papers of their feeds take part."""
    since, until = window(period, today)
    feed_ids = await channel_feeds.came_after(tx, channel_id, datetime.combine(since, time(), zone), visible=True)
    votes_by_channel: dict[int, list[votes.Vote]] = {}
    for vote in [
        *await votes.visible_on_news(tx, channel_id, since, until),
        *await votes.visible_from(tx, channel_id, feed_ids),
    ]:
        votes_by_channel.setdefault(vote.channel_id, []).append(vote)
    likes: Counter[str] = Counter()
    for channel_votes in votes_by_channel.values():
        for standing_vote in feedback.standing_votes(channel_votes, emoji):
            likes[standing_vote.paper_id] += standing_vote.value > 0
    bonus = [(paper_id, _LIKE_POINTS * number) for paper_id, number in likes.most_common(_MOST_LIKED) if number]
    return await listings.most_upvoted(tx, since, until, limit, bonus=bonus, further=feed_ids)
