from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from recommender import features as features_module
from recommender import logistic
from recommender.features import CATEGORY_WEIGHT, Features
from recommender.index import Index
from recommender.logistic import fit
from recommender.table import Table
from recommender.wording import Wording
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
    tags = rows.tocsc()[:, features.grams :]
    assert np.allclose(np.sqrt(tags.power(2).sum(axis=1)), CATEGORY_WEIGHT, atol=0.01)


def test_rows_are_the_same_in_any_order_and_company(index: Index) -> None:
    one, other = Features(index.snapshot), Features(index.snapshot)
    order = np.array([7, 3, 7, 12])
    other.rows(np.arange(5))
    assert np.array_equal(one.rows(order).toarray(), other.rows(order).toarray())
    assert np.array_equal(one.rows(order).toarray()[0], other.rows(np.array([7])).toarray()[0])


def test_rows_that_no_longer_fit_in_memory_are_made_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Features(index.snapshot).rows(np.arange(20)).toarray()
    monkeypatch.setattr(features_module, "MOST_KEPT", 6)
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
        row = features.row(["quantum", "attention"])
        pairs = zip(row.indices.tolist(), row.data.tolist(), strict=True)
        named = Wording(features, np.arange(10)).name
        names = {named(column): value for column, value in pairs}
        return float(names["quantum"] / names["attention"])

    before = weight()
    growing.add([made("physics", number, id=f"more-{number}", abstract="quantum quantum") for number in range(50)])
    assert weight() < before


@pytest.mark.parametrize(("tolerance", "off"), [(logistic._TOLERANCE, 0.05), (1e-3, 0.005)])
def test_the_regression_is_the_one_of_scikit_learn(
    tolerance: float, off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logistic, "_TOLERANCE", tolerance)
    rng = np.random.default_rng(0)
    rows = csr_array((rng.random((60, 30)) * (rng.random((60, 30)) < 0.3)).astype(np.float32))
    positive = rng.random(60) < 0.4
    importance = rng.random(60).astype(np.float32) + 0.5
    ours = fit(Table(rows, np.zeros((60, 0), np.float32)), positive, importance, 3.0)
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=1000).fit(rows, positive, importance)
    assert np.allclose(ours.weights, theirs.coef_.ravel(), atol=off)
    assert np.corrcoef(ours.weights, theirs.coef_.ravel())[0, 1] > 0.999
    assert np.allclose(rows.T @ ours.pull, ours.weights, atol=1e-5)


def test_a_regression_on_one_class_or_nothing_stays_finite() -> None:
    for count in (0, 1, 5):
        rows = csr_array(np.eye(max(count, 1), 4, dtype=np.float32)[:count])
        found = fit(
            Table(rows, np.zeros((count, 0), np.float32)), np.ones(count, bool), np.ones(count, np.float32), 3.0
        )
        assert np.isfinite(found.weights).all()
        assert np.isfinite(found.bias)
