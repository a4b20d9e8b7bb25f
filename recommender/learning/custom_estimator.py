"""Another classifier in the place of the solver: any that scikit-learn would take in a pipeline.

A classifier is given as an unfitted estimator. It is cloned and fitted anew to the rows of each channel, as the solver
is. Whatever it raises becomes an EstimatorError, so that the solver can go on in its place.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from recommender.errors import EstimatorError
from recommender.learning.logistic import LogisticModel
from recommender.learning.matrix import FeatureMatrix

Floats = NDArray[np.float32]

_SURE = 1e-3
"""The least and, subtracted from 1, the largest probability that becomes log odds: a forest says 0 and 1 of most."""
_CLOSE = 1e-3
"""Weights explain a score if they give it up to this share of the scores' standard deviation."""
_TRIAL_ROWS, _TRIAL_COLUMNS = 40, 6


def load_estimator(path: str, parameters: Mapping[str, Any]) -> Any:
    """The unfitted classifier that an import path and its parameters name, such as
    "sklearn.linear_model.LogisticRegression" and {"C": 3.0}. The path may also be that of a function that makes one.

    EstimatorError if there is none, if it refuses the parameters, lacks a method, or can't be fitted to a few rows.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise EstimatorError(f"{path!r} is no import path like sklearn.linear_model.LogisticRegression.")
    with _failing_as(f"{module_name} can't be imported"):
        module = importlib.import_module(module_name)
        maker = getattr(module, name, None)
    if not callable(maker):
        near = difflib.get_close_matches(name, dir(module), 1, 0.6)
        raise EstimatorError(f"{module_name} has no class {name}.{f' Did you mean {near[0]}?' if near else ''}")
    with _failing_as(f"{name} can't be made with these parameters"):
        estimator = maker(**parameters)
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((_TRIAL_ROWS, _TRIAL_COLUMNS)).astype(np.float32)
    rows = FeatureMatrix(csr_matrix(np.abs(dense)), dense[:, :1])  # type: ignore[arg-type]
    fit_estimator(estimator, rows, np.arange(_TRIAL_ROWS) % 2 == 0, np.ones(_TRIAL_ROWS, np.float32))
    return estimator


class FittedEstimator(NamedTuple):
    """A fitted classifier. `scores` gives the scores of rows, higher for more probable likes; `weights` and `bias` give
    the same scores where the classifier is linear, and are None where it is not."""

    scores: Callable[[FeatureMatrix], Floats]
    weights: Floats | None
    bias: float


def fit_estimator(
    estimator: Any, rows: FeatureMatrix, positive: NDArray[np.bool_], sample_weight: Floats
) -> FittedEstimator:
    """A clone of the estimator, fitted to the rows that have a weight. The class of liked rows is 1, and 0 that of all
    others. Its scores are those of `decision_function`, or else the log odds of `predict_proba`. Raises EstimatorError.
    """
    name = type(estimator).__name__
    if not _takes_weights(estimator):
        raise EstimatorError(f"{name} has no method fit(X, y, sample_weight).")
    weighed = np.flatnonzero(sample_weight > 0)
    with _failing_as(f"{name} can't be fitted"):
        model, as_input = _copy(estimator), _input_of(estimator)
        model.fit(as_input(rows[weighed]), positive[weighed].astype(int), sample_weight=sample_weight[weighed])
    if not (hasattr(model, "decision_function") or hasattr(model, "predict_proba")):
        raise EstimatorError(f"{name} has neither decision_function nor predict_proba.")

    def scores(some: FeatureMatrix) -> Floats:
        with _failing_as(f"{name} can't score papers"):
            if not len(some):
                return np.zeros(0, np.float32)
            values = _raw_scores(model, as_input(some))
        if values.shape != (len(some),) or not np.isfinite(values).all():
            raise EstimatorError(f"{name} can't score papers: it gives no finite number for each.")
        return values

    exact = scores(rows)
    weights, bias = _linear_part(model, rows.width)
    if weights is not None:
        difference = rows.dot(weights) + np.float32(bias) - exact
        if np.abs(difference).max(initial=0) > _CLOSE * max(float(exact.std()), 1e-6):
            weights = None
    return FittedEstimator(scores, weights, bias)


class CustomFit(NamedTuple):
    """A custom classifier on the scale of the solver's scores. `model` has the weights that explain its scores.
    `remainder` is the difference of its scores from those that these weights give; None if there is none."""

    model: LogisticModel
    remainder: Callable[[FeatureMatrix], Floats] | None


def fit_custom(
    estimator: Any,
    rows: FeatureMatrix,
    positive: NDArray[np.bool_],
    sample_weight: Floats,
    solved: LogisticModel,
    others: FeatureMatrix,
    report: Callable[[str], None],
) -> CustomFit:
    """A custom classifier in the place of the `solved` model of the same rows. Raises EstimatorError. If the classifier
    fails later, with other papers, `report` is called with the reason, and the solver's scores are taken for these.

    Its scores are shifted and scaled so that they have the mean and the standard deviation that the solver's have on
    `others`, so topics, upvotes and the shared prior weigh as much beside them. The weights of a linear classifier
    explain its scores, as a sum of the rows as far as they are one. Those of any other are the mean of the liked rows
    less the mean of all others: reasons then name the nearest likes.
    """
    fitted = fit_estimator(estimator, rows, positive, sample_weight)
    others = others if len(others) > 1 else rows
    reference, found = others.dot(solved.weights) + np.float32(solved.bias), fitted.scores(others)
    scale = np.float32(reference.std() / found.std()) if found.std() > 0 else np.float32(1)
    shift = reference.mean() - scale * found.mean()
    if fitted.weights is not None:
        weights = scale * fitted.weights
        model = replace(
            solved, weights=weights, bias=float(scale * fitted.bias + shift), dual_coef=_dual(rows, weights)
        )
        return CustomFit(model, None)
    shares = np.where(positive, sample_weight > 0, -sample_weight).astype(np.float32)
    for side in (positive, ~positive):
        shares[side] /= max(float(np.abs(shares[side]).sum()), 1e-9)
    stand_in = replace(solved, weights=rows.rmatvec(shares), bias=0.0, dual_coef=shares)

    def remainder(some: FeatureMatrix) -> Floats:
        try:
            scores = scale * fitted.scores(some) + shift
        except EstimatorError as error:
            report(str(error))
            scores = some.dot(solved.weights) + np.float32(solved.bias)
        difference: Floats = scores - some.dot(stand_in.weights)
        return difference

    return CustomFit(stand_in, remainder)


def as_csr(rows: FeatureMatrix) -> csr_matrix:
    """Both parts of a feature matrix side by side in one sparse matrix of float64."""
    return csr_matrix(hstack([rows.sparse, csr_matrix(rows.dense)], format="csr"), dtype=np.float64)


def _input_of(estimator: Any) -> Callable[[FeatureMatrix], Any]:
    """The function that makes an estimator's input of rows: a sparse matrix, or where it takes none an array."""
    from sklearn.utils import get_tags

    try:
        takes_sparse = get_tags(estimator).input_tags.sparse
    except Exception:  # an estimator that is not made of scikit-learn's base classes has no tags
        takes_sparse = True
    return as_csr if takes_sparse else lambda rows: as_csr(rows).toarray()


