"""The share of a digest that comes from the channel's own feeds.

The papers of such a feed are private papers, which only an index of this channel has. Scores of two indexes do not
compare; the share of random papers that a pick beats does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest

from bot.private_indexes import PrivateIndexes
from bot.store import channel_feeds, deliveries, exposures, papers
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.states import DeliveryKind
from recommender import Feedback, Pick, PickOptions, Profile, Recommendation

NOTHING = Recommendation()


async def recommend(
    store: Store,
    private: PrivateIndexes,
    channel: Channel,
    profile: Profile,
    options: PickOptions,
    window: timedelta,
    now: datetime,
) -> Recommendation:
    """The best of what the channel's own feeds brought since its last digest, or within the window before its first.

    The private index learns the channel's taste from the same votes, so it is told of the papers voted on.
    """
    async with store.read() as tx:
        last_digest = await deliveries.latest(tx, channel.id, DeliveryKind.DIGEST)
        after = last_digest.planned_at if last_digest else now - window
        known_ids = await exposures.known(tx, channel.id)
        new_ids = [i for i in await channel_feeds.came_after(tx, channel.id, after) if i not in known_ids]
        if not new_ids:
            return NOTHING
        votes = (*profile.feedback, *profile.neighbours)
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
