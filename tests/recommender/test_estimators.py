"""The learner's parts as scikit-learn estimators."""

from __future__ import annotations

import doctest
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array, random_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from recommender import Paper, PaperVectorizer, Recommender, TasteClassifier
from recommender.learning.features import EMBEDDING_WEIGHT
from recommender.learning.logistic import BIAS_SCALE, fit
from recommender.learning.matrix import FeatureMatrix
from tests.recommender.papers import library

Sample = tuple[csr_array, NDArray[np.bool_], NDArray[np.float64]]


def sample(count: int = 400, liked: float = 0.2, seed: int = 0) -> Sample:
    """Sparse rows of unit length, whether each is liked, and its weight."""
    rng = np.random.default_rng(seed)
    rows: Any = random_array((count, 2_000), density=0.01, rng=rng, data_sampler=rng.random)
    return csr_array(normalize(rows.tocsr())), rng.random(count) < liked, rng.random(count)


# The checks that scikit-learn has for estimators: none is expected to fail


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [TasteClassifier(), TasteClassifier(tol=1e-6, max_iter=300)], expected_failed_checks=lambda estimator: {}
)
def test_the_classifier_passes_the_checks_of_scikit_learn(
    estimator: TasteClassifier, check: Callable[[TasteClassifier], None]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke some
        check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_repr,
    ],
)
def test_the_vectorizer_passes_the_checks_that_need_no_rows_of_numbers(
    check: Callable[[str, PaperVectorizer], None],
) -> None:
    check("PaperVectorizer", PaperVectorizer())


# The same problem as LogisticRegression has


@pytest.mark.parametrize(("tol", "off"), [(0.05, 0.01), (1e-3, 3e-4), (1e-8, 1e-7)])
@pytest.mark.parametrize("liked", [0.02, 0.3])
def test_the_classifier_agrees_with_logistic_regression(tol: float, off: float, liked: float) -> None:
    rows, positive, weights = sample(liked=liked)
    exact = LogisticRegression(C=3, solver="liblinear", intercept_scaling=BIAS_SCALE, tol=1e-10, max_iter=5_000)
    margins = exact.fit(rows, positive, weights).decision_function(rows)
    ours = TasteClassifier(tol=tol, max_iter=100).fit(rows, positive, weights)
    difference = ours.decision_function(rows) - margins
    assert np.sqrt(np.mean(difference**2)) < off * margins.std()


def test_the_classifier_is_the_solver_of_the_engine() -> None:
    rows, positive, weights = sample()
    rows, single = rows.astype(np.float32), weights.astype(np.float32)
    ours = TasteClassifier().fit(rows, positive, weights)
    model = fit(FeatureMatrix(rows, np.zeros((rows.shape[0], 0), np.float32)), positive, single, 3.0)
    assert (ours.coef_[0] == model.weights).all()
    assert ours.coef_.dtype == np.float32
    assert ours.intercept_[0] == np.float32(model.bias)


def test_sparse_and_dense_rows_give_the_same_weights_which_are_a_sum_of_rows() -> None:
    rows, positive, weights = sample(100)
    sparse = TasteClassifier().fit(rows, positive, weights)
    dense = TasteClassifier().fit(rows.toarray(), positive, weights)
    assert sparse.coef_ == pytest.approx(dense.coef_)
    assert sparse.dual_coef_ @ rows.toarray() == pytest.approx(sparse.coef_)


def test_any_two_classes_can_be_named() -> None:
    rows, positive, _ = sample(100)
    named = TasteClassifier().fit(rows, np.where(positive, "yes", "no"))
    assert named.classes_.tolist() == ["no", "yes"]
    probability = named.predict_proba(rows)
    assert probability.sum(axis=1) == pytest.approx(np.ones(100))
    assert (named.predict(rows) == named.classes_[probability.argmax(axis=1)]).all()


def test_the_classifier_can_be_cloned_and_searched() -> None:
    rows, positive, weights = sample()
    search = GridSearchCV(TasteClassifier(tol=0.01), {"C": [0.3, 3.0]}, scoring="average_precision", cv=3)
    search.fit(rows, positive, sample_weight=weights)
    assert search.best_estimator_.C in (0.3, 3.0)
    copied = clone(search.best_estimator_)
    assert copied.get_params() == {"C": search.best_estimator_.C, "tol": 0.01, "max_iter": 16}
    assert not hasattr(copied, "coef_")


# Data that nothing can be learned from


