"""Papers like one paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import ABSTRACT, TITLE
from recommender.index.snapshot import Rows
from recommender.learning.features import EMBEDDING_WEIGHT, Features
from recommender.learning.matrix import ignore_invalid
from recommender.paper import Paper
from recommender.search.searcher import Searcher

LOOKUP_WORDS = 25
"""The number of the paper's words that neighbours are looked up by."""
COMPARED = 300
"""The number of papers sharing most of these words that are compared in full."""
EMBEDDING_SHARE = 0.5
"""Weight of the likeness of embeddings, relative to the likeness of words. With it 6.2 instead of 5.8 of ten neighbours
are on the same one of three curated lists; half or double of it makes little difference."""


@ignore_invalid
def similar(features: Features, searcher: Searcher, paper: int | Paper, limit: int) -> tuple[Rows, NDArray[np.float32]]:
    """(papers, likenesses) of the nearest papers, best first, without the paper itself. The paper is given by its
    number in the index, or as a value. The likeness, at most 1, is the weighted mean of the cosine of the words and the
    cosine of the embeddings."""
    snapshot = features.snapshot
    if isinstance(paper, Paper):
        tokens, paper_row = features.tokens_of(paper), features.matrix_of([paper])
    else:
        tokens, _ = snapshot.tokens(np.array([paper], np.int64), TITLE, ABSTRACT)
        paper_row = features.matrix(np.array([paper], np.int64))
    tokens = tokens[snapshot.content_flags[tokens] > 0]
    near = searcher.by_words(
        [snapshot.vocabulary.words[token] for token in tokens], LOOKUP_WORDS, max(COMPARED, limit + 1)
    )
    near = near[near != paper] if isinstance(paper, int) else near
    near_rows = features.matrix(near)
    by_words = (near_rows.sparse @ paper_row.sparse.T).toarray().ravel()
    by_embedding = near_rows.dense @ paper_row.dense[0] / EMBEDDING_WEIGHT**2
    likeness = (by_words + EMBEDDING_SHARE * by_embedding) / (1 + EMBEDDING_SHARE)
    order = np.argsort(-likeness, kind="stable")[:limit]
    return near[order], likeness[order]
