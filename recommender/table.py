"""Papers as the learner sees them: a sparse part, their words, and a dense one, their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
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
        return Table(csr_array(self.words[rows]), self.meaning[rows])

    def dot(self, weights: Floats) -> Floats:
        """Each row times the weights: (papers,)."""
        split = self.words.shape[1]
        product: Floats = self.words @ weights[:split] + self.meaning @ weights[split:]
        return product

    def back(self, amounts: Floats) -> Floats:
        """The sum of the rows, each times its amount: (width + dimensions,)."""
        return np.concatenate([self.words.T @ amounts, amounts @ self.meaning])

    def squared(self) -> Table:
        """Every entry squared."""
        return Table(self.words.power(2), self.meaning**2)

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
    return Table(vstack([part.words for part in parts], format="csr"), np.concatenate([p.meaning for p in parts]))