def _raw_scores(model: Any, rows: Any) -> Floats:
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(rows), np.float32)
    probabilities = np.asarray(model.predict_proba(rows), float)
    liked = list(getattr(model, "classes_", (0, 1))).index(1)
    likely = probabilities[:, liked].clip(_SURE, 1 - _SURE)
    log_odds: Floats = np.log(likely / (1 - likely)).astype(np.float32)
    return log_odds


def _linear_part(model: Any, width: int) -> tuple[Floats | None, float]:
    """(the weights of each column, the bias) of a classifier that has `coef_`; (None, 0) of any other."""
    try:
        weights = model.coef_
        weights = np.asarray(weights.todense() if hasattr(weights, "todense") else weights, np.float32).ravel()
        bias = float(np.ravel(getattr(model, "intercept_", 0.0))[0])
    except Exception:  # a kernel that has no coef_ says so in a way of its own
        return None, 0.0
    return (weights, bias) if len(weights) == width else (None, 0.0)


def _dual(rows: FeatureMatrix, weights: Floats) -> Floats:
    """The amounts of the rows whose sum comes nearest to the weights: (rows,). The weights of a model with an L2
    penalty are such a sum."""
    from scipy.sparse.linalg import lsqr

    return lsqr(as_csr(rows).T, weights, atol=1e-3, btol=1e-3, iter_lim=50)[0].astype(np.float32)


def _copy(estimator: Any) -> Any:
    """An unfitted copy, with a seed wherever the estimator has none: the same feedback gives the same taste."""
    from sklearn.base import clone

    copied = clone(estimator, safe=False)
    if hasattr(copied, "get_params"):
        unseeded = [
            name
            for name, value in copied.get_params().items()
            if value is None and name.rpartition("__")[2] == "random_state"
        ]
        copied.set_params(**dict.fromkeys(unseeded, 0))
    return copied


def _takes_weights(estimator: Any) -> bool:
    try:
        parameters = inspect.signature(estimator.fit).parameters
    except (AttributeError, TypeError, ValueError):
        return False
    return "sample_weight" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


@contextmanager
def _failing_as(what: str) -> Iterator[None]:
    """Whatever is raised within becomes an EstimatorError of one sentence."""
    try:
        yield
    except EstimatorError:
        raise
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        raise EstimatorError(f"{what}: {first_line or type(error).__name__}.") from error
