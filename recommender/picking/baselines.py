"""Simple baseline rankings of a day's papers, to compare a taste with."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recommender.learning.matrix import FeatureMatrix
from recommender.learning.scoring import ScoredCandidates
from recommender.learning.taste import TasteModel

Floats = NDArray[np.float32]

_TOWARDS, _AWAY = 0.75, 0.25


class Baseline(StrEnum):
    """The baselines."""

    UPVOTES = "upvotes"  # most upvotes first
    ROCCHIO = "rocchio"  # nearness to the liked papers
    BUILT_IN = "built-in"  # the taste as the built-in classifier learns it


def baseline_scores(baseline: Baseline, taste: TasteModel, scored: ScoredCandidates) -> Floats:
    """The score of each candidate."""
    if baseline is Baseline.UPVOTES:
        return scored.popularity
    if baseline is Baseline.ROCCHIO:
        return rocchio(taste, scored.rows)
    return scored.scores - taste.decision_function(scored.rows) + taste.built_in_scores(scored.rows)


def rocchio(taste: TasteModel, rows: FeatureMatrix) -> Floats:
    """Each row times the mean of the liked rows less that of the other rows, weighted 0.75 and 0.25 (Rocchio 1971, with
    the weights of Salton & Buckley 1990)."""
    known, liked = taste.rows[: len(taste.row_teachers)], np.zeros(len(taste.row_teachers), bool)
    liked[taste.liked_rows] = True
    amounts = np.where(liked, _TOWARDS / max(int(liked.sum()), 1), -_AWAY / max(int((~liked).sum()), 1))
    return rows.dot(known.rmatvec(amounts.astype(np.float32)))
