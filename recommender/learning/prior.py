"""What is generally liked: the taste that a channel begins with, before it has shown one of its own.

A shared vector beside each channel's own (Evgeniou & Pontil, KDD 2004), learned from what the sources' readers picked
among what was listed, and from the channel's neighbours where they allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Snapshot
from recommender.learning.features import Features
from recommender.learning.labels import utc
from recommender.learning.logistic import fit
from recommender.learning.matrix import vstack
from recommender.values import Feedback

SOURCES_WEIGHT = 0.25
NEIGHBOURS_WEIGHT = 0.5
"""Before a channel's first vote: how much one standard deviation of what a source's readers, and of what the other
channels of the workspace like, adds to a score. More of the first costs channels with a narrow subject likes."""
VOTES = 10.0
"""Votes of a channel by which that weight is halved."""
LEAST = 20
"""Papers that others liked, below which nothing is said of what is generally liked."""
MOST = 600
"""Papers that others liked, and passed over, that are learned from: the newest, and a random choice."""
REGULARIZATION_C = 3.0
_EVIDENCE = 30.0
"""What all the liked papers count together, and all the others."""

Floats = NDArray[np.float32]


class Community:
    """Tastes of the community up to any day, over one snapshot of the index."""

    def __init__(self, snapshot: Snapshot, features: Features) -> None:
        self._snapshot = snapshot
        self._features = features
        self._learned = lru_cache(maxsize=32)(self._learn)

    def weights(self, since: date, neighbours: Sequence[Feedback], votes: float) -> Floats | None:
        """What a channel takes over, as weights of a table, when it has cast so many votes; `since` is its first day:
        no paper and no vote from that day on teaches anything. `neighbours` are the votes of other channels of its
        workspace. None when too little is known."""
        liked = tuple(sorted({f.paper_id for f in neighbours if f.value > 0 and utc(f.at).date() < since}))
        day = since.toordinal()
        parts = [(SOURCES_WEIGHT, self._learned(day, None)), (NEIGHBOURS_WEIGHT, self._learned(day, liked))]
        known = [
            np.float32(sample_weight / (1 + votes / VOTES)) * learned
            for sample_weight, learned in parts
            if learned is not None
        ]
        return sum(known[1:], known[0]) if known else None

    def _learn(self, since: int, liked: tuple[str, ...] | None) -> Floats | None:
        """Weights whose scores have a standard deviation of 1, from papers before the day number `since`: those `liked`
        against the others, or those with upvotes when None."""
        snapshot = self._snapshot
        published = snapshot.published[snapshot.alive]
        dated = snapshot.alive[(published > 0) & (published < since)]
        is_liked = snapshot.upvotes[dated] > 0 if liked is None else np.isin(dated, snapshot.find(liked))
        liked_papers = dated[is_liked][np.argsort(-snapshot.published[dated[is_liked]], kind="stable")[:MOST]]
        if len(liked_papers) < LEAST:
            return None
        other_papers = dated[~is_liked & (snapshot.published[dated] >= snapshot.published[liked_papers].min())]
        other_papers = other_papers[np.argsort(snapshot.keys[other_papers], kind="stable")[:MOST]]
        if len(other_papers) < LEAST:
            return None
        rows = vstack([self._features.table(liked_papers), self._features.table(other_papers)])
        positive = np.arange(len(rows)) < len(liked_papers)
        sample_weight = np.where(positive, _EVIDENCE / len(liked_papers), _EVIDENCE / len(other_papers)).astype(
            np.float32
        )
        weights = fit(rows, positive, sample_weight, REGULARIZATION_C).weights
        deviation = float(rows.dot(weights).std())
        return weights / np.float32(max(deviation, 1e-6))
