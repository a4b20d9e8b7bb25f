"""Whether two papers are one work under two titles: a preprint renamed, a conference's version, a second submission.

Their abstracts say nearly the same in nearly the same words, and they share an author. Two such papers stay two in the
index, each with its votes; a reader needs only one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.segment import ABSTRACT, AUTHORS, ranges
from recommender.index.snapshot import Rows, Snapshot

SAME = 0.75
"""Share of the telling words of two abstracts that both have (Jaccard) from which they are one."""
SAME_BY_NOBODY = 0.85
"""The same where the authors of one are not known."""
_FEWEST_WORDS = 15
"""An abstract of fewer telling words says too little."""
_BANDS, _ROWS, _AGREEING = 16, 3, 2
"""Of hashes: two abstracts that share 0.75 of their words agree in two bands with a chance of 0.998, two that share a
tenth with one of 0.0001."""
_UNMADE = np.uint64(0)

Bands = NDArray[np.uint64]


class Works:
    """Works over one snapshot. What abstracts hash to (Broder 1997) is kept, 128 bytes a paper asked about."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._kept: Bands = np.zeros((0, _BANDS), np.uint64)
        self._places = np.full(int(snapshot.offsets[-1]), -1, np.int32)
        self._factors = np.random.default_rng(0).integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)

    def among(self, papers: Rows, others: Rows) -> NDArray[np.bool_]:
        """Which of the papers are the same work as one of the others, and not that paper itself."""
        same = np.zeros(len(papers), bool)
        mine, theirs = self._bands(papers), self._bands(others)
        agreeing = [np.zeros(0, np.int64)]
        for band in range(_BANDS):
            order = np.argsort(theirs[:, band], kind="stable")
            low, high = (np.searchsorted(theirs[order, band], mine[:, band], side) for side in ("left", "right"))
            high = np.where(mine[:, band] == _UNMADE, low, high)
            agreeing.append(np.repeat(np.arange(len(papers)), high - low) * len(others) + order[ranges(low, high)])
        pairs, bands = np.unique(np.concatenate(agreeing), return_counts=True)
        for pair in pairs[bands >= _AGREEING].tolist():
            at, other = divmod(pair, len(others))
            same[at] = same[at] or (papers[at] != others[other] and self._same(int(papers[at]), int(others[other])))
        return same

    def _same(self, one: int, other: int) -> bool:
        mine, theirs = self._words(one, ABSTRACT), self._words(other, ABSTRACT)
        if min(len(mine), len(theirs)) < _FEWEST_WORDS:
            return False
        shared = len(mine & theirs) / len(mine | theirs)
        names, their_names = self._words(one, AUTHORS), self._words(other, AUTHORS)
        if not names or not their_names:
            return shared >= SAME_BY_NOBODY
        return shared >= SAME and len(names & their_names) >= min(2, len(names), len(their_names))

    def _words(self, paper: int, field: int) -> set[int]:
        tokens, _ = self._snapshot.tokens(np.array([paper]), field, field)
        if field == ABSTRACT:
            tokens = tokens[self._snapshot.telling[tokens].view(bool)]
        return set(tokens.tolist())

    def _bands(self, papers: Rows) -> Bands:
        missing = np.unique(papers[self._places[papers] < 0])
        if len(missing):
            places = self._places.copy()
            places[missing] = np.arange(len(self._kept), len(self._kept) + len(missing))
            self._kept = np.concatenate([self._kept, self._hashed(missing)])
            self._places = places
        return self._kept[self._places[papers]]

    def _hashed(self, papers: Rows) -> Bands:
        """What the bands of each paper's abstract hash to; `_UNMADE` where it has no words."""
        tokens, owners = self._snapshot.tokens(papers, ABSTRACT, ABSTRACT)
        told = self._snapshot.telling[tokens].view(bool)
        tokens, owners = tokens[told].astype(np.uint64) + np.uint64(1), owners[told]
        out = np.full((len(papers), _BANDS), _UNMADE)
        if not len(tokens):
            return out
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        for band in range(_BANDS):
            key = np.zeros(len(starts), np.uint64)
            for factor in self._factors[band * _ROWS : (band + 1) * _ROWS]:
                least = np.minimum.reduceat((tokens * factor) >> np.uint64(24), starts)
                key = key * np.uint64(0x9E3779B97F4A7C15) + least
            out[owners[starts], band] = key
        return out
