"""The share of a digest that comes from the channel's own feeds.

The papers of such a feed are private papers, which only an index of this channel has. Scores of two indexes do not
compare; the share of random papers that a pick beats does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.channel_facts import ChannelFacts
from bot.private_indexes import PrivateIndexes
from bot.store import channel_feeds, papers
from bot.store.database import Store
from recommender import Feedback, Pick, PickOptions, Recommendation

NOTHING = Recommendation()


async def new_papers(
    tx: AsyncConnection, facts: Iterable[ChannelFacts], window: timedelta, now: datetime
) -> dict[int, list[str]]:
    """What the own feeds of channels brought since their last digests, or within the window before their first, by
    channel id. Channels to which they brought nothing are left out."""
    facts_by_channel = {each.channel.id: each for each in facts}
    starts = {
        channel_id: each.latest.planned_at if each.latest else now - window
        for channel_id, each in facts_by_channel.items()
    }
    new_ids: dict[int, list[str]] = {}
    for channel_id, brought in (await channel_feeds.came_after_each(tx, starts)).items():
        known = facts_by_channel[channel_id].history.known
        if unseen := [paper_id for paper_id in brought if paper_id not in known]:
            new_ids[channel_id] = unseen
    return new_ids


async def recommend(
    store: Store,
    private: PrivateIndexes,
    facts: ChannelFacts,
    new_ids: Sequence[str],
    options: PickOptions,
    now: datetime,
) -> Recommendation:
    """The best of what the channel's own feeds brought. The private index learns the channel's taste from the same
    votes, so it is told of the papers voted on."""
    channel, profile = facts.channel, facts.profile
    votes = (*profile.feedback, *profile.neighbours)
    async with store.read() as tx:
        papers_by_id = await papers.get_many(tx, [vote.paper_id for vote in votes])
    engine = await private.engine(channel.id)
    if engine is None:
        return NOTHING

    def with_papers(feedback: Sequence[Feedback]) -> tuple[Feedback, ...]:
        return tuple(vote._replace(paper=papers_by_id.get(vote.paper_id, vote.paper)) for vote in feedback)

    profile = replace(profile, feedback=with_papers(profile.feedback), neighbours=with_papers(profile.neighbours))
    # Titles have no bar: the picks below the bar come first among them.
    recommendation = await asyncio.to_thread(
        engine.recommend, profile, engine.known(new_ids), replace(options, bar=0.0), channel.titles, now
    )
    bar = options.bar if profile.has_taste else 0.0
    picks = tuple(p for p in recommendation.picks if p.percentile >= bar and not p.guess)
    below = [p.paper_id for p in recommendation.picks if p not in picks]
    return replace(recommendation, picks=picks, titles=(*below, *recommendation.titles))


def join(common: Recommendation, own: Recommendation, cards: int, titles: int) -> tuple[tuple[Pick, ...], list[str]]:
    """The picks and the titles of a digest: those of all papers, with those of the channel's own feeds, which are at
    most half of the cards, and of the titles where there are enough others. A guess stays the last."""
    own_picks = own.picks[: max(1, cards // 2)]
    guesses = [pick for pick in common.picks if pick.guess]
    kept = [pick for pick in common.picks if not pick.guess][: max(0, cards - len(guesses) - len(own_picks))]
    picks = (*sorted((*kept, *own_picks), key=lambda pick: pick.percentile, reverse=True), *guesses)
    own_titles = [*(pick.paper_id for pick in own.picks[len(own_picks) :]), *own.titles]
    left_out = [pick.paper_id for pick in common.picks if pick not in picks]
    in_turn = chain.from_iterable(zip_longest([*left_out, *common.titles], own_titles))
    return picks if own_picks else common.picks, [paper_id for paper_id in in_turn if paper_id][:titles]
