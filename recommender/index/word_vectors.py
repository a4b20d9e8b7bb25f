"""Word vectors: an embedding of each word of the feature columns, trained on the index (PPMI and SVD).

Words of the same papers have near vectors, so that one liked paper also supports papers that say the same in other
words. Nothing is fetched from outside. The embedding of a new paper is made from its words without training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

DIMENSIONS = 100
CONTEXTS = 2_000
"""The most frequent words, whose company tells words apart."""
MAX_WORDS = 12_000
"""The most words that get a vector."""
MAX_TRAINING_WORDS = 4_000_000
"""The most words that are read: some 20,000 abstracts. More of them take longer and make the vectors no better."""
SVD_ITERATIONS = 2
_MIN_PER_DIMENSION = 10
"""The least number of papers and of words for each dimension; fewer would be overfitted."""
_BLOCK = 1_000
"""Words whose vectors are computed at a time, to save memory."""

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
    """Positive pointwise mutual information (PPMI) of words and of frequent words that share a paper, reduced to few
    dimensions (Levy, Goldberg & Dagan, TACL 2015, with papers as windows).

    The singular vectors are those of the frequent words alone, V · |λ|^½. Every other word is folded in: its row of
    PPMI times V · |λ|^-½. `tokens` are the words of a sample of the index, `owners` the paper of each, ascending.
    `content_flags` holds a flag for each word of the vocabulary."""
    from sklearn.utils.extmath import randomized_svd  # scikit-learn takes half a second to import

    kept = content_flags[tokens] > 0
    read = int(owners[-1]) + 1 if len(owners) else 0
    bounds = np.concatenate([[0], np.cumsum(np.bincount(owners[kept], minlength=read))])
    shape = (read, len(content_flags))
    presence = csr_array((np.ones(bounds[-1], np.float32), tokens[kept].astype(np.int32), bounds), shape=shape)
    presence.sum_duplicates()
    presence.data[:] = 1
    df = np.bincount(presence.indices, minlength=len(content_flags))
    by_df = np.argsort(-df, kind="stable")[:MAX_WORDS]
    by_df = by_df[df[by_df] > 1]
    words, contexts = np.sort(by_df), np.sort(by_df[:CONTEXTS])
    dimensions = min(DIMENSIONS, len(contexts) // _MIN_PER_DIMENSION, read // _MIN_PER_DIMENSION)
    if not dimensions:
        return WordVectors(words[:0], np.zeros((0, 0), np.float32), papers)
    context_presence, by_word = presence[:, contexts], csr_array(presence[:, words].T)

    def ppmi(rows: NDArray[np.int64]) -> Floats:
        """max(0, ln(n · together / (df · df))) of the words at these places with each context, none with itself."""
        together: Floats = (by_word[rows] @ context_presence).toarray()
        together *= (read / df[words[rows]])[:, None]
        together /= df[contexts]
        together[words[rows][:, None] == contexts] = 0
        return np.log(np.maximum(together, 1, out=together), out=together)

    of_contexts = ppmi(np.searchsorted(words, contexts))
    _, values, components = randomized_svd(of_contexts, dimensions, n_iter=SVD_ITERATIONS, random_state=0)
    fold = components.T / np.sqrt(values.clip(1e-6))
    vectors = np.zeros((len(words), dimensions), np.float32)
    vectors[np.searchsorted(words, contexts)] = of_contexts @ fold
    others = np.flatnonzero(~np.isin(words, contexts))
    for start in range(0, len(others), _BLOCK):
        block = others[start : start + _BLOCK]
        vectors[block] = ppmi(block) @ fold
    return WordVectors(words, vectors, papers)
