"""The picks of a channel, for a subscription to its secret link."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import cards, feedback
from bot.digests.channel_facts import ChannelFacts
from bot.digests.feedback import EmojiTable
from bot.model.codec import load_message
from bot.model.messages import Card
from bot.model.text import cut, plain_text
from bot.store import channels, deliveries, exposures, links, papers, votes
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.papers import PRIVATE_PREFIX
from recommender import PickOptions, Recommender

_OVERLAP = timedelta(hours=1)
"""A post that another channel was just being sent while a digest was made is found by the next one."""
REVOKED = "the link to the channel was revoked, or replaced by a new one."
NOTHING = "the channel was shown no new papers."


async def best(
    store: Store, engine: Recommender, reader: ChannelFacts, start: datetime, emoji: EmojiTable, now: datetime
) -> tuple[tuple[Card, ...], str]:
    """The best of what the channel behind a subscription's link was shown since the reader's last digest, or since a
    start before its first. Where there is nothing, the second value says why."""
    profile, channel, subscription = reader.profile, reader.channel, reader.subscription
    moment = reader.latest.planned_at - _OVERLAP if reader.latest else start
    async with store.read() as tx:
        secret_hash = subscription.subject if subscription else ""
        picks, why_none = await since(tx, secret_hash, channel.id, moment, emoji)
    if profile.votes:
        ids, everything = [card.paper_id for card in picks], PickOptions(len(picks))
        own_ranking = await asyncio.to_thread(lambda: engine.recommend(profile, engine.known(ids), everything, 0, now))
        ranks = {pick.paper_id: rank for rank, pick in enumerate(own_ranking.picks)}
        picks.sort(key=lambda card: ranks.get(card.paper_id, len(picks)))
    return tuple(picks[: channel.count]), why_none


async def since(
    tx: AsyncConnection, secret_hash: str, reader_id: int, moment: datetime, emoji: EmojiTable
) -> tuple[list[Card], str]:
    """The papers that the channel behind a link was shown since a moment and the reader has not had, with the reasons
    for the channel, the most liked first. Where there are none, the second value says why.

    Private papers stay in the channel that was given them.
    """
    link = await links.with_hash(tx, secret_hash)
    if link is None or not link.works:
        return [], REVOKED
    channel = await channels.get(tx, link.channel_id)
    reasons = await _reasons(tx, link.channel_id, await deliveries.sent_after(tx, link.channel_id, moment))
    known = await exposures.posted(tx, reader_id, list(reasons))
    ids = [paper_id for paper_id in reasons if paper_id not in known and not paper_id.startswith(PRIVATE_PREFIX)]
    papers_by_id = await papers.get_many(tx, ids)
    stored_votes = [vote for paper_id in ids for vote in await votes.for_paper(tx, link.channel_id, paper_id)]
    tallies = {i: feedback.tally([vote for vote in stored_votes if vote.paper_id == i], emoji) for i in ids}
    ids.sort(key=lambda paper_id: tallies[paper_id][1] - tallies[paper_id][0])
    name = f" in #{cut(plain_text(channel.place.name), 60)}" if channel and channel.place.name else ""
    picks = []
    for paper_id in ids:
        paper, likes = papers_by_id.get(paper_id), tallies[paper_id][0]
        if paper and not paper.withdrawn:
            picks.append(cards.card(paper, reasons[paper_id], note=f"{likes} 👍{name}" if likes else ""))
    return picks, "" if picks else NOTHING


async def _reasons(tx: AsyncConnection, channel_id: int, posts: Sequence[Post]) -> dict[str, str]:
    """The papers on a channel's posts, each with the reason that stands there. Further titles are no picks."""
    reasons: dict[str, str] = {}
    for post in posts:
        if post.glance:
            continue
        try:
            message = load_message(post.body)
        except ValidationError:
            continue
        if post.paper_id:
            reasons[post.paper_id] = message.card.why if message.card else ""
        elif message.lines or message.cards:
            notes = [line.note for line in message.lines] or [card.why for card in message.cards]
            for (_, number), paper_id in (await exposures.by_number(tx, channel_id, post.id)).items():
                reasons[paper_id] = notes[number - 1] if number <= len(notes) else ""
    return reasons
