"""The papers that digests are chosen from, gathered for many channels at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.channel_facts import ChannelFacts
from bot.model.schedule import Rule
from bot.store import papers
from bot.store.channels import Channel
from recommender import Recommender
from recommender.paper import arxiv_id

_LONGEST_LOOK_BACK = timedelta(days=30)
_KEPT_COPIES = 8
"""Sets of papers whose copies are kept: nearly all channels of an hour have one of few."""


@dataclass(frozen=True, slots=True)
class DigestCandidates:
    """The papers that a channel's next digest is chosen from, as of one `revision` of the papers.

    `recent` are the papers listed since the channel's last digest, each with its upvotes. `unseen` are those of them
    that the channel has not had under any title.
    """

    revision: int
    recent: Mapping[str, int]
    unseen: tuple[str, ...] = ()

    def most_upvoted(self, limit: int) -> tuple[str, ...]:
        """The most upvoted of the unseen papers, best first. Papers without an upvote are left out."""
        ids = [paper_id for paper_id in self.unseen if self.recent[paper_id]]
        return tuple(sorted(ids, key=lambda paper_id: (-self.recent[paper_id], paper_id))[:limit])

    def among(self, paper_ids: Iterable[str]) -> DigestCandidates:
        """The candidates that are among these unseen papers."""
        unseen = tuple(paper_ids)
        return replace(self, recent={paper_id: self.recent[paper_id] for paper_id in unseen}, unseen=unseen)


class CandidateReader:
    """Reads what became news for channels, in one transaction. Channels that want the same news share them."""

    def __init__(self, tx: AsyncConnection, window: timedelta, revision: int) -> None:
        self._tx, self._window, self._revision = tx, window, revision
        self._news: dict[tuple[date, date, int | None], Mapping[str, int]] = {}
        self._dropped: dict[str, tuple[date, int]] = {}

    async def recent(self, facts: ChannelFacts, day: date) -> DigestCandidates:
        """Papers that became news since the channel's last digest, and papers whose posts were dropped since. For a
        first digest, the news within the window."""
        latest = facts.latest
        # Papers that the index has not taken in yet are for the digest after this one.
        revision = max(self._revision, latest.papers_revision if latest else 0)
        # East of the channel's zone it is tomorrow already, so papers may be listed for tomorrow.
        tomorrow = day + timedelta(days=1)
        if latest is None:
            return DigestCandidates(revision, await self._of(day - window_of(facts.channel, self._window), tomorrow))
        # Every paper stored since then counts, also one from a source that had failed and was read late.
        since = day - _LONGEST_LOOK_BACK
        news = await self._of(since, tomorrow, latest.papers_revision)
        if facts.history.dropped:
            dropped = await papers.news_among(self._tx, facts.history.dropped)
            again = {paper_id: upvotes for paper_id, (listed_on, upvotes) in dropped.items() if listed_on >= since}
            news = {**news, **again}
        return DigestCandidates(revision, news)

    async def _of(self, since: date, until: date, after: int | None = None) -> Mapping[str, int]:
        key = since, until, after
        if key not in self._news:
            self._news[key] = await papers.upvotes_of_news(self._tx, since, until, after)
        return self._news[key]


def window_of(channel: Channel, window: timedelta) -> timedelta:
    """How long a paper counts as news for a first digest: at least as long as the schedule's days lie apart."""
    return max(window, Rule.of(channel.hour, channel.days, channel.zone).longest_gap)


async def unseen_of_each(
    engine: Recommender, papers_by_channel: Mapping[int, Collection[str]], known_by_channel: Mapping[int, set[str]]
) -> dict[int, tuple[str, ...]]:
    """Those of the papers that each channel has not had and was not taught, nor under another title. Of a work that is
    listed under several titles one is left, on arXiv if it is there."""

    def find() -> dict[int, tuple[str, ...]]:
        new_ids = {paper_id for paper_ids in papers_by_channel.values() for paper_id in paper_ids}
        duplicates = engine.duplicates(new_ids, set().union(*known_by_channel.values()))
        alike = sorted(engine.alike(new_ids), key=lambda paper_id: (arxiv_id(paper_id) != paper_id, paper_id))
        copies_among = lru_cache(_KEPT_COPIES)(engine.copies_among)
        unseen: dict[int, tuple[str, ...]] = {}
        for channel_id, paper_ids in papers_by_channel.items():
            known = known_by_channel[channel_id]
            had = known | {paper_id for paper_id, others in duplicates.items() if not others.isdisjoint(known)}
            fresh = {paper_id for paper_id in paper_ids if paper_id not in had}
            copies = copies_among(tuple(paper_id for paper_id in alike if paper_id in fresh))
            unseen[channel_id] = tuple(i for i in paper_ids if i in fresh and i not in copies)
        return unseen

    return await asyncio.to_thread(find)
