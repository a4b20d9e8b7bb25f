"""Candidates, and what a taste says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows, Snapshot
from recommender.learning.features import Features
from recommender.learning.labels import utc
from recommender.learning.matrix import FeatureMatrix
from recommender.learning.preferences import Source, Wish
from recommender.learning.taste import Learned, Learner

UPVOTE_WEIGHT = 0.05
"""Added for each e-fold of a paper's upvotes: a weak sign, and a late one."""
AGE_WEIGHT = 0.01
"""Taken for each day since the paper was announced, for at most OLDEST days."""
OLDEST = 30

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Papers to be judged, by their numbers and their ids (ascending), and what is the same for every channel: their
    `rows`, ln(1 + upvotes) (`popular`), and what their upvotes and their age add to a score (`besides`)."""

    papers: Rows
    ids: tuple[str, ...]
    rows: FeatureMatrix
    popular: Floats
    besides: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates and what a taste says of them. `believed` is the model and the topics; `scores` adds what the source
    says of the paper; `wished` is what each topic or vote on words adds to it, and `muted` the topic that mutes it."""

    papers: Rows
    ids: tuple[str, ...]
    rows: FeatureMatrix
    believed: Floats
    scores: Floats
    popular: Floats
    wished: tuple[Mapping[Source, float], ...]
    muted: tuple[Wish | None, ...]


def gather(
    snapshot: Snapshot, features: Features, ids: Sequence[str], papers: Rows, now: datetime | None
) -> Candidates:
    """What there is to know of some papers before any channel is asked."""
    published = snapshot.published[papers].astype(np.float32)
    today = utc(now).date().toordinal() if now else published.max(initial=0)
    age = np.where(published > 0, np.clip(today - published, 0, OLDEST), OLDEST)
    popular = np.log1p(snapshot.upvotes[papers]).astype(np.float32)
    besides = (UPVOTE_WEIGHT * popular - AGE_WEIGHT * age).astype(np.float32)
    return Candidates(papers, tuple(ids), features.table(papers), popular, besides)


def judge(learner: Learner, taste: Learned, some: Candidates) -> Judged:
    """What a taste says of the candidates."""
    boosts, wished, muted = learner.boosts(taste.wishes, some.papers)
    believed = taste.margins(some.rows) + boosts
    scores = believed + some.besides
    return Judged(some.papers, some.ids, some.rows, believed, scores, some.popular, tuple(wished), tuple(muted))


def scores_for(learner: Learner, tastes: Sequence[Learned], some: Candidates) -> Floats:
    """The scores (papers, channels) that `judge` gives for each taste; every paper is read once for all of them."""
    weights = np.stack([taste.model.weights for taste in tastes], axis=1)
    scores: Floats = some.rows.dot(weights) + some.besides[:, None]
    for column, taste in enumerate(tastes):
        scores[:, column] += np.float32(taste.model.bias) + taste.likeness(some.rows.dense)
        if taste.wishes:
            scores[:, column] += learner.boosts(taste.wishes, some.papers)[0]
    return scores
