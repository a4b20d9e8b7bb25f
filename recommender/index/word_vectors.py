"""What words mean by the company they keep: a vector for each frequent word, from a sample of the index.

Words that stand in the same papers come to lie near each other, so that one liked paper speaks for others that say the
same in other words. Nothing is fetched or trained outside; a new paper's vector is made of its words' without learning
anything anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

DIMENSIONS = 100
MOST_WORDS = 4_000
MOST_PAPERS = 20_000
MOST_TOKENS = 1_300_000
"""What is read at most: half a second of work."""
_PAPERS_EACH = 10
"""Papers and words that there must be for each dimension: fewer say more of themselves than of the language."""
_ROUNDS = 3
_SPARE = 10
_BLOCK = 500
"""Words whose neighbours are counted at a time, for the sake of memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Meaning:
    """`vectors` (words, dimensions) of some words of the vocabulary, by their ids, ascending; learned when the index
    had that many `papers`."""

    words: NDArray[np.int64]
    vectors: Floats
    papers: int


UNKNOWN = Meaning(np.zeros(0, np.int64), np.zeros((0, 0), np.float32), 0)


def learn(tokens: NDArray[np.uint32], owners: NDArray[np.int64], telling: NDArray[np.uint8], papers: int) -> Meaning:
    """Positive pointwise mutual information of words that share a paper, reduced to few dimensions: U · |λ|^½
    (Levy, Goldberg & Dagan, TACL 2015, with papers as windows; the eigenvectors by randomised subspace iteration,
    Halko, Martinsson & Tropp 2011). `tokens` are the words of a sample of the index, `owners` whose each is; `telling`
    speaks of the whole vocabulary. A learner that weighs all directions alike need not care for their signs.
    """
    read = int(np.searchsorted(np.cumsum(np.bincount(owners)), MOST_TOKENS, "right"))
    kept = telling[tokens].view(bool) & (owners < read)
    df, key = _distinct(owners[kept], tokens[kept], len(telling))
    words = np.sort(np.argsort(-df, kind="stable")[:MOST_WORDS])
    words = words[df[words] > 1]
    dimensions = min(DIMENSIONS, len(words) // _PAPERS_EACH, read // _PAPERS_EACH)
    if not dimensions:
        return Meaning(words[:0], np.zeros((0, 0), np.float32), papers)
    place = np.full(len(telling), -1, np.int32)
    place[words] = np.arange(len(words), dtype=np.int32)
    column = place[key & 0xFFFFFFFF]
    known = column >= 0
    row = (key[known] >> 32).astype(np.int32)
    held = csr_array((np.ones(len(row), np.float32), (row, column[known])), shape=(read, len(words)))
    return Meaning(words, _reduced(_information(held, df[words].astype(np.float32)), dimensions), papers)


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
