"""The parts of the recommender as scikit-learn estimators, for pipelines and searches of your own.

The engine itself calls the solver underneath: the checks of an estimator cost as much as a fit of fifty votes
(docs/decisions/0012).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from recommender.learning.logistic import DIRECTIONS, TOLERANCE, fit
from recommender.learning.matrix import FeatureMatrix

_FLOATS = [np.float64, np.float32]


class TasteClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression of two classes with an L2 penalty, by the solver that learns a channel's taste.

    It minimises |w|²/2 + C · Σ sample_weight · log loss, as LogisticRegression does, and takes sparse and dense rows of
    float32 or float64. The intercept is the weight of a constant column of 10 (see recommender/learning/logistic.py).

    Parameters: `C`, the weight of the loss relative to the penalty; `tol`, how much shorter the gradient is when the
    solver stops than when it starts; `max_iter`, the most search directions.

    Attributes: `classes_` (2,), `coef_` (1, features), `intercept_` (1,), `n_features_in_`, `n_iter_` (1,), and
    `dual_coef_` (1, samples), the part of each row in the weights: coef_ = dual_coef_ @ X.
    """

    def __init__(self, C: float = 3.0, tol: float = TOLERANCE, max_iter: int = DIRECTIONS) -> None:
        self.C = C
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows (samples, features) and their classes (samples,). ValueError, in scikit-learn's words, for data
        that nothing can be learned from."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=_FLOATS)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        weights = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        self.classes_, place = np.unique(y, return_inverse=True)
        weighed = np.unique(place[weights > 0])
        if len(weighed) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
                f"{self.classes_[weighed[0]]!r}"
            )
        model = fit(_feature_matrix(X), place == 1, weights, self.C, self.tol, self.max_iter)
        self.coef_, self.dual_coef_ = model.weights[None], model.dual_coef[None]
        self.intercept_ = np.array([model.bias], X.dtype)
        self.n_iter_ = np.array([model.directions], np.int32)
        return self

    def decision_function(self, X: Any) -> NDArray[Any]:
        """The log odds of the second class for each row: (samples,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=_FLOATS, reset=False)
        scores: NDArray[Any] = X @ self.coef_[0] + self.intercept_[0]
        return scores

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each row: (samples, 2)."""
        second = expit(self.decision_function(X))
        return np.stack([1 - second, second], axis=1)

    def predict(self, X: Any) -> NDArray[Any]:
        """The more probable class of each row: (samples,)."""
        second = self.decision_function(X) > 0
        classes: NDArray[Any] = self.classes_[second.astype(int)]
        return classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags


def _feature_matrix(X: Any) -> FeatureMatrix:
    """Rows as a feature matrix that has only a sparse part, or only a dense one."""
    parts: list[Any] = [X, np.zeros((X.shape[0], 0), X.dtype)]
    sparse, dense = parts if issparse(X) else parts[::-1]
    return FeatureMatrix(csr_array(sparse), dense)
