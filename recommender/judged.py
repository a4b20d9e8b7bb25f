"""Candidates, and what a taste says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.features import Features
from recommender.snapshot import Rows, Snapshot
from recommender.table import Table
from recommender.taste import Learned, Learner
from recommender.votes import utc
from recommender.wishes import Source, Wish

UPVOTE_WEIGHT = 0.05
"""Added for each e-fold of a paper's upvotes: a weak sign, and a late one."""
AGE_WEIGHT = 0.01
"""Taken for each day since the paper was announced, for at most OLDEST days."""
OLDEST = 30

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates and what a taste says of them. `believed` is the model and the topics; `scores` adds what the source
    says of the paper (`popular` is ln(1 + upvotes)); `wished` is what each topic or vote on words adds to it, and
    `muted` the topic that mutes it."""

    papers: Rows
    ids: tuple[str, ...]
    rows: Table
    believed: Floats
    scores: Floats
    popular: Floats
    wished: tuple[dict[Source, float], ...]
    muted: tuple[Wish | None, ...]


def judge(
    snapshot: Snapshot,
    features: Features,
    learner: Learner,
    taste: Learned,
    ids: Sequence[str],
    papers: Rows,
    now: datetime | None,
) -> Judged:
    """Score the candidates."""
    rows = features.table(papers)
    boosts, wished, muted = learner.boosts(taste.wishes, papers)
    believed = taste.margins(rows) + boosts
    published = snapshot.published[papers].astype(np.float32)
    today = utc(now).date().toordinal() if now else published.max(initial=0)
    age = np.where(published > 0, np.clip(today - published, 0, OLDEST), OLDEST)
    popular = np.log1p(snapshot.upvotes[papers]).astype(np.float32)
    scores = believed + UPVOTE_WEIGHT * popular - AGE_WEIGHT * age
    return Judged(papers, tuple(ids), rows, believed, scores.astype(np.float32), popular, tuple(wished), tuple(muted))
