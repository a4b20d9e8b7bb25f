"""Papers like one paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.segment import ABSTRACT, TITLE
from recommender.index.snapshot import Rows
from recommender.learning.features import MEANING_WEIGHT, Features
from recommender.learning.matrix import FeatureMatrix
from recommender.paper import Paper
from recommender.search.searcher import Searcher

TELLING_WORDS = 25
"""Words of the paper that neighbours are looked up by."""
NEAR = 300
"""Papers that share most of them, to be compared in full."""
MEANING_SHARE = 0.5
"""What likeness in meaning counts beside likeness in words: of ten neighbours 6.2 instead of 5.8 are on the same one of
three curated lists, and half or double of it makes little difference."""


def similar(features: Features, searcher: Searcher, paper: int | Paper, limit: int) -> tuple[Rows, NDArray[np.float32]]:
    """(papers, likenesses) of the nearest papers, best first, without the paper itself: one of the index, by its
    number, or any other, as it is. The likeness, at most 1, is the weighted mean of two cosines: of the words, and of
    what they mean."""
    snapshot = features.snapshot
    if isinstance(paper, Paper):
        tokens, row = features.tokens_of(paper), features.row_of(paper)
        this = FeatureMatrix(row, features.meaning_of(row))
    else:
        tokens, _ = snapshot.tokens(np.array([paper], np.int64), TITLE, ABSTRACT)
        this = features.table(np.array([paper], np.int64))
    tokens = tokens[snapshot.telling[tokens].view(bool)]
    near = searcher.by_words(
        [snapshot.vocabulary.words[token] for token in tokens], TELLING_WORDS, max(NEAR, limit + 1)
    )
    near = near[near != paper] if isinstance(paper, int) else near
    these = features.table(near)
    by_words = (these.sparse @ this.sparse.T).toarray().ravel()
    by_meaning = these.dense @ this.dense[0] / MEANING_WEIGHT**2
    likeness = (by_words + MEANING_SHARE * by_meaning) / (1 + MEANING_SHARE)
    order = np.argsort(-likeness, kind="stable")[:limit]
    return near[order], likeness[order]
