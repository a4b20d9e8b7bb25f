"""Means of paired differences, with their standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIN_PAIRS = 2
"""The least number of pairs that have a standard error."""


class MeanDifference(NamedTuple):
    """The mean of paired differences. `standard_error` is that of the mean, and None for a single pair."""

    mean: float
    standard_error: float | None

    def __str__(self) -> str:
        error = "?" if self.standard_error is None else f"{self.standard_error:.3f}"
        return f"{self.mean:+.3f} ± {error}"


def mean_difference(differences: Sequence[float]) -> MeanDifference:
    """The mean of the differences and its standard error; the pairs are taken as independent."""
    if not differences:
        return MeanDifference(0.0, None)
    values = np.array(differences, float)
    if len(values) < MIN_PAIRS:
        return MeanDifference(float(values.mean()), None)
    return MeanDifference(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))
