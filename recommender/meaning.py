"""What words mean by the company they keep: a vector for each frequent word, from a sample of the index.

Words that stand in the same papers come to lie near each other, so that one liked paper speaks for others that say the
same in other words. Nothing is fetched or trained outside; a new paper's vector is made without fitting anything anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.segment import ABSTRACT, TITLE
from recommender.snapshot import Snapshot

DIMENSIONS = 100
MOST_WORDS = 4_000
_MOST_PAPERS = 20_000
_MOST_TOKENS = 1_300_000
"""What is read at most: half a second of work, done once for each state of the index that somebody learns from."""
_PAPERS_EACH = 10
"""Papers and words that there must be for each dimension: fewer say more of themselves than of the language."""
_ROUNDS = 3
_SPARE = 10

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Meaning:
    """`vectors` (words, dimensions) of some words of the vocabulary, by their ids, ascending."""

    words: NDArray[np.int64]
    vectors: Floats


def learn(snapshot: Snapshot) -> Meaning:
    """Positive pointwise mutual information of words that share a paper, reduced to few dimensions: U · |λ|^½
    (Levy, Goldberg & Dagan, TACL 2015, with papers as windows; the eigenvectors by randomised subspace iteration,
    Halko, Martinsson & Tropp 2011)."""
    papers = snapshot.sample(_MOST_PAPERS)
    tokens, owners = snapshot.tokens(papers, TITLE, ABSTRACT)
    read = int(owners[:_MOST_TOKENS][-1]) + 1 if len(owners) > _MOST_TOKENS else len(papers)
    kept = snapshot.telling[tokens].view(bool) & (owners < read)
    key = np.unique(owners[kept] << 32 | tokens[kept].astype(np.int64))
    owners, tokens = key >> 32, (key & 0xFFFFFFFF).astype(np.uint32)
    df = np.bincount(tokens, minlength=snapshot.words)
    words = np.sort(np.argsort(-df, kind="stable")[:MOST_WORDS])
    words = words[df[words] > 1]
    dimensions = min(DIMENSIONS, len(words) // _PAPERS_EACH, read // _PAPERS_EACH)
    if not dimensions:
        return Meaning(words[:0], np.zeros((0, 0), np.float32))
    place = np.full(snapshot.words, -1, np.int64)
    place[words] = np.arange(len(words))
    known = place[tokens] >= 0
    held = csr_array(
        (np.ones(int(known.sum()), np.float32), (owners[known], place[tokens[known]])), shape=(read, len(words))
    )
    return Meaning(words, _reduced(_information(held, df[words].astype(np.float32)), dimensions))


def _information(held: csr_array, df: Floats) -> Floats:
    """max(0, ln(n · together / (df · df))) for each two words; none of a word with itself."""
    together: Floats = (csr_array(held.T) @ held).toarray()
    np.fill_diagonal(together, 0)
    together *= held.shape[0]
    together /= df[:, None]
    together /= df[None, :]
    np.maximum(together, 1, out=together)
    return np.log(together, out=together)


def _reduced(matrix: Floats, dimensions: int) -> Floats:
    basis = np.random.default_rng(0).standard_normal((len(matrix), min(dimensions + _SPARE, len(matrix))))
    basis = basis.astype(np.float32)
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(matrix @ basis)[0]
    values, turned = np.linalg.eigh(basis.T @ (matrix @ basis))
    best = np.argsort(-np.abs(values), kind="stable")[:dimensions]
    vectors: Floats = ((basis @ turned[:, best]) * np.sqrt(np.abs(values[best]))).astype(np.float32)
    return vectors
