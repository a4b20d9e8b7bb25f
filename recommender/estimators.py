"""The parts of the recommender as scikit-learn estimators, for pipelines and searches of your own.

The engine itself calls the solver underneath: the checks of an estimator cost as much as a fit of fifty votes
(docs/decisions/0012).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, csr_matrix, issparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from recommender.engine import Recommender
from recommender.learning.custom_estimator import as_csr
from recommender.learning.features import EMBEDDING_WEIGHT, Features
from recommender.learning.logistic import DIRECTIONS, TOLERANCE, fit
from recommender.learning.matrix import FeatureMatrix, vstack
from recommender.paper import Paper
from recommender.picking.feature_names import FeatureNames

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


class PaperVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Papers as the rows that a channel's taste is learned from: words, pairs of words and categories by TF-IDF, and
    beside them the paper's embedding.

    `fit` indexes the papers it is given, so that in a cross-validation nothing is known of the papers left out. An
    `engine` makes it count the papers of that index instead, as of the moment of `fit`, and take their ids too.

    Parameters: `engine`, a Recommender or None; `embedding_weight`, the length of an embedding beside the words' 1.
    """

    def __init__(self, engine: Recommender | None = None, embedding_weight: float = EMBEDDING_WEIGHT) -> None:
        self.engine = engine
        self.embedding_weight = embedding_weight

    def fit(self, X: Iterable[Paper | str], y: Any = None) -> Self:
        """Index the papers, if there is no engine. ValueError if there are none."""
        if self.engine is None:
            given = tuple(X)
            self.papers_ = tuple(paper for paper in given if isinstance(paper, Paper))
            if len(self.papers_) < len(given):
                raise ValueError("Without an engine, PaperVectorizer is fitted to papers, not to their ids.")
            if not self.papers_:
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required by PaperVectorizer.")
        self._features = self._indexed()
        return self

    def transform(self, X: Iterable[Paper | str]) -> csr_matrix:
        """The rows of papers, given as values or by their ids in the index: (papers, columns). ValueError for an
        unknown id."""
        features, papers = self._fitted(), list(X)
        ids = [paper for paper in papers if isinstance(paper, str)]
        numbers = features.snapshot.find(ids)
        if (numbers < 0).any():
            raise ValueError(f"No paper {ids[int(np.argmin(numbers))]!r} in the index.")
        indexed, others = features.matrix(numbers), features.matrix_of(p for p in papers if isinstance(p, Paper))
        places = np.argsort(np.argsort([isinstance(paper, Paper) for paper in papers], kind="stable"))
        rows = vstack([indexed, others])[places]
        return as_csr(FeatureMatrix(rows.sparse, rows.dense * np.float32(self.embedding_weight / EMBEDDING_WEIGHT)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """The words, pairs of words and categories of the columns. A category has a second column for the papers that
        have it first."""
        features = self._fitted()
        names = FeatureNames(features, features.snapshot.alive)
        columns = [names.name(column) for column in range(features.width)]
        first = features.ngram_count + len(features.snapshot.categories)
        columns[first:] = [f"{name} (first)" for name in columns[first:]]
        dimensions = features.matrix(np.zeros(0, np.int64)).dense.shape[1]
        return np.array([*columns, *(f"embedding {number}" for number in range(dimensions))], object)

    def _indexed(self) -> Features:
        engine = self.engine
        if engine is None:
            engine = Recommender()
            engine.add(self.papers_)
        return engine.features

    def _fitted(self) -> Features:
        check_is_fitted(self, "_features")
        return self._features

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_features"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "papers_"):
            self._features = self._indexed()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def _feature_matrix(X: Any) -> FeatureMatrix:
    """Rows as a feature matrix that has only a sparse part, or only a dense one."""
    parts: list[Any] = [X, np.zeros((X.shape[0], 0), X.dtype)]
    sparse, dense = parts if issparse(X) else parts[::-1]
    return FeatureMatrix(csr_array(sparse), dense)
