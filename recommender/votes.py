"""What a channel's feedback says of each paper, before any paper is looked at."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from recommender.values import Feedback

FADING = 0.003
"""Share of a vote's weight lost per day: half is left after 230 days."""
DISLIKE_WEIGHT = 2.0
"""A dislike beside a like of the same strength."""
GLANCE_WEIGHT = 0.5
"""A silence about a title in a list, beside one about a card: fewer have looked at it."""
ABSENT_WEIGHT = 0.5
"""A silence about a paper after which nobody voted on anything for a day, beside one while somebody was there."""
FREE_VOTES = 10.0
"""Votes a member may always have counted in full, whatever the others do."""
_MOST_PER_VOTE = 3.0
_DAY_SECONDS = 86400

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Every paper with feedback, in the order it first appears: how strongly it was liked and disliked, and the weight
    of a silence about it, (papers,) each. How many votes stand, and by how many members; and the day (UTC) of the first
    feedback."""

    paper_ids: tuple[str, ...]
    like: Weights
    dislike: Weights
    silence: Weights
    votes: int
    members: int
    since: date | None = None


def utc(moment: datetime) -> datetime:
    """The moment with a zone: UTC when it had none."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def verdicts(feedback: Iterable[Feedback], now: datetime | None) -> Verdicts:
    """Sum feedback up, paper by paper.

    One vote of a member on a paper stands, the latest. Votes fade until `now` (the latest feedback when None).
    No member counts more than twice what the next one said (beyond FREE_VOTES): influence is bounded and grows with
    agreement (Resnick & Sami, RecSys 2007); a paper that somebody dislikes is liked that
    much less (average without misery: Masthoff).
    """
    places: dict[str, int] = {}
    latest: list[float] = []
    looked_at: list[bool] = []
    standing: dict[tuple[int, str | None], tuple[float, float]] = {}
    first = math.inf
    for one in feedback:
        value, at = one.value, one.at
        if not -1 <= value <= 1:
            if not math.isfinite(value):
                continue
            value = math.copysign(1.0, value)
        second = (at if at.tzinfo else utc(at)).timestamp()
        first = second if second < first else first
        place = places.setdefault(one.paper_id, len(latest))
        if place == len(latest):
            latest.append(second)
            looked_at.append(not one.glance)
        elif latest[place] < second:
            latest[place] = second
        if not one.glance:
            looked_at[place] = True
        key = place, one.member
        before = standing.get(key)
        if before is None or before[0] <= second:
            standing[key] = second, value
    last = np.array(latest)
    moment = utc(now).timestamp() if now else last.max(initial=0.0)

    votes = [(*key, *vote) for key, vote in standing.items() if vote[1]]
    papers, members, seconds, values = (list(column) for column in zip(*votes, strict=True)) if votes else [[]] * 4
    share = _shares(members)
    weight = np.abs(values) * [share[member] for member in members] * _fading(moment - np.array(seconds))
    positive = np.array(values) > 0
    good, bad = (np.bincount(np.array(papers, int), weight * side, len(last)) for side in (positive, ~positive))

    voted = np.sort(seconds)
    next_vote = np.append(voted, np.inf)[voted.searchsorted(last)]
    silence = np.where(looked_at, 1.0, GLANCE_WEIGHT) * np.where(next_vote > last + _DAY_SECONDS, ABSENT_WEIGHT, 1.0)
    silence *= _fading(moment - last) * ((good == 0) & (bad == 0))
    since = datetime.fromtimestamp(first, UTC).date() if latest else None
    dislike = DISLIKE_WEIGHT * np.maximum(bad - good / 2, 0)
    return Verdicts(tuple(places), np.maximum(good - bad, 0), dislike, silence, len(votes), len(share), since)


def _fading(seconds: Weights) -> Weights:
    """What is left of a vote's weight after so many seconds."""
    return np.exp(-FADING / _DAY_SECONDS * np.maximum(seconds, 0))


def _shares(members: Sequence[str | None]) -> dict[str | None, float]:
    """What one vote of each member counts: the louder a member, the less, so that nobody dominates."""
    cast: dict[str | None, float] = defaultdict(float)
    for member in members:
        cast[member] += 1
    if len(cast) < 2:
        return dict.fromkeys(cast, 1.0)
    total = sum(cast.values())
    bound = max(FREE_VOTES, 2 * sorted(cast.values())[-2])
    bounded = {member: min(count, bound) for member, count in cast.items()}
    # The channel's votes keep their weight beside silence and background when one member's are cut down.
    scale = min(_MOST_PER_VOTE, total / sum(bounded.values()))
    return {member: scale * bounded[member] / count for member, count in cast.items()}
