"""Logistic regression on a few rows, by sequential subspace optimisation (Narkiss & Zibulevsky, 2005).

The weights are a sum of rows, so the solver works on the dual coefficients: there are far fewer rows than columns.
Only products with the row matrix cost time. So the solver keeps every search direction it has paid for, and each step
is a step in the space of all of them. That needs a third of the products that a truncated Newton method needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.learning.matrix import FeatureMatrix

Floats = NDArray[np.float32]

DIRECTIONS = 16
TOLERANCE = 0.05
"""The solver adds its last direction when the gradient is this much shorter than the first one. For up to 1,700 rows of
replayed channels, margins are then within 4 % of their standard deviation."""
_NEW = 8
"""The smallest squared length of a new direction, relative to the square of its L1 norm, in roundings of the dtype."""
_STEPS, _LITTLE = 20, 0.4
"""The most Newton steps at the end, and the least share of the objective, relative to the tolerance, that a step gains
before the next one."""
_HALVINGS = 10
BIAS_SCALE = 10.0
"""The bias is the weight of a constant column of this value. A larger value regularises the bias less."""


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """A fitted model: `weights` (width,) and `bias`. `dual_coef` (rows,) is the contribution of each row:
    weights = rows.rmatvec(dual_coef). `curvature` (rows,) is each row's part of the Hessian, for uncertainty.
    `directions` is the number of directions that were searched."""

    weights: Floats
    bias: float
    dual_coef: Floats
    curvature: Floats
    directions: int = 0


def fit(
    rows: FeatureMatrix,
    positive: NDArray[np.bool_],
    sample_weight: Floats,
    c: float,
    tolerance: float = TOLERANCE,
    most_directions: int = DIRECTIONS,
) -> LogisticModel:
    """Minimise |w|²/2 + c · Σ sample_weight · log loss over the rows, starting from zero, in the dtype of the rows.

    The bias is not in |w|², but (bias / BIAS_SCALE)² is: the same problem as scikit-learn's liblinear solver with
    intercept_scaling=BIAS_SCALE. Rows of one class alone can be fitted too.
    """
    dtype = rows.dense.dtype
    cost, target = (c * sample_weight).astype(dtype), positive.astype(dtype)
    # Orthonormal directions, as dual coefficients, and their responses: the change of each row's margin per unit step.
    # The first direction is the bias alone.
    directions = np.zeros((1 + most_directions, len(rows)), dtype)
    responses = np.zeros((1 + most_directions, len(rows)), dtype)
    responses[0] = BIAS_SCALE
    position = np.zeros(1 + most_directions, dtype)
    position[0] = _first_bias(float(cost @ target), float(cost @ (1 - target)))
    active, dual_coef, first_slope = slice(1), directions[0], 0.0
    probability, objective = _evaluated(position[active], responses[active], cost, target)
    gain, size, rounding = np.inf, 0, _NEW * float(np.finfo(dtype).eps)
    for size in range(1, 1 + most_directions):
        direction = cost * (target - probability) - dual_coef
        response, threshold = rows.gram_matvec(direction), rounding * float(np.abs(direction).sum()) ** 2
        slope = float(direction @ response)
        first_slope = first_slope or slope
        overlap = responses[1:size] @ direction
        direction, response = direction - overlap @ directions[1:size], response - overlap @ responses[1:size]
        square = float(direction @ response)
        if square <= threshold:
            break  # the gradient is zero, or lies in the space of the directions
        scale = dtype.type(square**-0.5)
        directions[size], responses[size] = scale * direction, scale * response
        active, previous = slice(size + 1), objective
        # One step is enough here: the next direction contains what remains of the gradient.
        position[active], probability, objective = _stepped(
            position[active], responses[active], probability, objective, cost, target
        )
        dual_coef, gain = position[active] @ directions[active], previous - objective
        if slope <= tolerance**2 * first_slope:
            break
    for _ in range(_STEPS):
        if gain <= _LITTLE * tolerance * objective:
            break
        previous = objective
        position[active], probability, objective = _stepped(
            position[active], responses[active], probability, objective, cost, target
        )
        gain = previous - objective
    dual_coef = position[active] @ directions[active]
    curvature = cost * probability * (1 - probability)
    return LogisticModel(rows.rmatvec(dual_coef), BIAS_SCALE * float(position[0]), dual_coef, curvature, size)


def _stepped(
    position: Floats, responses: Floats, probability: Floats, objective: float, cost: Floats, target: Floats
) -> tuple[Floats, Floats, float]:
    """One damped Newton step from `position` in the space of the directions with these `responses`. Returns the new
    position with the probability and the objective there."""
    gradient = position - responses @ (cost * (target - probability))
    hessian = ((responses * (cost * probability * (1 - probability))) @ responses.T).astype(np.float64)
    hessian.flat[:: len(position) + 1] += 1
    step: Floats = -np.linalg.solve(hessian, gradient).astype(position.dtype)
    slope, scale = float(gradient @ step), 1.0
    for _ in range(_HALVINGS):
        reached = position + scale * step
        then, lower = _evaluated(reached, responses, cost, target)
        if lower <= objective + 1e-4 * scale * slope:
            return reached, then, lower
        scale /= 2
    return position, probability, objective


def _evaluated(position: Floats, responses: Floats, cost: Floats, target: Floats) -> tuple[Floats, float]:
    """(probability of each row to be positive, objective)."""
    response = position @ responses
    odds = np.exp(-np.abs(response))  # of the less probable class: at most 1, so nothing overflows
    loss = np.maximum(response, 0) + np.log1p(odds) - target * response
    return np.where(response < 0, odds, 1) / (1 + odds), 0.5 * float(position @ position) + float(cost @ loss)


def _first_bias(liked: float, others: float) -> float:
    """The best bias while all weights are zero: the log odds of the two classes."""
    return float(np.log(liked / others)) / BIAS_SCALE if liked > 0 and others > 0 else 0.0
