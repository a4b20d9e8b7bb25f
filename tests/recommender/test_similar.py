from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recommender import Recommender
from recommender.learning import similar as similar_module
from recommender.learning.features import EMBEDDING_WEIGHT, Features
from recommender.learning.similar import EMBEDDING_SHARE, SimilarPapers
from tests.recommender.papers import library


@pytest.fixture(scope="module")
def engine() -> Recommender:
    engine = Recommender()
    engine.add(library(60))
    return engine


def _fresh(engine: Recommender) -> SimilarPapers:
    view = engine._now()
    return SimilarPapers(view.features, view.searcher)


def test_likenesses_are_those_of_whole_rows(engine: Recommender) -> None:
    view = engine._now()
    assert len(view.snapshot.word_vectors.words), "the index is large enough for embeddings"
    off = list[float]()
    for paper in range(0, len(engine), 7):
        near, likenesses = _fresh(engine).similar(paper, 20)
        own, rows = view.features.matrix(np.array([paper])), view.features.matrix(near)
        by_words = (rows.sparse @ own.sparse.T).toarray().ravel()
        by_embedding = rows.dense @ own.dense[0] / EMBEDDING_WEIGHT**2
        expected = (by_words + EMBEDDING_SHARE * by_embedding) / (1 + EMBEDDING_SHARE)
        assert paper not in near
        assert list(likenesses) == sorted(likenesses, reverse=True)
        off += np.abs(likenesses - expected).tolist()
    # In whole rows two bigrams with one hash are the same; here are two papers with such bigrams.
    assert sum(each > 2e-3 for each in off) <= 1
    assert len(off) == 700


def test_a_paper_by_its_number_and_by_its_value_has_the_same_similar_papers(engine: Recommender) -> None:
    paper = library(60)[30]
    by_id = [(hit.paper_id, hit.score) for hit in engine.similar(paper.id, 5)]
    by_value = [(hit.paper_id, hit.score) for hit in engine.similar(paper, 6) if hit.paper_id != paper.id][:5]
    assert [score for _, score in by_value] == pytest.approx([score for _, score in by_id], abs=2e-3)


def test_measures_that_are_not_kept_are_made_again(engine: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(0, len(engine), 5)
    expected = [_fresh(engine).similar(number, 8) for number in numbers]
    monkeypatch.setattr(similar_module, "MOST_MEASURED", 7)
    crowded = _fresh(engine)
    for _ in range(2):
        crowded._of_indexed.cache_clear()
        for number, (papers, likenesses) in zip(numbers, expected, strict=True):
            found = crowded.similar(number, 8)
            assert np.array_equal(found[0], papers)
            assert found[1] == pytest.approx(likenesses, abs=2e-3)


def test_many_threads_find_the_same(engine: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_module, "MOST_MEASURED", 50)
    numbers = [*range(0, len(engine), 3)] * 4
    expected = {number: _fresh(engine).similar(number, 8)[0].tolist() for number in set(numbers)}
    shared = _fresh(engine)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: shared._to_indexed(number, 8)[0].tolist(), numbers))
    assert found == [expected[number] for number in numbers]


def test_prepared_papers_need_no_more_measures(engine: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = _fresh(engine)
    monkeypatch.setattr(similar_module, "_AT_ONCE", 50)
    prepared.prepare()
    expected = _fresh(engine).similar(8, 10)
    monkeypatch.setattr(Features, "measures", None)
    prepared.prepare()
    papers, likenesses = prepared.similar(8, 10)
    assert np.array_equal(papers, expected[0])
    assert np.array_equal(likenesses, expected[1])


def test_of_a_large_index_the_latest_papers_are_prepared(engine: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_module, "MOST_MEASURED", 30)
    prepared = _fresh(engine)
    prepared.prepare()
    assert np.flatnonzero(prepared._measures._places >= 0).tolist() == [*range(len(engine) - 30, len(engine))]
