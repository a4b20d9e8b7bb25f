from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from recommender import Paper, Recommender
from recommender.index.writer import Index
from recommender.learning import features as features_module
from recommender.learning.features import CATEGORY_WEIGHT, IDF_POWER, Features
from recommender.learning.logistic import TOLERANCE, fit
from recommender.learning.matrix import FeatureMatrix
from recommender.picking.feature_names import FeatureNames
from tests.recommender.papers import library, made


@pytest.fixture(scope="module")
def index() -> Index:
    index = Index()
    index.add(library(10))
    return index


def test_every_row_has_unit_length_and_a_small_part_for_categories(index: Index) -> None:
    features = Features(index.snapshot)
    rows = features.rows(np.arange(index.snapshot.live))
    assert np.allclose(np.sqrt(rows.power(2).sum(axis=1)), 1, atol=1e-5)
    tags = rows.tocsc()[:, features.ngram_count :]
    assert np.allclose(np.sqrt(tags.power(2).sum(axis=1)), CATEGORY_WEIGHT, atol=0.01)


def test_rows_are_the_same_in_any_order_and_company(index: Index) -> None:
    one, other = Features(index.snapshot), Features(index.snapshot)
    order = np.array([7, 3, 7, 12])
    other.rows(np.arange(5))
    assert np.array_equal(one.rows(order).toarray(), other.rows(order).toarray())
    assert np.array_equal(one.rows(order).toarray()[0], other.rows(np.array([7])).toarray()[0])


def test_rows_that_no_longer_fit_in_memory_are_made_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Features(index.snapshot).rows(np.arange(20)).toarray()
    monkeypatch.setattr(features_module, "MAX_CACHED_ROWS", 6)
    features = Features(index.snapshot)
    for start in (0, 4, 8, 12, 16):
        part = np.arange(start, start + 4)
        assert np.array_equal(features.rows(part).toarray(), fresh[part])
    assert np.array_equal(features.rows(np.arange(20)).toarray(), fresh)


def test_a_word_that_becomes_common_weighs_less(index: Index) -> None:
    growing = Index()
    growing.add(library(10))

    def weight() -> float:
        features = Features(growing.snapshot)
        row = features.matrix_of_text(["quantum", "attention"]).sparse
        pairs = zip(row.indices.tolist(), row.data.tolist(), strict=True)
        named = FeatureNames(features, np.arange(10)).name
        names = {named(column): value for column, value in pairs}
        return float(names["quantum"] / names["attention"])

    before = weight()
    growing.add([made("physics", number, id=f"more-{number}", abstract="quantum quantum") for number in range(50)])
    assert weight() < before


def test_the_rows_of_papers_are_tf_idf_with_the_counts_of_the_index(engine: Recommender) -> None:
    snapshot = engine._now().snapshot
    features = Features(snapshot)
    paper = Paper("x", "Quantum quantum attention", categories=("cs.LG", "cs.LG", "x.PH"))
    rows, text = features.matrix_of([paper]).sparse, features.matrix_of_text(["quantum", "quantum", "attention"])
    columns, values = rows.indices, rows.data
    idf = features.idf[columns] ** IDF_POWER
    words = columns < features.ngram_count
    name = FeatureNames(features, np.arange(160)).name
    counts = np.where([name(column) == "quantum" for column in columns.tolist()], 2, 1)
    expected = (1 + np.log(counts)) * idf * words
    expected /= np.linalg.norm(expected) * np.sqrt(1 + CATEGORY_WEIGHT**2)
    assert values[words] == pytest.approx(expected[words], abs=6e-8)
    assert np.linalg.norm(values[~words]) == pytest.approx(CATEGORY_WEIGHT / np.sqrt(1 + CATEGORY_WEIGHT**2))
    assert np.linalg.norm(values) == pytest.approx(1)
    assert text.sparse.data == pytest.approx(values[words] * np.sqrt(1 + CATEGORY_WEIGHT**2))
    assert features.matrix_of_text(["quantum", "quantum", "attention"]) is text, "rows of texts are made once"


@pytest.mark.parametrize(("tolerance", "off"), [(TOLERANCE, 0.04), (1e-3, 0.002)])
def test_the_regression_is_the_one_of_scikit_learn(tolerance: float, off: float) -> None:
    rng = np.random.default_rng(0)
    rows = csr_array((rng.random((60, 30)) * (rng.random((60, 30)) < 0.3)).astype(np.float32))
    positive = rng.random(60) < 0.4
    sample_weight = rng.random(60).astype(np.float32) + 0.5
    model = fit(FeatureMatrix(rows, np.zeros((60, 0), np.float32)), positive, sample_weight, 3.0, tolerance)
    reference = LogisticRegression(C=3.0, tol=1e-8, max_iter=1000).fit(rows, positive, sample_weight)
    margins, exact = rows @ model.weights + model.bias, reference.decision_function(rows)
    assert np.sqrt(np.mean((margins - exact) ** 2)) < off * exact.std()
    assert np.allclose(model.weights, reference.coef_.ravel(), atol=2 * off)
    assert np.corrcoef(model.weights, reference.coef_.ravel())[0, 1] > 0.999
    assert np.allclose(rows.T @ model.dual_coef, model.weights, atol=1e-5)


def test_the_regression_is_the_same_where_all_rows_are_the_same() -> None:
    rows, positive = csr_array(np.full((400, 3), 0.5, np.float32)), np.arange(400) < 40
    sample_weight = np.full(400, 3.0, np.float32)
    model = fit(FeatureMatrix(rows, np.zeros((400, 0), np.float32)), positive, sample_weight, 3.0)
    assert np.allclose(model.weights, 0, atol=0.03)
    assert expit(rows @ model.weights + model.bias) == pytest.approx(np.full(400, 0.1), rel=0.01)


@pytest.mark.parametrize("width", [1, 30])
def test_a_regression_on_one_class_comes_to_rest(width: int) -> None:
    rng = np.random.default_rng(width)
    rows = csr_array(rng.random((300, width)).astype(np.float32))
    cost = np.full(300, 0.3, np.float32)
    model = fit(FeatureMatrix(rows, np.zeros((300, 0), np.float32)), np.ones(300, bool), cost / np.float32(3), 3.0)
    missing = cost * (1 - expit(rows @ model.weights + model.bias))
    assert model.dual_coef == pytest.approx(missing, rel=0.15), "what a row pulls is what it misses"
    assert model.bias == pytest.approx(100 * missing.sum(), rel=0.15), "and so it is with the bias"


@given(
    count=st.integers(0, 60),
    width=st.integers(1, 12),
    repeated=st.integers(1, 60),
    liked=st.floats(0, 1),
    weight=st.sampled_from([0.0, 1e-9, 1.0, 1e6]),
    seed=st.integers(0, 999),
)
def test_a_regression_on_any_rows_is_finite_and_made_of_them(
    count: int, width: int, repeated: int, liked: float, weight: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    distinct = rng.random((repeated, width)) * (rng.random((repeated, width)) < 0.5)
    rows = FeatureMatrix(
        csr_array(distinct[np.arange(count) % repeated].astype(np.float32)),
        rng.standard_normal((count, 3)).astype(np.float32),
    )
    sample_weight = (weight * rng.random(count)).astype(np.float32)
    model = fit(rows, rng.random(count) < liked, sample_weight, 3.0)
    assert np.isfinite(model.weights).all()
    assert np.isfinite([model.bias, *model.dual_coef, *model.curvature]).all()
    assert rows.rmatvec(model.dual_coef) == pytest.approx(model.weights)
