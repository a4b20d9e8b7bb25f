"""A search in a channel: the papers of sources and the private papers that the channel may see, in the order of the
query alone or by the channel's taste too."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.private_indexes import PrivateIndexes
from bot.reports.channel_view import ChannelView
from bot.reports.search import DEEPEST
from recommender import Hit, Profile, QueryInterpretation


@dataclass(frozen=True, slots=True)
class ChannelHits:
    """The hits of a page, best first, and how the query was read. `profile` is what the order follows beside the
    query."""

    interpretation: QueryInterpretation
    hits: tuple[Hit, ...]
    has_more: bool
    profile: Profile


async def search(
    view: ChannelView, private: PrivateIndexes, query: str, *, for_us: bool, limit: int, offset: int = 0
) -> ChannelHits:
    """The hits from the place `offset` on, at most `limit`, down to the place that a search is paged to. With `for_us`
    the channel's taste is part of the score."""
    engine = view.paper_index.engine
    interpretation = await asyncio.to_thread(engine.interpret, query)
    profile = Profile()
    if for_us:
        async with view.store.read() as tx:
            profile = await view.digests.profile(tx, view.channel.id)
    if offset >= DEEPEST:
        return ChannelHits(interpretation, (), False, profile)
    private_hits = await private.matching(view.channel.id, query)
    # A channel without private papers reads just this page. Private hits are mixed in from the top of the list.
    start, most = (0, offset + limit + 1) if private_hits else (offset, limit + 1)
    hits = await asyncio.to_thread(engine.search, query, most, start, profile.feedback, profile.topics)
    if private_hits:
        ids = engine.known([hit.paper_id for hit in hits])
        full_matches = {hit.paper_id for hit in await asyncio.to_thread(engine.matching, query, ids)}
        hits = mixed(hits, private_hits, full_matches)[offset : offset + limit + 1]
    has_more = len(hits) > limit and offset + limit < DEEPEST
    return ChannelHits(interpretation, tuple(hits[:limit]), has_more, profile)


def mixed(hits: Sequence[Hit], own: Sequence[Hit], full_matches: Collection[str]) -> list[Hit]:
    """Public and private hits in one list.

    The scores of two indexes do not compare, so the lists are merged by rank (reciprocal rank fusion: Cormack et al.,
    SIGIR 2009). At equal rank a public paper goes first if it is among the `full_matches`, which match the whole query
    as all private hits do.
    """
    turns = [(rank, 1 if hit.paper_id in full_matches else 3, hit) for rank, hit in enumerate(hits)]
    turns += [(rank, 2, hit) for rank, hit in enumerate(own)]
    return [hit for _, _, hit in sorted(turns, key=lambda turn: turn[:2])]
