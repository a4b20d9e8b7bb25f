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


_Point = Floats
"""Weights, as one vector (2 · rows + 1,): what each row contributes to them (its share), what they make of each row
without the bias (its margin), and the bias."""


def fit(rows: Table, positive: NDArray[np.bool_], importance: Floats, strength: float) -> Fit:
    """Minimise |w|²/2 + strength · Σ importance · log loss over the rows, starting from zero."""
    cost = (strength * importance).astype(np.float32)
    target = positive.astype(np.float32)
    at = np.zeros(2 * len(rows) + 1, np.float32)
    at[-1] = _first_bias(float(cost @ target), float(cost @ (1 - target)))

    def loss(point: _Point) -> float:
        m = _said(point)
        return 0.5 * _inner(point, point) + float(cost @ (np.logaddexp(0, m) - target * m))

    value = loss(at)
    first = None
    for _ in range(_STEPS):
        p = _sigmoid(_said(at))
        pull = cost * (target - p)
        share = at[: len(rows)] - pull
        gradient = _point(share, rows.through(share), at[-1] - _BIAS_SCALE * pull.sum())
        curvature = cost * p * (1 - p)
        heavy = 1 + _BIAS_SCALE**2 * curvature.sum()
        size = float(np.sqrt(max(_inner(gradient, gradient, heavy), 0)))
        first = size if first is None else first
        if size <= _TOLERANCE * max(first, 1e-6):
            break
        step = _newton_step(rows, curvature, heavy, gradient)
        slope = _inner(gradient, step)
        scale = _ONE
        for _ in range(10):
            reached = at + scale * step
            trial = loss(reached)
            if trial <= value + 1e-4 * float(scale) * slope:
                break
            scale = np.float32(scale / 2)
        else:
            break
        at, value = reached, trial
    p = _sigmoid(_said(at))
    pull = cost * (target - p)
    return Fit(rows.back(pull), float(_BIAS_SCALE * at[-1]), pull, cost * p * (1 - p))


def _first_bias(liked: float, others: float) -> np.float32:
    """The bias that is best while the weights are zero: the log odds of the two sides."""
    return np.float32(np.log(liked / others) / _BIAS_SCALE) if liked > 0 and others > 0 else np.float32(0)


def _newton_step(rows: Table, curvature: Floats, heavy: np.float32, gradient: _Point) -> _Point:
    """Conjugate gradients on (1 + X' D X) step = −gradient until they gain little (Nash & Sofer, Operations Research
    Letters 1990). The bias, whose column is much higher than the others, is scaled by its own curvature (`heavy`)."""
    size = len(curvature)
    step = np.zeros_like(gradient)
    rest = -gradient
    along = _lightened(rest, heavy)
    left, gained = _inner(rest, rest, heavy), 0.0
    for done in range(1, _INNER_STEPS + 1):
        through = curvature * _said(along)
        share, bias = along[:size] + through, along[-1] + _BIAS_SCALE * through.sum()
        bent = float(share @ along[size:-1] + bias * along[-1])
        if bent <= 0:
            break  # nothing is left to gain, or no row says anything
        length = np.float32(left / bent)
        step = step + length * along
        gained += float(length) * left
        if done * float(length) * left <= _REDUCTION * gained:
            break
        rest = rest - length * _point(share, rows.through(share), bias)
        now = _inner(rest, rest, heavy)
        along = _lightened(rest, heavy) + np.float32(now / left) * along
        left = now
    return step


def _point(share: Floats, margin: Floats, bias: np.float32) -> _Point:
    return np.concatenate([share, margin, [bias]])


def _lightened(point: _Point, heavy: np.float32) -> _Point:
    """The point with its bias divided by `heavy`."""
    point = point.copy()
    point[-1] /= heavy
    return point


def _inner(one: _Point, other: _Point, heavy: np.float32 = _ONE) -> float:
    """The inner product of two points' weights; the biases' part is divided by `heavy`."""
    size = len(one) // 2
    return float(one[:size] @ other[size:-1] + one[-1] * other[-1] / heavy)


def _said(point: _Point) -> Floats:
    """What is made of each row."""
    said: Floats = point[len(point) // 2 : -1] + _BIAS_SCALE * point[-1]
    return said


def _sigmoid(m: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(m, -40, 40)))).astype(np.float32)
