"""The order of the best: what a sum over single words can't tell, looked up in the papers at the top alone.

Three things, each small beside the words themselves. That the query's words stand close together in some passage of the
paper. That the paper is like the other good ones: those that a query is after resemble each other, those that share its
words by chance don't (score regularisation: Diaz, CIKM 2005). And, between papers that are about as good, the newer
and the more upvoted one. No word is added to the query, so that a hit always has words that were asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.segment import ABSTRACT, TITLE
from recommender.index.snapshot import Rows, Snapshot

DEPTH = 50
"""Papers that are put in order anew."""
PASSAGE_SHARE = 0.25
LIKENESS_SHARE = 0.2
"""Of the final score; measured in docs/decisions/0006-the-best-hits-in-order.md."""
FRESH_SHARE, UPVOTED_SHARE = 0.01, 0.01
"""Enough to settle what is nearly equal, and nothing else."""
_LIKE_THE_BEST = 10
_SHARPNESS = 0.03
"""A paper this share of the best one's score behind it speaks 1/e as loud for what is like it."""
_STRIDE = 8
"""Words. A passage is two strides long, and one begins at each."""
_YEAR = 365.0
_BITS = DEPTH.bit_length()
_NARROW = (2**31 - 1 >> _BITS) - 1
"""Word ids up to this one, and which paper they stand in, are sorted as 32 bits, which takes half as long."""
_DAMPED = np.concatenate([[0.0], 1 + np.log(np.arange(1, 1_000))])
"""1 + ln n, for each n; a word that comes more often counts no more."""
_SOME_UPVOTES = 20.0

Scores = NDArray[np.float64]


def rerank(snapshot: Snapshot, papers: Rows, scores: NDArray[np.float32], terms: dict[int, float]) -> Scores:
    """The final scores, 0…about 1, of at most DEPTH papers given best first with the scores that `terms` (word ids of
    stems and their weights) earned them."""
    tokens, owners = snapshot.tokens(papers, TITLE, ABSTRACT)
    stems = snapshot.stems.take(tokens)  # which is faster than to index, for numbers of 32 bits
    score = scores / float(scores[0]) + PASSAGE_SHARE * _best_passages(stems, owners, len(papers), terms)
    score /= score.max()
    likeness = _likeness(stems, owners, score, snapshot.idf)
    score = (1 - LIKENESS_SHARE) * score + LIKENESS_SHARE * likeness / max(float(likeness.max()), 1e-9)
    published = snapshot.published[papers].astype(np.float64)
    age = np.where(published > 0, snapshot.newest - published, np.inf) / _YEAR
    upvotes = snapshot.upvotes[papers].astype(np.float64)
    final: Scores = score + FRESH_SHARE * np.exp(-age) + UPVOTED_SHARE * upvotes / (upvotes + _SOME_UPVOTES)
    return final


def _best_passages(stems: NDArray[np.uint32], owners: Rows, papers: int, terms: dict[int, float]) -> Scores:
    """The share (0…1) of the terms' weight that stands together in one passage of each paper."""
    known = np.array(sorted(terms), np.uint32)
    wanted = np.zeros(int(max(stems.max(initial=0), known[-1])) + 1, bool)
    wanted[known] = True
    at = np.flatnonzero(wanted.take(stems))
    found = known.searchsorted(stems[at])
    if not len(at):
        return np.zeros(papers)
    first = owners.searchsorted(np.arange(papers))
    stride = (at - first[owners[at]]) // _STRIDE
    passages = int(stride.max()) + 2
    # Each word stands in two passages; a word that comes twice in one counts once.
    passage = owners[at] * passages + stride
    room = len(terms)
    standing = np.concatenate([passage, passage + 1]) * room + np.tile(found, 2)
    standing.sort()
    standing = standing[_firsts(standing)]
    weights = np.array([terms[term] for term in known.tolist()])
    together = np.bincount(standing // room, weights[standing % room], papers * passages)
    best: Scores = together.reshape(papers, passages).max(1) / weights.sum()
    return best


def _likeness(stems: NDArray[np.uint32], owners: Rows, score: Scores, idf: NDArray[np.float32]) -> Scores:
    """How like each paper is to the others that stand at the top: the mean cosine of (1 + ln tf) · idf, each weighed
    by how near to the best its score is."""
    papers = len(score)
    narrow = int(stems.max(initial=0)) <= _NARROW
    key: NDArray[np.signedinteger] = (stems.astype(np.int32) if narrow else stems.astype(np.int64)) << _BITS
    key |= owners.astype(key.dtype)
    key.sort()
    starts = _firsts(key)
    key = key[starts]
    stem, row = key >> _BITS, (key & ((1 << _BITS) - 1)).astype(np.int64)
    counts = np.diff(starts, append=len(stems))
    weights = _DAMPED[np.minimum(counts, len(_DAMPED) - 1)] * idf.take(stem)
    weights /= np.sqrt(np.bincount(row, weights * weights, papers)).clip(1e-9)[row]
    voices = np.exp((score - 1) / _SHARPNESS)
    voices[np.argsort(-score, kind="stable")[_LIKE_THE_BEST:]] = 0
    voices /= voices.sum()
    groups = _firsts(stem)
    if not len(groups):
        return np.zeros(papers)
    sums: Scores = np.add.reduceat(weights * voices[row], groups)
    middle = np.repeat(sums, np.diff(groups, append=len(stem)))
    near = np.bincount(row, weights * middle, papers).astype(np.float64)
    # A paper does not speak for itself.
    likeness: Scores = (near - voices).clip(0) / (1 - voices).clip(1e-9)
    return likeness


def _firsts(run: NDArray[np.signedinteger]) -> Rows:
    """Where in sorted values each one stands for the first time."""
    first = np.ones(len(run), bool)
    np.not_equal(run[1:], run[:-1], out=first[1:])
    return np.flatnonzero(first)
