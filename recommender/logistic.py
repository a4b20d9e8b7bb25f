"""Logistic regression on a few rows, by a truncated Newton method (Lin, Weng & Keerthi, JMLR 2008).

Weights are sums of rows, so that everything is counted in what each row contributes: there are far fewer rows than
columns, and only the products with the rows go through all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.table import Table

Floats = NDArray[np.float32]

_STEPS = 12
_INNER_STEPS = 12
_TOLERANCE = 1e-2
_REDUCTION = 0.3
"""A step is good enough when one more round gains less than this share of what a round gained on the average."""
_BIAS_SCALE = np.float32(10.0)
"""The bias is a weight like the others on a column of this height: the higher, the freer."""

_ONE = np.float32(1)


@dataclass(frozen=True, slots=True)
class Fit:
    """`weights` (width,) and `bias`; `pull` (rows,) is what each row contributed: weights = rows.back(pull). `spread`
    (rows,) is each row's share of curvature, from which uncertainty is taken."""

    weights: Floats
    bias: float
    pull: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class _Point:
    """Weights as what each row contributes to them (`share`), what they make of each row without the bias (`margin`),
    and the bias."""

    share: Floats
    margin: Floats
    bias: np.float32

    def plus(self, other: _Point, times: np.float32) -> _Point:
        return _Point(
            self.share + times * other.share, self.margin + times * other.margin, self.bias + times * other.bias
        )

    def times(self, other: _Point, heavy: np.float32 = _ONE) -> float:
        """The inner product of the weights; the biases' part is divided by `heavy`."""
        return float(self.share @ other.margin + self.bias * other.bias / heavy)

    @property
    def said(self) -> Floats:
        """What is made of each row."""
        return self.margin + _BIAS_SCALE * self.bias


def fit(rows: Table, positive: NDArray[np.bool_], importance: Floats, strength: float) -> Fit:
    """Minimise |w|²/2 + strength · Σ importance · log loss over the rows, starting from zero."""
    cost = (strength * importance).astype(np.float32)
    target = positive.astype(np.float32)
    nothing = np.zeros(len(rows), np.float32)
    at = _Point(nothing, nothing, _first_bias(float(cost @ target), float(cost @ (1 - target))))

    def loss(point: _Point) -> float:
        m = point.said
        return 0.5 * point.times(point) + float(cost @ (np.logaddexp(0, m) - target * m))

    value = loss(at)
    first = None
    for _ in range(_STEPS):
        p = _sigmoid(at.said)
        pull = cost * (target - p)
        share = at.share - pull
        gradient = _Point(share, rows.through(share), at.bias - _BIAS_SCALE * pull.sum())
        curvature = cost * p * (1 - p)
        heavy = 1 + _BIAS_SCALE**2 * curvature.sum()
        size = float(np.sqrt(max(gradient.times(gradient, heavy), 0)))
        first = size if first is None else first
        if size <= _TOLERANCE * max(first, 1e-6):
            break
        step = _newton_step(rows, curvature, heavy, gradient)
        slope = gradient.times(step)
        scale = _ONE
        for _ in range(10):
            reached = at.plus(step, scale)
            trial = loss(reached)
            if trial <= value + 1e-4 * float(scale) * slope:
                break
            scale = np.float32(scale / 2)
        else:
            break
        at, value = reached, trial
    p = _sigmoid(at.said)
    pull = cost * (target - p)
    return Fit(rows.back(pull), float(_BIAS_SCALE * at.bias), pull, cost * p * (1 - p))


def _first_bias(liked: float, others: float) -> np.float32:
    """The bias that is best while the weights are zero: the log odds of the two sides."""
    return np.float32(np.log(liked / others) / _BIAS_SCALE) if liked > 0 and others > 0 else np.float32(0)


def _newton_step(rows: Table, curvature: Floats, heavy: np.float32, gradient: _Point) -> _Point:
    """Conjugate gradients on (1 + X' D X) step = −gradient until they gain little (Nash & Sofer, Operations Research
    Letters 1990). The bias, whose column is much higher than the others, is scaled by its own curvature (`heavy`)."""
    nothing = np.zeros_like(curvature)
    step = _Point(nothing, nothing, np.float32(0))
    rest = step.plus(gradient, np.float32(-1))
    along = _Point(rest.share, rest.margin, rest.bias / heavy)
    left, gained = rest.times(rest, heavy), 0.0
    for done in range(1, _INNER_STEPS + 1):
        through = curvature * along.said
        image = _Point(along.share + through, nothing, along.bias + _BIAS_SCALE * through.sum())
        bent = image.times(along)
        if bent <= 0:
            break  # nothing is left to gain, or no row says anything
        length = np.float32(left / bent)
        step = step.plus(along, length)
        gained += float(length) * left
        if done * float(length) * left <= _REDUCTION * gained:
            break
        image = _Point(image.share, rows.through(image.share), image.bias)
        rest = rest.plus(image, -length)
        now = rest.times(rest, heavy)
        along = _Point(rest.share, rest.margin, rest.bias / heavy).plus(along, np.float32(now / left))
        left = now
    return step


def _sigmoid(m: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(m, -40, 40)))).astype(np.float32)
