"""What a channel's feedback says of each paper, before any paper is looked at."""

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
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Every paper with feedback, in the order it first appears: how strongly it was liked and disliked, and the weight
    of a silence about it, (papers,) each. How many votes stand, and by how many members; and the day (UTC) of the first
    feedback. `given` are the papers that came with their feedback, by id."""

    paper_ids: tuple[str, ...]
    like: Weights
    dislike: Weights
    silence: Weights
    votes: int
    members: int
    since: date | None = None
    given: Mapping[str, Paper] = field(default_factory=dict)


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
    heard = [one for one in feedback if math.isfinite(one.value)]
    # Its fields, each as a column.
    papers, strengths, moments, members, glances, given = zip(*heard, strict=True) if heard else [()] * 6
    (paper_ids, paper), (names, member) = _numbered(papers), _numbered(members)
    values, as_card = np.array(strengths, float).clip(-1, 1), ~np.array(glances, bool)
    seconds = np.array([(at if at.tzinfo else utc(at)).timestamp() for at in moments])
    last, looked_at = np.full(len(paper_ids), -np.inf), np.zeros(len(paper_ids), bool)
    np.maximum.at(last, paper, seconds)
    looked_at[paper[as_card]] = True
    moment = utc(now).timestamp() if now else last.max(initial=0.0)
    since = datetime.fromtimestamp(seconds.min(), UTC).date() if heard else None

    # Of one member's votes on one paper the latest stands, and of several at one moment the last.
    ballot = paper * len(names) + member
    order = np.lexsort((seconds, ballot))
    standing = order[np.diff(ballot[order], append=-1) != 0]
    standing = standing[values[standing] != 0]
    paper, member, values, seconds = paper[standing], member[standing], values[standing], seconds[standing]
    cast = np.bincount(member, minlength=len(names))
    weight = np.abs(values) * _shares(cast)[member] * _fading(moment - seconds)
    good, bad = (np.bincount(paper, weight * side, len(last)) for side in (values > 0, values < 0))

    voted = np.append(np.sort(seconds), np.inf)
    next_vote = voted[voted.searchsorted(last)]
    silence = np.where(looked_at, 1.0, GLANCE_WEIGHT) * np.where(next_vote > last + _DAY_SECONDS, ABSENT_WEIGHT, 1.0)
    silence *= _fading(moment - last) * ((good == 0) & (bad == 0))
    like, dislike = np.maximum(good - bad, 0), DISLIKE_WEIGHT * np.maximum(bad - good / 2, 0)
    texts = {paper_id: paper for paper_id, paper in zip(papers, given, strict=True) if paper} if any(given) else {}
    return Verdicts(paper_ids, like, dislike, silence, len(values), int(np.count_nonzero(cast)), since, texts)


def _numbered(names: Sequence[Name]) -> tuple[tuple[Name, ...], NDArray[np.int64]]:
    """(the names that occur, in the order they first appear; the place there of each)."""
    places: dict[Name, int] = {}
    numbers = [places.setdefault(name, len(places)) for name in names]
    return tuple(places), np.array(numbers, np.int64)


def _fading(seconds: Weights) -> Weights:
    """What is left of a vote's weight after so many seconds."""
    return np.exp(-FADING / _DAY_SECONDS * np.maximum(seconds, 0))


def _shares(cast: NDArray[np.int64]) -> Weights:
    """What one vote of each member counts, by how many they cast: the louder a member, the less, so that nobody
    dominates."""
    if np.count_nonzero(cast) < 2:
        return np.ones(len(cast))
    bounded = np.minimum(cast, max(FREE_VOTES, 2 * np.sort(cast)[-2]))
    # The channel's votes keep their weight beside silence and background when one member's are cut down.
    scale = min(_MOST_PER_VOTE, cast.sum() / bounded.sum())
    shares: Weights = scale * bounded / np.maximum(cast, 1)
    return shares
