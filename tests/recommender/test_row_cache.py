from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.index.snapshot import Rows
from recommender.learning.row_cache import RowCache

PAPERS, WIDTH = 40, 12


class Rowmaker:
    """Makes rows that tell which paper they are of, and remembers for which papers it did."""

    def __init__(self) -> None:
        self.built: list[int] = []
        self.embedded = 0

    def build(self, papers: Rows) -> csr_array:
        self.built += papers.tolist()
        return csr_array(whole(papers))

    def embed(self, rows: csr_array) -> NDArray[np.float32]:
        self.embedded += rows.shape[0]
        sums: NDArray[np.float32] = rows.sum(axis=1, dtype=np.float32)[:, None] * np.ones(3, np.float32)
        return sums


def whole(papers: Rows) -> NDArray[np.float32]:
    """The rows of papers: as many entries as the number's last digit says, each the number and one."""
    rows = np.zeros((len(papers), WIDTH), np.float32)
    for row, paper in zip(rows, papers.tolist(), strict=True):
        row[: paper % 10] = paper + 1
    return rows


def cache(most: int, maker: Rowmaker) -> RowCache:
    return RowCache(PAPERS, WIDTH, 3, most, maker.build, maker.embed)


def at(*papers: int) -> Rows:
    return np.array(papers, np.int64)


@given(
    st.integers(1, PAPERS),
    st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, PAPERS - 1), max_size=15)), max_size=12),
)
def test_rows_are_right_whatever_was_asked_for_before(most: int, calls: list[tuple[bool, list[int]]]) -> None:
    rows = cache(most, Rowmaker())
    for with_embeddings, numbers in calls:
        papers = at(*numbers)
        if with_embeddings:
            matrix = rows.matrix(papers)
            assert np.array_equal(matrix.sparse.toarray(), whole(papers))
            assert np.array_equal(matrix.dense, whole(papers).sum(axis=1)[:, None] * np.ones(matrix.dense.shape[1]))
            assert matrix.dense.shape[1] == 3
        else:
            assert np.array_equal(rows.rows(papers).toarray(), whole(papers))


def test_each_row_is_made_once_while_there_is_room() -> None:
    maker = Rowmaker()
    rows = cache(PAPERS, maker)
    for last in range(PAPERS):
        rows.matrix(np.arange(last + 1))
    assert (maker.built, maker.embedded) == (list(range(PAPERS)), PAPERS)


def test_rows_that_were_asked_for_last_stay() -> None:
    maker = Rowmaker()
    rows = cache(8, maker)
    rows.rows(np.arange(8))
    rows.rows(at(0, 1))
    rows.rows(at(20))
    assert maker.built[8:] == [20]
    rows.rows(at(0, 1, 6, 7, 20))
    assert maker.built[9:] == [], "half of the rows stayed, those that were asked for last"
    rows.rows(at(2))
    assert maker.built[9:] == [2], "the others went"


def test_one_call_may_ask_for_more_than_there_is_room_for() -> None:
    maker = Rowmaker()
    rows = cache(4, maker)
    assert np.array_equal(rows.rows(np.arange(20)).toarray(), whole(np.arange(20)))
    assert np.array_equal(rows.rows(at(30)).toarray(), whole(at(30)))
    assert len(maker.built) == 21


def test_no_row_is_copied_for_each_new_one() -> None:
    rows = cache(PAPERS, Rowmaker())
    arrays = set[int]()
    for paper in range(PAPERS):
        rows.matrix(at(paper))
        arrays.add(id(rows._values))
        kept = rows._values  # so that no later array gets its place in memory
        arrays.add(id(kept))
    assert len(arrays) <= 10


def test_many_threads_get_the_right_rows() -> None:
    rows = cache(10, Rowmaker())

    def is_right(seed: int) -> bool:
        papers = np.random.default_rng(seed).integers(0, PAPERS, 6)
        return bool(np.array_equal(rows.matrix(papers).sparse.toarray(), whole(papers)))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(is_right, range(400)))
