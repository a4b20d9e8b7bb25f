"""The papers that were posted to a channel as picks, each with the message that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.papers import paper_of
from bot.store.states import PostState
from bot.store.tables import numbers, papers, posts
from recommender import Paper


@dataclass(frozen=True, slots=True)
class PostedPaper:
    """A paper that was posted to a channel. `number` is its number on a message of several papers, 0 on a card; `body`
    is the message as JSON. `first_id` is the paper's id when it became news."""

    paper: Paper
    first_id: str
    private: bool
    at: datetime
    number: int
    body: dict[str, Any]


def _shown(number: sa.ColumnElement[int], paper_id: sa.Column[str], *joined: Any) -> sa.Select[Any]:
    channel, most = sa.bindparam("channel", type_=sa.Integer), sa.bindparam("most", type_=sa.Integer)
    is_pick = posts.c.state == PostState.SENT, ~posts.c.glance, posts.c.sent_at.is_not(None)
    query = sa.select(papers, posts.c.sent_at, posts.c.body, number.label("number")).select_from(posts)
    for table, condition in joined:
        query = query.join(table, condition)
    return (
        query.join(papers, papers.c.id == paper_id)
        .where(posts.c.channel_id == channel, *is_pick)
        .order_by(posts.c.sent_at.desc(), papers.c.id)
        .limit(most)
    )


_ON_CARDS = _shown(sa.literal(0), posts.c.paper_id)
_IN_NUMBERS = _shown(numbers.c.number, numbers.c.paper_id, (numbers, numbers.c.post_id == posts.c.id))


async def latest(tx: AsyncConnection, channel_id: int, limit: int) -> list[PostedPaper]:
    """The papers that were posted to a channel last, the latest first. Titles that were only listed are left out."""
    shown = []
    for query in (_ON_CARDS, _IN_NUMBERS):
        rows = await tx.execute(query, {"channel": channel_id, "most": limit})
        shown += [
            PostedPaper(paper_of(row), row.first_id or row.id, row.private, row.sent_at, row.number, row.body)
            for row in rows
        ]
    return sorted(shown, key=lambda each: (-each.at.timestamp(), each.first_id))[:limit]