def _with(rows: csr_array, value: float) -> csr_array:
    spoiled = rows.copy()
    spoiled.data[0] = value
    return spoiled


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda x, y, w: (_with(x, np.nan), y, w), "Input X contains NaN"),
        (lambda x, y, w: (_with(x, np.inf), y, w), "Input X contains infinity"),
        (lambda x, y, w: (x[:0], y[:0], w[:0]), "Found array with 0 sample"),
        (lambda x, y, w: (x, y[:-1], w), "inconsistent numbers of samples"),
        (lambda x, y, w: (x, np.arange(len(y)) % 3, w), "Only binary classification is supported"),
        (lambda x, y, w: (x, y + 0.5, w), "Unknown label type"),
        (lambda x, y, w: (x, np.ones(len(y), bool), w), "the data contains only one class: np.True_"),
        (lambda x, y, w: (x, y, w * y), "the data contains only one class: np.True_"),
        (lambda x, y, w: (x, y, 0 * w), "Sample weights must contain at least one non-zero number"),
        (lambda x, y, w: (x, y, -w), "Negative values in data passed to `sample_weight`"),
        (lambda x, y, w: (x, y, w * np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_bad_data_is_refused_in_the_words_of_scikit_learn(spoil: Callable[..., Any], told: str) -> None:
    rows, positive, weights = spoil(*sample(50))
    with pytest.raises(ValueError, match=told):
        TasteClassifier().fit(rows, positive, sample_weight=weights)


def test_empty_rows_and_contradictory_labels_are_learned_from() -> None:
    rows = csr_array(np.repeat([[0.0, 0.0], [1.0, 0.0]], 50, axis=0))
    fitted = TasteClassifier(tol=1e-6).fit(rows, np.arange(100) % 2)
    assert np.isfinite(fitted.coef_).all()
    assert fitted.predict_proba(rows)[:, 1] == pytest.approx(np.full(100, 0.5), abs=0.01)


def test_rows_of_another_width_are_refused() -> None:
    rows, positive, _ = sample(50)
    with pytest.raises(ValueError, match="X has 5 features, but TasteClassifier is expecting 2000 features"):
        TasteClassifier().fit(rows, positive).predict(rows[:, :5])


# Papers as rows


def test_the_vectorizer_makes_the_rows_of_the_engine(engine: Recommender) -> None:
    papers = library()[:30]
    by_engine, alone = PaperVectorizer(engine).fit([]), PaperVectorizer().fit(library())
    features = engine.features
    matrix = features.matrix(features.snapshot.find([paper.id for paper in papers]))
    both = np.hstack([matrix.sparse.toarray(), matrix.dense])
    mixed = [paper.id if number % 3 else paper for number, paper in enumerate(papers)]
    for rows in (by_engine.transform(papers), by_engine.transform([p.id for p in papers]), by_engine.transform(mixed)):
        assert rows.toarray() == pytest.approx(both, abs=1e-6)
    assert alone.transform(papers).toarray() == pytest.approx(both, abs=1e-6)
    assert by_engine.transform([]).shape == (0, both.shape[1])


def test_the_vectorizer_knows_nothing_of_papers_that_it_was_not_fitted_to() -> None:
    fitted = PaperVectorizer(embedding_weight=0).fit(
        [paper for paper in library() if not paper.id.startswith("physics")]
    )
    assert not fitted.transform([Paper("x", "quantum entanglement lattice")]).nnz
    assert fitted.transform([Paper("y", "federated privacy")]).nnz


def test_columns_have_names(engine: Recommender) -> None:
    vectorizer = PaperVectorizer(engine).fit([])
    names = vectorizer.get_feature_names_out()
    row = vectorizer.transform([Paper("x", "Quantum entanglement", categories=("cs.LG",))])
    assert {"quantum", "entanglement", "cs.LG", "cs.LG (first)", "embedding 0"} <= set(names[row.indices])
    assert len(names) == row.shape[1]


def test_the_embedding_has_the_length_that_is_asked_for() -> None:
    lengths = []
    for weight in (0.0, 0.5, 1.0):
        rows = PaperVectorizer(embedding_weight=weight).fit(library()).transform(library()[:5])
        lengths.append(np.linalg.norm(rows.toarray(), axis=1) ** 2 - 1)
    assert lengths[0] == pytest.approx(np.zeros(5), abs=1e-6)
    assert lengths[1] == pytest.approx(np.full(5, 0.25), abs=1e-6)
    assert lengths[2] == pytest.approx(np.ones(5), abs=1e-6)


def test_a_pipeline_of_both_is_cloned_pickled_and_cross_validated(engine: Recommender) -> None:
    papers = library()
    liked = [paper.id.startswith("federated") for paper in papers]
    model = make_pipeline(PaperVectorizer(), TasteClassifier())
    assert cross_val_score(model, papers, liked, scoring="average_precision", cv=3).min() > 0.9
    again = pickle.loads(pickle.dumps(model.fit(papers, liked)))
    assert again.predict_proba(papers) == pytest.approx(model.predict_proba(papers))
    with_engine = clone(PaperVectorizer(engine))
    assert with_engine.engine is engine, "papers are not copied"
    assert clone(model)[0].get_params() == {"engine": None, "embedding_weight": EMBEDDING_WEIGHT}


def test_what_the_vectorizer_can_not_read_is_refused(engine: Recommender) -> None:
    with pytest.raises(ValueError, match="fitted to papers, not to their ids"):
        PaperVectorizer().fit(["federated-1"])
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        PaperVectorizer().fit([])
    with pytest.raises(ValueError, match="No paper 'nowhere' in the index"):
        PaperVectorizer(engine).fit([]).transform(["federated-1", "nowhere"])
    with pytest.raises(NotFittedError):
        PaperVectorizer().transform(library())


def test_the_page_on_pipelines_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    failed, examples = doctest.testfile("docs/pipelines.md", module_relative=False)
    assert (failed, examples > 20) == (0, True)
