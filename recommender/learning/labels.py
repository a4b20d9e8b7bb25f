"""Labels: the feedback on each paper, summed up as weights before the paper's text is read."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.paper import Paper
from recommender.values import Feedback

DECAY_PER_DAY = 0.003
"""The rate at which votes lose weight: half of it is left after 230 days."""
DISLIKE_WEIGHT = 2.0
"""Weight of a dislike, relative to a like of the same strength."""
LISTED_WEIGHT = 0.5
"""Weight of an ignored title in a list, relative to an ignored card: fewer members have looked at it."""
INACTIVE_WEIGHT = 0.5
"""Weight of an ignored paper if nobody voted on anything in the following day, relative to one that was ignored while
members were active."""
UNCAPPED_VOTES = 10.0
"""Votes of the most active member, and of the most active third of them together, that always count in full, however
few the others cast."""
MAX_MEMBER_TO_NEXT = 2.0
"""The most votes that the most active member counts for, relative to the next one."""
MAX_THIRD_TO_REST = 0.6
"""The most votes that the most active third of the members counts for, relative to all other members. It would be 0.5
if all were equally active."""
_MAX_VOTE_WEIGHT = 3.0
_DAY_SECONDS = 86400

Weights = NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of all papers with feedback, in the order the papers first appear: the weight of each paper as liked,
    as disliked and as ignored, (papers,) each. `votes` and `members` count the votes that stand and the members who
    cast them. `since` is the day (UTC) of the first feedback. `supplied` holds the papers that came
    with their feedback, by id."""

    paper_ids: tuple[str, ...]
    like: Weights
    dislike: Weights
    ignored: Weights
    votes: int
    members: int
    since: date | None = None
    supplied: Mapping[str, Paper] = field(default_factory=dict)


def utc(moment: datetime) -> datetime:
    """The moment with a time zone: UTC if it had none."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def aggregate_labels(feedback: Iterable[Feedback], now: datetime | None) -> Labels:
    """Sum up the feedback of each paper.

    The latest vote of a member on a paper stands. Votes decay until `now` (the latest feedback if None). No member
    counts for more votes than `_most_votes` allows, so that the influence of one member, and of a third of them, is
    bounded and grows with agreement (Resnick & Sami, RecSys 2007). Dislikes reduce the likes of the same paper (average
    without misery: Masthoff).
    """
    votes = [vote for vote in feedback if math.isfinite(vote.value)]
    # Each field as a column.
    papers, strengths, moments, members, glances, supplied = zip(*votes, strict=True) if votes else [()] * 6
    (paper_ids, paper), (names, member) = _index_names(papers), _index_names(members)
    values, is_card = np.array(strengths, float).clip(-1, 1), ~np.array(glances, bool)
    seconds = np.array([(at if at.tzinfo else utc(at)).timestamp() for at in moments])
    last_shown, shown_as_card = np.full(len(paper_ids), -np.inf), np.zeros(len(paper_ids), bool)
    np.maximum.at(last_shown, paper, seconds)
    shown_as_card[paper[is_card]] = True
    moment = utc(now).timestamp() if now else last_shown.max(initial=0.0)
    since = datetime.fromtimestamp(seconds.min(), UTC).date() if votes else None

    # Of one member's votes on one paper the latest stands, and of several at one moment the last.
    ballot_key = paper * len(names) + member
    order = np.lexsort((seconds, ballot_key))
    latest = order[np.diff(ballot_key[order], append=-1) != 0]
    latest = latest[values[latest] != 0]
    paper, member, values, seconds = paper[latest], member[latest], values[latest], seconds[latest]
    votes_per_member = np.bincount(member, minlength=len(names))
    weight = np.abs(values) * _vote_weights(votes_per_member)[member] * _decay(moment - seconds)
    liked, disliked = (np.bincount(paper, weight * side, len(last_shown)) for side in (values > 0, values < 0))

    vote_times = np.append(np.sort(seconds), np.inf)
    next_vote = vote_times[vote_times.searchsorted(last_shown)]
    ignored = np.where(shown_as_card, 1.0, LISTED_WEIGHT) * np.where(
        next_vote > last_shown + _DAY_SECONDS, INACTIVE_WEIGHT, 1.0
    )
    ignored *= _decay(moment - last_shown) * ((liked == 0) & (disliked == 0))
    like, dislike = np.maximum(liked - disliked, 0), DISLIKE_WEIGHT * np.maximum(disliked - liked / 2, 0)
    supplied_papers = (
        {paper_id: paper for paper_id, paper in zip(papers, supplied, strict=True) if paper} if any(supplied) else {}
    )
    return Labels(
        paper_ids, like, dislike, ignored, len(values), int(np.count_nonzero(votes_per_member)), since, supplied_papers
    )


def _index_names(names: Sequence[Name]) -> tuple[tuple[Name, ...], NDArray[np.int64]]:
    """(distinct names in the order they first appear, index of each given name among them)."""
    places: dict[Name, int] = {}
    numbers = [places.setdefault(name, len(places)) for name in names]
    return tuple(places), np.array(numbers, np.int64)


def _decay(seconds: Weights) -> Weights:
    """The share of a vote's weight that is left after so many seconds."""
    return np.exp(-DECAY_PER_DAY / _DAY_SECONDS * np.maximum(seconds, 0))


def _vote_weights(votes_per_member: NDArray[np.int64]) -> Weights:
    """The weight of one vote of each member: the more votes a member cast, the less each counts, so that nobody
    dominates."""
    active = np.sort(votes_per_member[votes_per_member > 0])
    if len(active) < 2:
        return np.ones(len(votes_per_member))
    bounded = np.minimum(votes_per_member, _most_votes(active))
    # Scaled up, so that the channel's votes keep their total weight relative to ignored papers and background.
    scale = min(_MAX_VOTE_WEIGHT, votes_per_member.sum() / bounded.sum())
    shares: Weights = scale * bounded / np.maximum(votes_per_member, 1)
    return shares


def _most_votes(votes: NDArray[np.int64]) -> float:
    """The most votes c that a member counts for, given the votes v of each of two or more members, ascending.

    The largest c that is at most MAX_MEMBER_TO_NEXT times the votes of the second most active member, and for which the
    sum of min(v, c) over the most active third is at most MAX_THIRD_TO_REST times the sum over all others. Where either
    bound is below UNCAPPED_VOTES, that number is the bound.
    """
    most = max(UNCAPPED_VOTES, MAX_MEMBER_TO_NEXT * float(votes[-2]))
    third = len(votes) // 3
    if not third or votes[-third:].sum() <= UNCAPPED_VOTES:
        return most
    # Both sums for each c in `levels`; between two of them they are linear.
    levels = np.append(0.0, votes)
    places = np.arange(len(levels))
    first_of_third = len(votes) - third
    of_all = np.cumsum(levels) + levels * (len(votes) - places)
    of_rest = np.where(places <= first_of_third, of_all - third * levels, votes[:first_of_third].sum())
    excess = of_all - of_rest - MAX_THIRD_TO_REST * of_rest
    last = int(np.flatnonzero(excess <= 0)[-1])
    if last == len(votes):
        return most
    share = -excess[last] / (excess[last + 1] - excess[last])
    level = float(levels[last] + share * (levels[last + 1] - levels[last]))
    return min(most, max(UNCAPPED_VOTES / third, level))
