"""The rows of papers that were asked for before, in arrays that grow, so that one more row copies no others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.index.snapshot import Rows
from recommender.learning.matrix import FeatureMatrix

Floats = NDArray[np.float32]
Array = TypeVar("Array", bound=NDArray[np.generic])


class RowCache:
    """At most `most` rows, or as many as one call asks for. Where there is no room, those that were asked for last
    stay, half of `most` of them.

    `build` makes the sparse rows of papers of a snapshot with so many `papers`, `embed` their embeddings of so many
    `dimensions`. Each is called once for a row that is held, while other threads wait: neither may ask the cache.
    """

    def __init__(
        self,
        papers: int,
        width: int,
        dimensions: int,
        most: int,
        build: Callable[[Rows], csr_array],
        embed: Callable[[csr_array], Floats],
    ) -> None:
        self._width, self._most, self._build, self._embed = width, most, build, embed
        self._lock = threading.Lock()
        self._places = np.full(papers, -1, np.int32)
        self._call = 0
        # By place; `_used` is the number of the last call that asked for the row.
        self._owners, self._used = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._pointers, self._columns = np.zeros(1, np.int32), np.zeros(0, np.int32)
        self._values, self._embeddings = np.zeros(0, np.float32), np.zeros((0, dimensions), np.float32)
        self._count = self._embedded = 0
        """The number of rows, and how many of these, from the first on, have an embedding."""

    def rows(self, papers: Rows) -> csr_array:
        """The sparse rows of papers, by number: (papers, width)."""
        with self._lock:
            return self._sparse(self._held(papers))

    def matrix(self, papers: Rows) -> FeatureMatrix:
        """The feature matrix of papers, by number."""
        with self._lock:
            places = self._held(papers)
            if self._embedded < self._count:
                fresh = self._embed(self._sparse(slice(self._embedded, self._count)))
                self._embeddings = _with_room(self._embeddings, self._embedded, self._count)
                self._embeddings[self._embedded : self._count] = fresh
                self._embedded = self._count
            return FeatureMatrix(self._sparse(places), self._embeddings[places])

    def _sparse(self, places: NDArray[np.int32] | slice) -> csr_array:
        stop = self._pointers[self._count]
        held = (self._values[:stop], self._columns[:stop], self._pointers[: self._count + 1])
        return csr_array(held, shape=(self._count, self._width))[places]

    def _held(self, papers: Rows) -> NDArray[np.int32]:
        """The place of each paper's row, built where it was missing."""
        self._call += 1
        places = self._places[papers]
        is_missing = places < 0
        self._used[places[~is_missing]] = self._call
        if is_missing.any():
            missing = np.unique(papers[is_missing])
            if self._count + len(missing) > self._most:
                self._drop()
            self._append(missing, self._build(missing))
            places = self._places[papers]
        return places

    def _append(self, papers: Rows, rows: csr_array) -> None:
        before, count = self._count, self._count + len(papers)
        start, stop = int(self._pointers[before]), int(self._pointers[before]) + rows.nnz
        self._values = _with_room(self._values, start, stop)
        self._columns = _with_room(self._columns, start, stop)
        self._pointers = _with_room(self._pointers, before + 1, count + 1)
        self._owners, self._used = _with_room(self._owners, before, count), _with_room(self._used, before, count)
        self._values[start:stop], self._columns[start:stop] = rows.data, rows.indices
        self._pointers[before + 1 : count + 1] = rows.indptr[1:] + start
        self._owners[before:count], self._used[before:count] = papers, self._call
        self._places[papers] = np.arange(before, count)
        self._count = count

    def _drop(self) -> None:
        """Drop all rows but those that were asked for last, and those that are asked for now."""
        used = self._used[: self._count]
        last = np.argsort(used, kind="stable")[max(0, len(used) - self._most // 2) :]
        kept = np.union1d(last, np.flatnonzero(used == self._call)).astype(np.int32)
        rows, owners, used = self._sparse(kept), self._owners[kept], used[kept]
        self._embedded = int(np.searchsorted(kept, self._embedded))
        self._embeddings = self._embeddings[kept[: self._embedded]]
        self._places[:] = -1
        self._count = 0
        self._append(owners, rows)
        self._used[: self._count] = used


def _with_room(array: Array, used: int, wanted: int) -> Array:
    """The array, or its first `used` entries in one that is twice as long at least, with room for `wanted`."""
    if wanted <= len(array):
        return array
    larger = np.empty((max(wanted, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger  # type: ignore[return-value]
