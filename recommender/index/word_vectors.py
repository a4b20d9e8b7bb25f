"""Word vectors: an embedding of each frequent word, trained on a sample of the index (PPMI and SVD).

Words of the same papers have near vectors, so that one liked paper also supports papers that say the same in other
words. Nothing is fetched from outside. The embedding of a new paper is made from its words without training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

DIMENSIONS = 100
MAX_WORDS = 4_000
MAX_VECTOR_PAPERS = 20_000
MAX_TOKENS = 1_300_000
"""The most words that are read: half a second of work."""
_MIN_PER_DIMENSION = 10
"""The least number of papers and of words for each dimension; fewer would be overfitted."""
_ROUNDS = 3
_SPARE = 10
_BLOCK = 500
"""Words whose neighbours are counted at a time, to save memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordVectors:
    """`vectors` (words, dimensions) of some `words` of the vocabulary (ascending ids), trained when the index had so
    many `papers`."""

    words: NDArray[np.int64]
    vectors: Floats
    papers: int


NO_VECTORS = WordVectors(np.zeros(0, np.int64), np.zeros((0, 0), np.float32), 0)


def train(
    tokens: NDArray[np.uint32], owners: NDArray[np.int64], content_flags: NDArray[np.uint8], papers: int
) -> WordVectors:
    """Positive pointwise mutual information of words that share a paper, reduced to few dimensions: U · |λ|^½ (Levy,
    Goldberg & Dagan, TACL 2015, with papers as windows; the eigenvectors by randomised subspace iteration, Halko,
    Martinsson & Tropp 2011). `tokens` are the words of a sample of the index, `owners` whose each is; `content_flags`
    speaks of the whole vocabulary. A learner that weighs all directions alike need not care for their signs.
    """
    read = int(np.searchsorted(np.cumsum(np.bincount(owners)), MAX_TOKENS, "right"))
    kept = content_flags[tokens].view(bool) & (owners < read)
    df, key = _distinct(owners[kept], tokens[kept], len(content_flags))
    words = np.sort(np.argsort(-df, kind="stable")[:MAX_WORDS])
    words = words[df[words] > 1]
    dimensions = min(DIMENSIONS, len(words) // _MIN_PER_DIMENSION, read // _MIN_PER_DIMENSION)
    if not dimensions:
        return WordVectors(words[:0], np.zeros((0, 0), np.float32), papers)
    place = np.full(len(content_flags), -1, np.int32)
    place[words] = np.arange(len(words), dtype=np.int32)
    column = place[key & 0xFFFFFFFF]
    known = column >= 0
    row = (key[known] >> 32).astype(np.int32)
    held = csr_array((np.ones(len(row), np.float32), (row, column[known])), shape=(read, len(words)))
    return WordVectors(words, _reduced(_information(held, df[words].astype(np.float32)), dimensions), papers)


def _distinct(
    owners: NDArray[np.int64], tokens: NDArray[np.uint32], words: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(in how many papers each word is, each paper with each of its words as one number, ascending)."""
    key = owners << 32 | tokens
    key.sort()
    key = key[np.flatnonzero(np.diff(key, prepend=-1))]
    return np.bincount(key & 0xFFFFFFFF, minlength=words), key


def _information(held: csr_array, df: Floats) -> Floats:
    """max(0, ln(n · together / (df · df))) for each two words; none of a word with itself."""
    found = np.empty((len(df), len(df)), np.float32)
    by_word, by_paper = csr_array(held.T), held.tocsc()
    for start in range(0, len(df), _BLOCK):
        block = slice(start, start + _BLOCK)
        found[:, block] = (by_word @ csr_array(by_paper[:, block])).toarray()
    np.fill_diagonal(found, 0)
    found *= held.shape[0]
    found /= df[:, None]
    found /= df[None, :]
    np.maximum(found, 1, out=found)
    return np.log(found, out=found)


def _reduced(matrix: Floats, dimensions: int) -> Floats:
    basis = np.random.default_rng(0).standard_normal((len(matrix), min(dimensions + _SPARE, len(matrix))))
    basis = basis.astype(np.float32)
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(matrix @ basis)[0]
    values, turned = np.linalg.eigh(basis.T @ (matrix @ basis))
    best = np.argsort(-np.abs(values), kind="stable")[:dimensions]
    vectors: Floats = ((basis @ turned[:, best]) * np.sqrt(np.abs(values[best]))).astype(np.float32)
    return vectors
