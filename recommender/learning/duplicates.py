"""Near-duplicate detection: one work under two titles, such as a renamed preprint or a conference version.

The abstracts of such papers have nearly the same words, and the papers share an author. Both stay in the index, each
with its own votes; a reader needs only one of them. Found by MinHash with banding (Broder 1997).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import ABSTRACT, AUTHORS, ranges
from recommender.index.snapshot import Rows, Snapshot

MIN_OVERLAP = 0.75
"""The least Jaccard overlap of the content words of two abstracts of the same work."""
MIN_OVERLAP_WITHOUT_AUTHORS = 0.85
"""The same where the authors of one of the papers are unknown."""
_MIN_WORDS = 15
"""An abstract with fewer content words is never compared."""
_BANDS, _ROWS, _AGREEING = 16, 3, 2
"""Bands of hashes, hashes in a band, and the least number of equal bands. Two abstracts that share 0.75 of their words
have two equal bands with a probability of 0.998, two that share a tenth with one of 0.0001."""
_NO_HASH = np.uint64(0)

Bands = NDArray[np.uint64]


class DuplicateFinder:
    """Finds duplicates in one snapshot. Hashes of abstracts are cached: 128 bytes for each paper asked about."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._hashes: Bands = np.zeros((0, _BANDS), np.uint64)
        self._places = np.full(snapshot.size, -1, np.int32)
        self._factors = np.random.default_rng(0).integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)

    def pairs(self, papers: Rows, others: Rows) -> list[tuple[int, int]]:
        """The places of the papers that are the same work as one of the `others` without being that very paper, each
        with the place of that other."""
        own, other_hashes = self._hashes_of(papers), self._hashes_of(others)
        matches = [np.zeros(0, np.int64)]
        for band in range(_BANDS):
            order = np.argsort(other_hashes[:, band], kind="stable")
            low, high = (np.searchsorted(other_hashes[order, band], own[:, band], side) for side in ("left", "right"))
            high = np.where(own[:, band] == _NO_HASH, low, high)
            matches.append(np.repeat(np.arange(len(papers)), high - low) * len(others) + order[ranges(low, high)])
        return list(_confirmed(papers, others, np.concatenate(matches), self._is_duplicate))

    def alike(self, papers: Rows) -> NDArray[np.bool_]:
        """A mask of the papers whose abstracts may be much like that of another one of them: only these can be copies
        among any of them."""
        hashes, alike = self._hashes_of(papers), np.zeros(len(papers), bool)
        for band in range(_BANDS):
            _, group, sizes = np.unique(hashes[:, band], return_inverse=True, return_counts=True)
            alike |= (hashes[:, band] != _NO_HASH) & (sizes[group] > 1)
        return alike

    def copies_among(self, papers: Rows) -> NDArray[np.bool_]:
        """A mask of the papers with the abstract of an earlier one of them, whoever their authors are said to be.

        Each is compared with the first ones that share its bands, so a work that is listed many times costs no more.
        """
        hashes, places = self._hashes_of(papers), np.arange(len(papers))
        matches = [np.zeros(0, np.int64)]
        for band in range(_BANDS):
            _, first, group = np.unique(hashes[:, band], return_index=True, return_inverse=True)
            later = places[(hashes[:, band] != _NO_HASH) & (first[group] < places)]
            matches.append(later * len(papers) + first[group][later])
        copies = np.zeros(len(papers), bool)
        copies[[at for at, _ in _confirmed(papers, papers, np.concatenate(matches), self._is_copy)]] = True
        return copies

    def _is_duplicate(self, paper: int, other: int) -> bool:
        overlap = self._overlap(paper, other)
        names, other_names = self._words(paper, AUTHORS), self._words(other, AUTHORS)
        if not names or not other_names:
            return overlap >= MIN_OVERLAP_WITHOUT_AUTHORS
        return overlap >= MIN_OVERLAP and len(names & other_names) >= min(2, len(names), len(other_names))

    def _is_copy(self, paper: int, other: int) -> bool:
        return self._overlap(paper, other) >= MIN_OVERLAP_WITHOUT_AUTHORS

    def _overlap(self, paper: int, other: int) -> float:
        """The Jaccard overlap of the content words of two abstracts; 0 where one of them says little."""
        words, other_words = self._words(paper, ABSTRACT), self._words(other, ABSTRACT)
        if min(len(words), len(other_words)) < _MIN_WORDS:
            return 0.0
        return len(words & other_words) / len(words | other_words)

    def _words(self, paper: int, field: int) -> set[int]:
        tokens, _ = self._snapshot.tokens(np.array([paper]), field, field)
        if field == ABSTRACT:
            tokens = tokens[self._snapshot.content_flags[tokens] > 0]
        return set(tokens.tolist())

    def _hashes_of(self, papers: Rows) -> Bands:
        missing = np.unique(papers[self._places[papers] < 0])
        if len(missing):
            places = self._places.copy()
            places[missing] = np.arange(len(self._hashes), len(self._hashes) + len(missing))
            self._hashes = np.concatenate([self._hashes, self._hash(missing)])
            self._places = places
        return self._hashes[self._places[papers]]

    def _hash(self, papers: Rows) -> Bands:
        """The band hashes of each paper's abstract, `_NO_HASH` where it has no words: (papers, _BANDS)."""
        tokens, owners = self._snapshot.tokens(papers, ABSTRACT, ABSTRACT)
        is_content = self._snapshot.content_flags[tokens] > 0
        tokens, owners = tokens[is_content].astype(np.uint64) + np.uint64(1), owners[is_content]
        out = np.full((len(papers), _BANDS), _NO_HASH)
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


def _confirmed(
    papers: Rows, others: Rows, matches: Rows, is_same: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """The places of papers and of others that agree in enough bands and are the same. A match of one band is the place
    of the paper times the number of others, and the place of the other one."""
    pairs, bands = np.unique(matches, return_counts=True)
    for pair in pairs[bands >= _AGREEING].tolist():
        at, other = divmod(pair, len(others))
        if papers[at] != others[other] and is_same(int(papers[at]), int(others[other])):
            yield at, other
