"""What a channel's feedback says of each paper, before any paper is looked at."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

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


class Verdict(NamedTuple):
    """A paper that was shown: how strongly it was liked and disliked, and the weight of a silence about it."""

    paper_id: str
    like: float = 0.0
    dislike: float = 0.0
    silence: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Every paper with feedback, in the order it first appears; how many votes stand, and by how many members; and the
    day (UTC) of the first feedback."""

    papers: tuple[Verdict, ...]
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
    standing: dict[tuple[str, str | None], tuple[float, float]] = {}
    order: dict[str, float] = {}
    looked_at = set[str]()
    first = math.inf
    for one in feedback:
        paper_id, value = one.paper_id, one.value
        if not -1 <= value <= 1:
            if not math.isfinite(value):
                continue
            value = math.copysign(1.0, value)
        second, key = (one.at if one.at.tzinfo else utc(one.at)).timestamp(), (paper_id, one.member)
        if order.setdefault(paper_id, second) < second:
            order[paper_id] = second
        first = min(first, second)
        if not one.glance:
            looked_at.add(paper_id)
        before = standing.get(key)
        if before is None or before[0] <= second:
            standing[key] = second, value
    moment = utc(now).timestamp() if now else max(order.values(), default=0.0)
    rate = -FADING / _DAY_SECONDS

    votes = {key: (second, value) for key, (second, value) in standing.items() if value}
    share = _shares([member for _, member in votes])
    like: dict[str, float] = defaultdict(float)
    dislike: dict[str, float] = defaultdict(float)
    for (paper_id, member), (second, value) in votes.items():
        side = like if value > 0 else dislike
        side[paper_id] += abs(value) * share[member] * (math.exp(rate * (moment - second)) if second < moment else 1.0)
    voted = sorted([second for second, _ in votes.values()])
    papers = []
    for paper_id, second in order.items():
        good, bad = like.get(paper_id, 0.0), dislike.get(paper_id, 0.0)
        if not (good or bad):
            weight = 1.0 if paper_id in looked_at else GLANCE_WEIGHT
            next_vote = bisect_left(voted, second)
            if next_vote == len(voted) or voted[next_vote] > second + _DAY_SECONDS:
                weight *= ABSENT_WEIGHT
            papers.append(Verdict(paper_id, 0.0, 0.0, weight * math.exp(rate * max(moment - second, 0.0))))
            continue
        papers.append(Verdict(paper_id, max(0.0, good - bad), max(0.0, bad - good / 2) * DISLIKE_WEIGHT))
    since = datetime.fromtimestamp(first, UTC).date() if order else None
    return Verdicts(tuple(papers), len(votes), len(share), since)


def _shares(members: list[str | None]) -> dict[str | None, float]:
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
