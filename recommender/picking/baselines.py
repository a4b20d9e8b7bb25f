"""Simple ways to rank a day's papers, for a taste to be compared with."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recommender.learning.matrix import FeatureMatrix
from recommender.learning.taste import TasteModel

Floats = NDArray[np.float32]

_TOWARDS, _AWAY = 0.75, 0.25


class Rival(StrEnum):
    """Who a taste is compared with."""

    UPVOTES = "upvotes"  # what the world liked most
    ROCCHIO = "rocchio"  # nearness to the liked papers


def rival_scores(rival: Rival, taste: TasteModel, rows: FeatureMatrix, popular: Floats) -> Floats:
    """A score for each candidate: `rows` as the learner sees them, `popular` their ln(1 + upvotes)."""
    return popular if rival is Rival.UPVOTES else rocchio(taste, rows)


def rocchio(taste: TasteModel, rows: FeatureMatrix) -> Floats:
    """Each row times the mean of what was liked less that of what was not, 0.75 and 0.25 (Rocchio 1971, with the
    weights of Salton & Buckley 1990)."""
    known, liked = taste.rows[: len(taste.row_teachers)], np.zeros(len(taste.row_teachers), bool)
    liked[taste.liked_rows] = True
    amounts = np.where(liked, _TOWARDS / max(int(liked.sum()), 1), -_AWAY / max(int((~liked).sum()), 1))
    return rows.dot(known.rmatvec(amounts.astype(np.float32)))
