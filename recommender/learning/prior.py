"""The shared prior: the taste that a channel begins with, before it has voted itself.

A shared weight vector beside each channel's own one (Evgeniou & Pontil, KDD 2004). It is learned from the papers that
the sources' readers upvoted among all that were listed, and from the likes of neighbouring channels, if that is
allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Snapshot
from recommender.learning.features import Features
from recommender.learning.labels import aggregate_labels, utc
from recommender.learning.logistic import fit
from recommender.learning.matrix import vstack
from recommender.values import Feedback

SOURCES_WEIGHT = 0.25
NEIGHBOURS_WEIGHT = 0.5
"""Added to a score, before a channel's first vote, for one standard deviation of the taste of a source's readers, and
of the other channels of the workspace. A larger SOURCES_WEIGHT costs channels with a narrow subject likes."""
HALVING_VOTES = 10.0
"""The number of a channel's own votes at which these weights are halved."""
MIN_LIKED = 20
"""The least number of papers that others liked, and of others, for a prior to be learned."""
MAX_PAPERS = 600
"""The most papers to learn from: the newest of those that others liked, and a random sample of the rest."""
REGULARIZATION_C = 3.0
_EVIDENCE = 30.0
"""The total weight of all liked papers, and of all other papers."""

Floats = NDArray[np.float32]


class SharedPrior:
    """The shared prior up to any day, over one snapshot of the index."""

    def __init__(self, snapshot: Snapshot, features: Features) -> None:
        self._snapshot = snapshot
        self._features = features
        self._cached_weights = lru_cache(maxsize=32)(self._fit)

    def weights(self, since: date, neighbours: Sequence[Feedback], votes: float) -> tuple[Floats | None, Floats | None]:
        """The prior of a channel that has cast so many votes, as weights of a feature matrix, and the part of it that
        comes from the neighbours; None for what too little is known of. `since` is the channel's first day: papers and
        votes from that day on are left out. `neighbours` are the votes of other channels of its workspace. A paper
        weighs as much as those who like it, and no member counts for more than in a channel's own taste."""
        labels = aggregate_labels((vote for vote in neighbours if utc(vote.at).date() < since), None)
        liked = tuple(sorted((labels.paper_ids[at], float(labels.like[at])) for at in np.flatnonzero(labels.like)))
        day = since.toordinal()
        decay = 1 + votes / HALVING_VOTES
        of_sources, of_neighbours = self._cached_weights(day, None), self._cached_weights(day, liked)
        if of_neighbours is not None:
            of_neighbours = np.float32(NEIGHBOURS_WEIGHT / decay) * of_neighbours
        if of_sources is None:
            return of_neighbours, of_neighbours
        total = np.float32(SOURCES_WEIGHT / decay) * of_sources
        return (total if of_neighbours is None else total + of_neighbours), of_neighbours

    def _fit(self, since: int, liked: tuple[tuple[str, float], ...] | None) -> Floats | None:
        """Weights whose scores have a standard deviation of 1, fitted to papers before the day number `since`: the
        `liked` papers, with the weight of each, against the others, or, if None, the papers with upvotes."""
        snapshot = self._snapshot
        published = snapshot.published[snapshot.alive]
        dated = snapshot.alive[(published > 0) & (published < since)]
        if liked is None:
            like_weights = (snapshot.upvotes > 0).astype(float)
        else:
            like_weights = np.zeros(snapshot.size + 1)  # the last place is for unknown papers
            like_weights[snapshot.find([paper_id for paper_id, _ in liked])] = [weight for _, weight in liked]
        is_liked = like_weights[dated] > 0
        liked_papers = dated[is_liked][np.argsort(-snapshot.published[dated[is_liked]], kind="stable")[:MAX_PAPERS]]
        if len(liked_papers) < MIN_LIKED:
            return None
        other_papers = dated[~is_liked & (snapshot.published[dated] >= snapshot.published[liked_papers].min())]
        other_papers = other_papers[np.argsort(snapshot.keys[other_papers], kind="stable")[:MAX_PAPERS]]
        if len(other_papers) < MIN_LIKED:
            return None
        rows = vstack([self._features.matrix(liked_papers), self._features.matrix(other_papers)])
        positive = np.arange(len(rows)) < len(liked_papers)
        like_weights = like_weights[liked_papers] / like_weights[liked_papers].sum()
        sample_weight = np.concatenate(
            [_EVIDENCE * like_weights, np.full(len(other_papers), _EVIDENCE / len(other_papers))]
        ).astype(np.float32)
        weights = fit(rows, positive, sample_weight, REGULARIZATION_C).weights
        deviation = float(rows.dot(weights).std())
        return weights / np.float32(max(deviation, 1e-6))
