"""The taste of a channel: a fitted logistic regression (see learner.py), and the contribution of each paper to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.index.snapshot import Rows
from recommender.learning.features import EMBEDDING_WEIGHT
from recommender.learning.labels import Labels
from recommender.learning.logistic import LogisticModel
from recommender.learning.matrix import FeatureMatrix, ignore_invalid
from recommender.learning.preferences import Preference, Teacher

NEAREST_LIKE_WEIGHT = 0.5
"""Added to the score of a paper whose embedding is the same as that of a liked paper."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TasteModel:
    """The fitted taste of a channel.

    `rows` are the training rows. Each of the first rows has a teacher, whose number is in `row_teachers`; the rest are
    background. `liked_rows` are the positive rows among them. Teachers are numbered: first `other_teachers`
    (preferences, and papers outside the index), then `papers`, whose places in `labels` are `label_places`.
    `calibration` are random papers, `held_out` says which of them the fit never saw, and `calibration_boosts` is what
    the preferences add to the scores of these. `has_likes` says whether anything was liked or subscribed. Where
    another classifier than the solver was fitted, `remainder` is what its scores have beyond those of `model`, and
    `solved` is the solver's model of the same rows.
    `neighbours` is the part of the weights that comes from the likes of other channels.
    """

    rows: FeatureMatrix
    other_teachers: tuple[Teacher, ...]
    papers: Rows
    label_places: Rows
    row_teachers: Rows
    liked_rows: slice
    model: LogisticModel
    calibration: FeatureMatrix
    held_out: NDArray[np.bool_]
    calibration_boosts: Floats
    preferences: tuple[Preference, ...]
    labels: Labels
    has_likes: bool
    solved: LogisticModel | None = None
    remainder: Callable[[FeatureMatrix], Floats] | None = None
    neighbours: Floats | None = None

    @property
    def custom(self) -> bool:
        """Whether another classifier than the solver was fitted."""
        return self.solved is not None

    def teacher(self, number: int) -> Teacher:
        """The teacher of that number, as reasons name it."""
        if number < len(self.other_teachers):
            return self.other_teachers[number]
        return Teacher(self.labels.paper_ids[int(self.label_places[number - len(self.other_teachers)])])

    @property
    def teacher_count(self) -> int:
        """The number of teachers."""
        return len(self.other_teachers) + len(self.label_places)

    def decision_function(self, rows: FeatureMatrix) -> Floats:
        """The score of papers without preferences: the log odds of the model, and the likeness to the nearest like."""
        return rows.dot(self.model.weights) + self.beyond_weights(rows)

    def beyond_weights(self, rows: FeatureMatrix) -> Floats | np.float32:
        """The part of the score of papers that is no sum of weights. A custom classifier has no bonus for likeness."""
        bias = np.float32(self.model.bias)
        if self.custom:
            return bias + self.remainder(rows) if self.remainder else bias
        return bias + self.likeness(rows.dense)

    def built_in_scores(self, rows: FeatureMatrix) -> Floats:
        """What `decision_function` would be without a custom classifier."""
        model = self.solved or self.model
        return rows.dot(model.weights) + np.float32(model.bias) + self.likeness(rows.dense)

    @ignore_invalid
    def likeness(self, embeddings: Floats) -> Floats:
        """The bonus of each row for the liked row with the nearest embedding. In a taste with several sides the nearest
        like says more than all likes together."""
        liked = self._liked.dense
        if not len(liked):
            return np.zeros(len(embeddings), np.float32)
        bonus: Floats = (liked @ embeddings.T).max(axis=0) * np.float32(NEAREST_LIKE_WEIGHT / EMBEDDING_WEIGHT**2)
        return bonus

    @ignore_invalid
    def contributions(self, row: Floats) -> Floats:
        """What each row with a teacher adds to the score of a paper, given as a dense row: (row_teachers,). Rows that
        are not liked add nothing."""
        contributions = np.zeros(len(self.row_teachers), np.float32)
        if len(self._liked):
            embedding = row[self.rows.sparse.shape[1] :]
            of_liked = self._liked.dot(row) * self.model.dual_coef[self.liked_rows]
            if not self.custom:
                of_liked[(self._liked.dense @ embedding).argmax()] += self.likeness(embedding[None])[0]
            contributions[self.liked_rows] = of_liked
        return contributions

    @cached_property
    def _liked(self) -> FeatureMatrix:
        return self.rows[self.liked_rows]

    def uncertainty(self, row: Floats) -> float:
        """The standard deviation of the score of a paper, given as a dense row, by the diagonal of the Hessian
        (Laplace approximation)."""
        return float(np.sqrt((row * row) @ self._variance))

    @cached_property
    def _variance(self) -> Floats:
        """The variance of each weight."""
        variance: Floats = np.reciprocal(1 + self.rows.squared().rmatvec(self.model.curvature))
        return variance

    @cached_property
    def _calibration_scores(self) -> Floats:
        """The scores of the held-out calibration papers, ascending."""
        return np.sort((self.decision_function(self.calibration) + self.calibration_boosts)[self.held_out])

    def percentiles(self, scores: Floats) -> Floats:
        """For each score, the share of held-out random papers with a lower one (0…1)."""
        if not len(self._calibration_scores):
            return np.ones(len(scores), np.float32)
        lower = np.searchsorted(self._calibration_scores, scores, "left")
        return (lower / len(self._calibration_scores)).astype(np.float32)
