"""Logistic regression on a few rows, by a truncated Newton method (Lin, Weng & Keerthi, JMLR 2008)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.table import Table

Floats = NDArray[np.float32]

_STEPS = 12
_INNER_STEPS = 12
_TOLERANCE = 1e-2
_REDUCTION = 0.2
_BIAS_SCALE = np.float32(10.0)
"""The bias is a weight like the others on a column of this height: the higher, the freer."""


@dataclass(frozen=True, slots=True)
class Fit:
    """`weights` (width,) and `bias`; `pull` (rows,) is what each row contributed: weights = rows.back(pull). `spread`
    (rows,) is each row's share of curvature, from which uncertainty is taken."""

    weights: Floats
    bias: float
    pull: Floats
    spread: Floats


def fit(rows: Table, positive: NDArray[np.bool_], importance: Floats, strength: float) -> Fit:
    """Minimise |w|²/2 + strength · Σ importance · log loss over the rows, starting from zero."""
    cost = (strength * importance).astype(np.float32)
    target = positive.astype(np.float32)
    weights = np.zeros(rows.width, np.float32)
    bias = np.float32(0)

    def loss(w: Floats, b: np.float32, m: Floats) -> float:
        return float(0.5 * (w @ w + b * b) + cost @ (np.logaddexp(0, m) - target * m))

    m = np.zeros(len(rows), np.float32)
    value = loss(weights, bias, m)
    first = None
    for _ in range(_STEPS):
        p = _sigmoid(m)
        pull = cost * (target - p)
        gradient = weights - rows.back(pull)
        gradient_bias = bias - _BIAS_SCALE * pull.sum()
        curvature = cost * p * (1 - p)
        size = float(np.sqrt(gradient @ gradient + gradient_bias**2 / (1 + _BIAS_SCALE**2 * curvature.sum())))
        first = size if first is None else first
        if size <= _TOLERANCE * max(first, 1e-6):
            break
        step, step_bias, m_step = _newton_step(rows, curvature, gradient, gradient_bias, _REDUCTION)
        slope = float(gradient @ step + gradient_bias * step_bias)
        scale = np.float32(1)
        for _ in range(10):
            trial = loss(weights + scale * step, bias + scale * step_bias, m + scale * m_step)
            if trial <= value + 1e-4 * float(scale) * slope:
                break
            scale = np.float32(scale / 2)
        else:
            break
        weights, bias, m, value = weights + scale * step, bias + scale * step_bias, m + scale * m_step, trial
    p = _sigmoid(m)
    pull = cost * (target - p)
    return Fit(rows.back(pull), float(_BIAS_SCALE * bias), pull, cost * p * (1 - p))


def _newton_step(
    rows: Table,
    curvature: Floats,
    gradient: Floats,
    gradient_bias: np.float32,
    reduction: float,
) -> tuple[Floats, np.float32, Floats]:
    """Conjugate gradients on (1 + X' D X) step = −gradient until the rest has shrunk by `reduction`. The bias, whose
    column is much higher than the others, is scaled by its own curvature. Also what the step adds to the margins."""
    heavy = 1 + _BIAS_SCALE**2 * curvature.sum()
    step, step_bias, m_step = np.zeros_like(gradient), np.float32(0), np.zeros_like(curvature)
    rest, rest_bias = -gradient, -gradient_bias
    along, along_bias = rest, rest_bias / heavy
    left = float(rest @ rest + rest_bias**2 / heavy)
    goal = reduction**2 * left
    for _ in range(_INNER_STEPS):
        m_along = rows.dot(along) + _BIAS_SCALE * along_bias
        through = curvature * m_along
        image = along + rows.back(through)
        image_bias = along_bias + _BIAS_SCALE * through.sum()
        length = np.float32(left / float(along @ image + along_bias * image_bias))
        step, step_bias, m_step = step + length * along, step_bias + length * along_bias, m_step + length * m_along
        rest, rest_bias = rest - length * image, rest_bias - length * image_bias
        now = float(rest @ rest + rest_bias**2 / heavy)
        if now <= goal:
            break
        turn = np.float32(now / left)
        along, along_bias, left = rest + turn * along, rest_bias / heavy + turn * along_bias, now
    return step, step_bias, m_step


def _sigmoid(m: Floats) -> Floats:
    return (1 / (1 + np.exp(-np.clip(m, -40, 40)))).astype(np.float32)
