"""The reasons for picks in a channel that has liked nothing yet: what the pick really rests on, or nothing."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.learning.features import Features
from recommender.learning.scoring import ScoredCandidates
from recommender.learning.taste import TasteModel
from recommender.picking.feature_names import FeatureNames
from recommender.picking.reasons import MOST_WORDS, name_columns
from recommender.values import Reason, ReasonBasis

MIN_CANDIDATES = 5
"""Among fewer candidates nothing is typical."""
OUTSTANDING_SHARE = 0.2
"""A paper is called typical, popular or near to what neighbours like if it is among this share of the candidates."""
MIN_SHARING = 3
"""The least number of candidates that have a word which is named as typical, the paper itself among them."""

Floats = NDArray[np.float32]


class ColdReasons:
    """The reasons for scored candidates where the taste has learned nothing."""

    def __init__(self, features: Features, taste: TasteModel, scored: ScoredCandidates) -> None:
        self._features, self._taste, self._scored = features, taste, scored

    def of(self, at: int) -> tuple[Reason, ...]:
        """The reason for a candidate, if there is one: the likes of other channels, the upvotes of a source's readers,
        or the subjects that many candidates have."""
        if len(self._scored.ids) < MIN_CANDIDATES:
            return ()
        columns, values = self._scored.rows.entries(at)
        if self._stands_out(self._neighbour_scores, at):
            assert self._taste.neighbours is not None
            words = self._words(at, columns, np.maximum(values * self._taste.neighbours[columns], 0))
            return (Reason(words, weight=float(self._neighbour_scores[at]), basis=ReasonBasis.NEIGHBOURS),)
        if self._stands_out(self._scored.popularity, at):
            return (Reason((), weight=float(self._scored.popularity[at]), basis=ReasonBasis.POPULAR),)
        if self._stands_out(self._typical_scores, at):
            shared = np.where(self._sharing[columns] >= MIN_SHARING, values * self._sharing[columns], 0)
            if words := self._words(at, columns, shared * self._features.informativeness[columns]):
                return (Reason(words, weight=float(self._typical_scores[at]), basis=ReasonBasis.TYPICAL),)
        return ()

    def _stands_out(self, scores: Floats, at: int) -> bool:
        """Whether a candidate's score is above 0, and among the OUTSTANDING_SHARE of the highest."""
        return bool(scores[at] > 0 and (scores > scores[at]).mean() < OUTSTANDING_SHARE)

    def _words(self, at: int, columns: NDArray[np.int32], values: Floats) -> tuple[str, ...]:
        names = FeatureNames(self._features, np.array([self._scored.papers[at]]))
        return tuple(word.text for word in name_columns(self._features, columns, values, names, MOST_WORDS))

    @cached_property
    def _neighbour_scores(self) -> Floats:
        """What the likes of other channels add to each candidate's score: 0 without any."""
        weights = self._taste.neighbours
        return np.zeros(len(self._scored.ids), np.float32) if weights is None else self._scored.rows.dot(weights)

    @cached_property
    def _typical_scores(self) -> Floats:
        """The likeness of each candidate to all of them."""
        words = self._scored.rows.sparse
        typical: Floats = np.asarray(words @ words.sum(axis=0)).ravel()
        return typical

    @cached_property
    def _sharing(self) -> Floats:
        """The number of candidates that have each column."""
        columns = self._scored.rows.sparse.indices
        return np.bincount(columns, minlength=self._features.width).astype(np.float32)
