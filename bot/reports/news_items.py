"""The papers of feeds, each with the moment when it became news, the latest first.

A feed holds papers in an order that never changes: by that moment, then by id. Which papers those are may depend on
upvotes. A feed reader then sees papers come and go, and none of them twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.codec import load_message
from bot.model.messages import Card
from bot.reports import trends
from bot.reports.listings import Period
from bot.store import listings, papers, posted
from bot.store.database import Store
from bot.store.posted import PostedPaper
from recommender import Paper, Recommender

MOST = 100
"""Papers in one feed."""
MOST_TRENDING = 50
_DAYS_READ = 14
"""Days with papers that are looked at until a feed is full."""
_WINDOWS = (timedelta(days=45), timedelta(days=400), timedelta(days=40_000))
"""How far back the matches of a query are looked for, until there are enough."""
_BEST = 500
"""Papers that never were news, as imported ones, are looked for among so many best hits."""


@dataclass(frozen=True, slots=True)
class NewsItem:
    """A paper of a feed. `at` is when it became news here, or was posted to the channel, `first_id` is the id that it
    had when it became news. `why` says why it was picked for a channel, "" elsewhere. A `private` paper has no page."""

    paper: Paper
    at: datetime
    first_id: str
    why: str = ""
    private: bool = False


async def of_latest_days(tx: AsyncConnection, today: date, category: str = "") -> list[NewsItem]:
    """The most upvoted papers of the latest day that has any, then those of the days before it; with a `category`, as
    "cs.LG", those that are in it."""
    ids: list[str] = []
    day = await listings.last_day(tx, today + timedelta(days=1))
    for _ in range(_DAYS_READ):
        if day is None or len(ids) >= MOST:
            break
        room = MOST - len(ids)
        found = listings.listed_in(tx, day, category, room) if category else listings.listed(tx, day, day, room)
        ids += [paper.id for paper in await found]
        day = await listings.last_day(tx, day - timedelta(days=1)) if day > date.min else None
    return await _items(tx, ids)


async def of_trending(tx: AsyncConnection, period: Period, today: date) -> list[NewsItem]:
    """The papers that are trending."""
    return await _items(tx, await trends.trending(tx, period, today, MOST_TRENDING))


async def of_query(store: Store, engine: Recommender, query: str, today: date) -> list[NewsItem]:
    """The latest papers that satisfy a whole query. Papers that were imported and never listed follow the news, by the
    day on which they were published."""
    ids: list[str] = []
    until = today + timedelta(days=1)
    for window in _WINDOWS:
        since = date.fromordinal(max(1, today.toordinal() - window.days))
        async with store.read() as tx:
            news = await papers.news(tx, since, until)
        ids += await asyncio.to_thread(_matching, engine, query, news)
        if len(ids) >= MOST or since == date.min:
            break
        until = since - timedelta(days=1)
    if len(ids) < MOST:
        hits = await asyncio.to_thread(engine.search, query, _BEST)
        ids += await asyncio.to_thread(_matching, engine, query, [hit.paper_id for hit in hits])
    async with store.read() as tx:
        return (await _items(tx, ids))[:MOST]


async def of_channel(tx: AsyncConnection, channel_id: int) -> list[NewsItem]:
    """The papers that were posted to a channel last, each with its reason."""
    return [
        NewsItem(each.paper, each.at, each.first_id, _why(each), each.private)
        for each in await posted.latest(tx, channel_id, MOST)
    ]


def _why(shown: PostedPaper) -> str:
    """Why a paper was picked, as its message says."""
    message = load_message(shown.body)
    if not shown.number:
        return _reason(message.card) if message.card else ""
    at = shown.number - 1
    if at < len(message.cards):
        return _reason(message.cards[at])
    return message.lines[at].note if at < len(message.lines) else ""


def _reason(card: Card) -> str:
    return card.why or ("a guess" if card.guess else "")


def _matching(engine: Recommender, query: str, ids: Sequence[str]) -> list[str]:
    """Those of the papers that satisfy a query, in the order given."""
    known = engine.known(ids)
    try:
        hits = engine.matching(query, known)
    except ValueError:  # a paper was merged into another one between the two steps
        return _matching(engine, query, known)
    matching = {hit.paper_id for hit in hits}
    return [paper_id for paper_id in known if paper_id in matching]


async def _items(tx: AsyncConnection, ids: Iterable[str]) -> list[NewsItem]:
    ids = list(dict.fromkeys(ids))
    papers_by_id, births = await papers.get_many(tx, ids), await listings.births(tx, ids)
    items = [
        NewsItem(papers_by_id[paper_id], birth.at, birth.first_id)
        for paper_id, birth in births.items()
        if paper_id in papers_by_id
    ]
    return sorted(items, key=lambda item: (-item.at.timestamp(), item.first_id))
