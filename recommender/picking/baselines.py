"""Simple baseline rankings of a day's papers, to compare a taste with."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recommender.learning.matrix import FeatureMatrix
from recommender.learning.taste import TasteModel

Floats = NDArray[np.float32]

_TOWARDS, _AWAY = 0.75, 0.25


class Baseline(StrEnum):
    """The baselines."""

    UPVOTES = "upvotes"  # most upvotes first
    ROCCHIO = "rocchio"  # nearness to the liked papers


def baseline_scores(baseline: Baseline, taste: TasteModel, rows: FeatureMatrix, popular: Floats) -> Floats:
    """The score of each candidate. `popularity` is ln(1 + upvotes)."""
    return popular if baseline is Baseline.UPVOTES else rocchio(taste, rows)


def rocchio(taste: TasteModel, rows: FeatureMatrix) -> Floats:
    """Each row times the mean of the liked rows less that of the other rows, weighted 0.75 and 0.25 (Rocchio 1971, with
    the weights of Salton & Buckley 1990)."""
    known, liked = taste.rows[: len(taste.row_teachers)], np.zeros(len(taste.row_teachers), bool)
    liked[taste.liked_rows] = True
    amounts = np.where(liked, _TOWARDS / max(int(liked.sum()), 1), -_AWAY / max(int((~liked).sum()), 1))
    return rows.dot(known.rmatvec(amounts.astype(np.float32)))
