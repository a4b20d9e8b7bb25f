"""Reranking of the top hits by evidence that a sum over single words does not have.

Three additions, each small relative to the word score. First, words of the query that are close together in a passage
of the paper. Second, likeness to the other top hits: relevant papers resemble each other, papers that share words by
chance do not (score regularisation: Diaz, CIKM 2005). Third, between nearly equal papers, the newer and the more
upvoted one. No word is added to the query, so a hit always has words of the query.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import ABSTRACT, TITLE
from recommender.index.snapshot import Rows, Snapshot

DEPTH = 50
"""The number of papers that are reranked."""
PASSAGE_SHARE = 0.25
LIKENESS_SHARE = 0.2
"""Shares of the final score; measured in docs/decisions/0006-the-best-hits-in-order.md."""
FRESH_SHARE, UPVOTED_SHARE = 0.01, 0.01
"""Enough to order papers with nearly equal scores, and no more."""
_TOP = 10
_TEMPERATURE = 0.03
"""Softmax temperature, as a share of the best score: a hit that far behind has 1/e of the best hit's weight."""
_STRIDE = 8
"""Words in a stride. A passage has two strides, and one begins at each stride."""
_YEAR = 365.0
_BITS = DEPTH.bit_length()
_NARROW = (2**31 - 1 >> _BITS) - 1
"""Word ids up to this one are sorted together with their paper as 32 bits, which takes half as long."""
_LOG_TF = np.concatenate([[0.0], 1 + np.log(np.arange(1, 1_000))])
"""1 + ln n for each term frequency n; higher frequencies count as the last."""
_SOME_UPVOTES = 20.0

Scores = NDArray[np.float64]


def rerank(snapshot: Snapshot, papers: Rows, scores: NDArray[np.float32], terms: dict[int, float]) -> Scores:
    """The final scores, 0…about 1, of at most DEPTH papers, given best first with their scores by `terms` (word ids of
    stems with their weights)."""
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
    """The largest share (0…1) of the terms' weight that is in one passage of each paper."""
    query_terms = np.array(sorted(terms), np.uint32)
    is_query_term = np.zeros(int(max(stems.max(initial=0), query_terms[-1])) + 1, bool)
    is_query_term[query_terms] = True
    at = np.flatnonzero(is_query_term.take(stems))
    term_numbers = query_terms.searchsorted(stems[at])
    if not len(at):
        return np.zeros(papers)
    first = owners.searchsorted(np.arange(papers))
    stride = (at - first[owners[at]]) // _STRIDE
    passages = int(stride.max()) + 2
    # Each word is in two passages. A word that occurs twice in a passage counts once.
    passage = owners[at] * passages + stride
    room = len(terms)
    entries = np.concatenate([passage, passage + 1]) * room + np.tile(term_numbers, 2)
    entries.sort()
    entries = entries[_firsts(entries)]
    weights = np.array([terms[term] for term in query_terms.tolist()])
    passage_weights = np.bincount(entries // room, weights[entries % room], papers * passages)
    best: Scores = passage_weights.reshape(papers, passages).max(1) / weights.sum()
    return best


def _likeness(stems: NDArray[np.uint32], owners: Rows, score: Scores, idf: NDArray[np.float32]) -> Scores:
    """The likeness of each paper to the other top papers: the mean cosine of (1 + ln tf) · idf, weighted by a softmax
    of their scores."""
    papers = len(score)
    narrow = int(stems.max(initial=0)) <= _NARROW
    key: NDArray[np.signedinteger] = (stems.astype(np.int32) if narrow else stems.astype(np.int64)) << _BITS
    key |= owners.astype(key.dtype)
    key.sort()
    starts = _firsts(key)
    key = key[starts]
    stem, row = key >> _BITS, (key & ((1 << _BITS) - 1)).astype(np.int64)
    counts = np.diff(starts, append=len(stems))
    weights = _LOG_TF[np.minimum(counts, len(_LOG_TF) - 1)] * idf.take(stem)
    weights /= np.sqrt(np.bincount(row, weights * weights, papers)).clip(1e-9)[row]
    top_weights = np.exp((score - 1) / _TEMPERATURE)
    top_weights[np.argsort(-score, kind="stable")[_TOP:]] = 0
    top_weights /= top_weights.sum()
    groups = _firsts(stem)
    if not len(groups):
        return np.zeros(papers)
    sums: Scores = np.add.reduceat(weights * top_weights[row], groups)
    centroid = np.repeat(sums, np.diff(groups, append=len(stem)))
    similarity = np.bincount(row, weights * centroid, papers).astype(np.float64)
    # The paper itself is left out of its mean.
    likeness: Scores = (similarity - top_weights).clip(0) / (1 - top_weights).clip(1e-9)
    return likeness


def _firsts(run: NDArray[np.signedinteger]) -> Rows:
    """The first index of each distinct value in a sorted array."""
    first = np.ones(len(run), bool)
    np.not_equal(run[1:], run[:-1], out=first[1:])
    return np.flatnonzero(first)
