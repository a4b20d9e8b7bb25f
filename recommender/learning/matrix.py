"""Papers as the learner sees them: a sparse part, their words, and a dense one, their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

Floats = NDArray[np.float32]
_finite = np.errstate(invalid="ignore")
"""For products of short dense rows: with finite numbers on both sides the flag was once seen raised all the same."""


@dataclass(frozen=True)
class Table:
    """A row for each paper: `words` (papers, width) and `meaning` (papers, dimensions) side by side. Weights for it are
    one vector (width + dimensions,)."""

    words: csr_array
    meaning: Floats

    def __len__(self) -> int:
        return int(self.words.shape[0])

    @property
    def width(self) -> int:
        """Columns of both parts together."""
        return int(self.words.shape[1] + self.meaning.shape[1])

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> Table:
        return Table(self.words[rows], self.meaning[rows])

    @_finite
    def dot(self, weights: Floats) -> Floats:
        """Each row times the weights: (papers,); or (papers, channels), for several channels' weights side by side."""
        split = self.words.shape[1]
        product: Floats = self.words @ weights[:split] + self.meaning @ weights[split:]
        return product

    @_finite
    def back(self, amounts: Floats) -> Floats:
        """The sum of the rows, each times its amount: (width + dimensions,)."""
        return np.concatenate([self._turned @ amounts, amounts @ self.meaning])

    @_finite
    def through(self, amounts: Floats) -> Floats:
        """`dot` of `back`: what each row says of the sum of the rows, each times its amount."""
        product: Floats = self.words @ (self._turned @ amounts) + self.meaning @ (amounts @ self.meaning)
        return product

    @cached_property
    def _turned(self) -> csc_array:
        """The words' part with its rows as columns; making it takes as long as a product with it."""
        return self.words.T

    def squared(self) -> Table:
        """Every entry squared."""
        words = self.words
        return Table(csr_array((words.data**2, words.indices, words.indptr), shape=words.shape), self.meaning**2)

    def entries(self, row: int) -> tuple[NDArray[np.int32], Floats]:
        """The columns of one row's words, and what stands there."""
        span = slice(self.words.indptr[row], self.words.indptr[row + 1])
        return self.words.indices[span], self.words.data[span]

    def flat(self, row: int) -> Floats:
        """One row in full: (width + dimensions,)."""
        columns, values = self.entries(row)
        full = np.zeros(self.width, np.float32)
        full[columns] = values
        full[self.words.shape[1] :] = self.meaning[row]
        return full


def stacked(parts: Sequence[Table]) -> Table:
    """The rows of several tables below each other."""
    parts = [part for part in parts if len(part)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    words = [part.words for part in parts]
    before = np.cumsum([0, *(len(one.data) for one in words)])
    pointers = [one.indptr[1:] + start for one, start in zip(words, before.tolist(), strict=False)]
    joined = (
        np.concatenate([one.data for one in words]),
        np.concatenate([one.indices for one in words]),
        np.concatenate([[0], *pointers]).astype(np.int32),
    )
    shape = (sum(map(len, parts)), words[0].shape[1])
    return Table(csr_array(joined, shape=shape), np.concatenate([part.meaning for part in parts]))
