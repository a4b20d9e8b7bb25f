"""Papers like one paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.features import Features
from recommender.search import Searcher
from recommender.segment import ABSTRACT, TITLE
from recommender.snapshot import Rows, Snapshot

TELLING_WORDS = 25
"""Words of the paper that neighbours are looked up by."""
NEAR = 300
"""Papers that share most of them, to be compared in full."""


def similar(
    snapshot: Snapshot, features: Features, searcher: Searcher, paper: int, limit: int
) -> tuple[Rows, NDArray[np.float32]]:
    """(papers, cosines) of the nearest papers, best first, without the paper itself."""
    tokens, _ = snapshot.tokens(np.array([paper], np.int64), TITLE, ABSTRACT)
    tokens = tokens[snapshot.telling[tokens].view(bool)]
    near = searcher.by_words(
        [snapshot.vocabulary.words[token] for token in tokens], TELLING_WORDS, max(NEAR, limit + 1)
    )
    near = near[near != paper]
    cosines = (features.rows(near) @ features.rows(np.array([paper], np.int64)).T).toarray().ravel()
    order = np.argsort(-cosines, kind="stable")[:limit]
    return near[order], cosines[order]
