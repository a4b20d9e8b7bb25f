"""Candidates and their scores for a taste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows, Snapshot
from recommender.learning.features import Features
from recommender.learning.learner import Learner
from recommender.learning.matrix import FeatureMatrix
from recommender.learning.preferences import Preference, Teacher
from recommender.learning.taste import TasteModel

UPVOTE_WEIGHT = 0.05
"""Added for each e-fold of a paper's upvotes: a weak signal, and a late one."""
AGE_WEIGHT = 0.01
"""Subtracted for each day since the paper was announced, for at most MAX_AGE_DAYS days."""
MAX_AGE_DAYS = 30

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Papers to be scored, by number and by id (ascending), with the values that are the same for every channel: their
    feature `rows`, their `popularity` = ln(1 + upvotes), and the `paper_bonus` for upvotes and age in a score."""

    papers: Rows
    ids: tuple[str, ...]
    rows: FeatureMatrix
    popularity: Floats
    paper_bonus: Floats


@dataclass(frozen=True, slots=True)
class ScoredCandidates:
    """Candidates with their scores. `utility` is the decision function with the boosts of topics and votes on words;
    `scores` adds the paper bonus. `boosts` holds the part of each topic or vote on words, and `muted` the topic that
    mutes the paper."""

    papers: Rows
    ids: tuple[str, ...]
    rows: FeatureMatrix
    utility: Floats
    scores: Floats
    popularity: Floats
    boosts: tuple[Mapping[Teacher, float], ...]
    muted: tuple[Preference | None, ...]


def gather_candidates(
    snapshot: Snapshot, features: Features, ids: Sequence[str], papers: Rows, today: date | None
) -> Candidates:
    """The candidates with the values that are the same for every channel on a day, by default the last on which one of
    them was published."""
    published = snapshot.published[papers].astype(np.float32)
    day = today.toordinal() if today else published.max(initial=0)
    age = np.where(published > 0, np.clip(day - published, 0, MAX_AGE_DAYS), MAX_AGE_DAYS)
    popularity = np.log1p(snapshot.upvotes[papers]).astype(np.float32)
    paper_bonus = (UPVOTE_WEIGHT * popularity - AGE_WEIGHT * age).astype(np.float32)
    return Candidates(papers, tuple(ids), features.matrix(papers), popularity, paper_bonus)


def score_candidates(learner: Learner, taste: TasteModel, candidates: Candidates) -> ScoredCandidates:
    """The candidates with their scores for a taste."""
    boosts, boost_parts, muted = learner.boosts(taste.preferences, candidates.papers)
    utility = taste.decision_function(candidates.rows) + boosts
    scores = utility + candidates.paper_bonus
    return ScoredCandidates(
        candidates.papers,
        candidates.ids,
        candidates.rows,
        utility,
        scores,
        candidates.popularity,
        tuple(boost_parts),
        tuple(muted),
    )


def score_for_channels(learner: Learner, tastes: Sequence[TasteModel], candidates: Candidates) -> Floats:
    """The same scores for many tastes at once: (papers, channels). Every paper is read once for all of them."""
    weights = np.stack([taste.model.weights for taste in tastes], axis=1)
    scores: Floats = candidates.rows.dot(weights) + candidates.paper_bonus[:, None]
    for column, taste in enumerate(tastes):
        scores[:, column] += taste.beyond_weights(candidates.rows)
        if taste.preferences:
            scores[:, column] += learner.boosts(taste.preferences, candidates.papers)[0]
    return scores
