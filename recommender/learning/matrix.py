"""The feature matrix: a sparse part (words, bigrams, categories) and a dense part (embeddings)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

Floats = NDArray[np.float32]
ignore_invalid = np.errstate(invalid="ignore")
"""For products of short dense rows: NumPy once raised the flag although all numbers were finite."""


@dataclass(frozen=True)
class FeatureMatrix:
    """One row per paper: `sparse` (papers, width) and `dense` (papers, dimensions) side by side. Weights for it are one
    vector (width + dimensions,)."""

    sparse: csr_array
    dense: Floats

    def __len__(self) -> int:
        return int(self.sparse.shape[0])

    @property
    def width(self) -> int:
        """The number of columns of both parts."""
        return int(self.sparse.shape[1] + self.dense.shape[1])

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> FeatureMatrix:
        return FeatureMatrix(self.sparse[rows], self.dense[rows])

    @ignore_invalid
    def dot(self, weights: Floats) -> Floats:
        """The product with weights: (papers,), or (papers, channels) for the weights of several channels."""
        split = self.sparse.shape[1]
        product: Floats = self.sparse @ weights[:split] + self.dense @ weights[split:]
        return product

    @ignore_invalid
    def rmatvec(self, amounts: Floats) -> Floats:
        """The sum of the rows, each times its amount: (width + dimensions,). The transpose of `dot`."""
        return np.concatenate([self._transposed @ amounts, amounts @ self.dense])

    @ignore_invalid
    def gram_matvec(self, amounts: Floats) -> Floats:
        """`dot` of `rmatvec`: the product with the Gram matrix, (papers,)."""
        product: Floats = self.sparse @ (self._transposed @ amounts) + self.dense @ (amounts @ self.dense)
        return product

    @cached_property
    def _transposed(self) -> csc_array:
        """The transposed sparse part. Making it takes as long as a product with it."""
        return self.sparse.T

    def squared(self) -> FeatureMatrix:
        """The matrix of squared entries."""
        sparse = self.sparse
        return FeatureMatrix(
            csr_array((sparse.data**2, sparse.indices, sparse.indptr), shape=sparse.shape), self.dense**2
        )

    def entries(self, row: int) -> tuple[NDArray[np.int32], Floats]:
        """(columns, values) of one row's sparse part."""
        span = slice(self.sparse.indptr[row], self.sparse.indptr[row + 1])
        return self.sparse.indices[span], self.sparse.data[span]

    def dense_row(self, row: int) -> Floats:
        """One row as a dense vector: (width + dimensions,)."""
        columns, values = self.entries(row)
        full = np.zeros(self.width, np.float32)
        full[columns] = values
        full[self.sparse.shape[1] :] = self.dense[row]
        return full


def vstack(parts: Sequence[FeatureMatrix]) -> FeatureMatrix:
    """One matrix of the rows of several matrices, in their order."""
    parts = [part for part in parts if len(part)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    sparse = [part.sparse for part in parts]
    before = np.cumsum([0, *(len(one.data) for one in sparse)])
    pointers = [one.indptr[1:] + start for one, start in zip(sparse, before.tolist(), strict=False)]
    joined = (
        np.concatenate([one.data for one in sparse]),
        np.concatenate([one.indices for one in sparse]),
        np.concatenate([[0], *pointers]).astype(np.int32),
    )
    shape = (sum(map(len, parts)), sparse[0].shape[1])
    return FeatureMatrix(csr_array(joined, shape=shape), np.concatenate([part.dense for part in parts]))
