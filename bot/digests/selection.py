"""How the papers of a channel's digest are chosen among its candidates."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.digests import own_feeds
from bot.digests.candidates import DigestCandidates
from bot.digests.channel_facts import ChannelFacts
from bot.model.subscriptions import Content
from bot.store.channels import Channel
from bot.store.pick_log import LoggedPick
from recommender import Baseline, Pick, PickOptions, Profile, Reason, ReasonBasis, Recommendation, Recommender


@dataclass(frozen=True, slots=True)
class Selection:
    """The papers of a digest: the `picks`, the titles to be listed below them, and the most upvoted papers, which a
    list of these would bring instead. `too_high` is the bar that kept every paper out, None where another reason did.
    `by_upvotes` says that the most upvoted papers are the picks."""

    picks: tuple[Pick, ...]
    titles: tuple[str, ...] = ()
    upvoted: tuple[str, ...] = ()
    too_high: float | None = None
    from_neighbours: bool = False
    by_upvotes: bool = False

    @property
    def paper_ids(self) -> list[str]:
        """The papers whose facts its cards and titles need."""
        because = (reason.because for pick in self.picks for reason in pick.reasons if reason.because)
        return [*(pick.paper_id for pick in self.picks), *because, *self.titles]

    def logged(self, profile: Profile) -> tuple[LoggedPick, ...]:
        """The picks as they are logged."""
        return tuple(
            LoggedPick(p.paper_id, fit=p.percentile if profile.has_taste else None, guess=p.guess, team=p.arm)
            for p in self.picks
        )


def pick_options(channel: Channel, day: date, bar: float, baseline: Baseline | None) -> PickOptions:
    """How the channel's picks of a day are chosen; the same day has the same draws."""
    seed = zlib.crc32(f"{channel.id} {day}".encode())
    return PickOptions(channel.count, seed, bar, baseline, channel.guess)


def matching(engine: Recommender, candidates: DigestCandidates, query: str) -> DigestCandidates:
    """The candidates that match the query of a subscription."""
    return candidates.among(hit.paper_id for hit in engine.matching(query, engine.known(candidates.unseen)))


def select(
    engine: Recommender,
    facts: ChannelFacts,
    candidates: DigestCandidates,
    options: PickOptions,
    own: Recommendation,
    now: datetime,
) -> Selection:
    """The papers of a channel's digest; `own` are those that its own feeds bring."""
    channel, profile, subscription = facts.channel, facts.profile, facts.subscription
    recommendation = engine.recommend(profile, engine.known(candidates.unseen), options, channel.titles, now)
    picks, title_ids = own_feeds.join(recommendation, own, channel.count, channel.titles)
    upvoted = candidates.most_upvoted(channel.count)
    by_upvotes = bool(subscription and subscription.content is Content.TRENDING and not profile.has_taste and upvoted)
    if by_upvotes:
        picks = upvoted_first(upvoted, picks, channel.count)
    too_high = options.bar if not picks and recommendation.lower_bar_would_help else None
    return Selection(tuple(picks), tuple(title_ids), upvoted, too_high, recommendation.from_neighbours, by_upvotes)


def upvoted_first(upvoted: Sequence[str], picks: Sequence[Pick], most: int) -> tuple[Pick, ...]:
    """The most upvoted papers as picks, and where there are fewer than wanted, others behind them."""
    popular = [Pick(paper_id, 0.0, (Reason((), basis=ReasonBasis.POPULAR),)) for paper_id in upvoted]
    return (*popular, *(pick for pick in picks if pick.paper_id not in upvoted))[:most]
