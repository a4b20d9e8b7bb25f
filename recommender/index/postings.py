"""Postings: which papers have a word, and how often. They are derived from the columns and can be derived again.

A block holds the postings of some consecutive rows. It is made once and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import count_papers
from recommender.index.columns import ABSTRACT, CATEGORIES, FIELDS, TITLE, Columns, Ints, UInts

MAX_PAPERS = 1 << 17
"""The most papers in a block, so that deriving one never needs much memory."""

# BM25F: Robertson & Zaragoza, The Probabilistic Relevance Framework (2009), section 3.6.
SATURATION = 1.6
LENGTH_SHARE = 0.75
TITLE_SHARE = 0.5
TITLE_WEIGHT = 3.0

Floats = NDArray[np.float32]
Postings = tuple[UInts, Floats]
"""(the rows that have a term, ascending; the weight of the term in each)."""


@dataclass(frozen=True, slots=True)
class Block:
    """The postings of the rows from `start` up to `stop`.

    `terms` (ascending word ids of stems), `term_counts` (how often each occurs), `term_bounds`, `rows`, `weights`:
    postings, a weight being BM25F's saturated frequency in 0…1. `means` are the mean lengths of title and abstract over
    the index, in words, by which it was computed. `df_*`: papers by word and by pair.
    """

    start: int
    stop: int
    means: tuple[float, float]
    terms: UInts
    term_counts: UInts
    term_bounds: Ints
    rows: UInts
    weights: Floats
    df_words: UInts
    df_word_counts: UInts
    df_pairs: UInts
    df_pair_counts: UInts

    def postings(self, terms: UInts) -> list[Postings]:
        """The postings of each term."""
        if not len(self.terms):
            return [(self.rows, self.weights)] * len(terms)
        at = self.terms.searchsorted(terms)
        present = self.terms.take(at, mode="clip") == terms
        starts, stops = self.term_bounds.take(at, mode="clip"), self.term_bounds.take(at + 1, mode="clip")
        spans = map(slice, starts.tolist(), np.where(present, stops, starts).tolist())
        return [(self.rows[span], self.weights[span]) for span in spans]


def mean_lengths(columns: Columns) -> tuple[float, float]:
    """The mean lengths of title and abstract, in words."""
    if not len(columns):
        return 0.0, 0.0
    title, abstract, *_ = np.diff(columns.bounds).reshape(-1, FIELDS).mean(0).tolist()
    return title, abstract


def derive(columns: Columns, start: int, stop: int, means: tuple[float, float]) -> Block:
    """The block of the rows from `start` up to `stop`."""
    bounds = columns.bounds[start * FIELDS : stop * FIELDS + 1]
    tokens, bounds = columns.tokens[bounds[0] : bounds[-1]], bounds - bounds[0]
    terms, term_counts, term_bounds, rows, weights = _inverted(columns.stems[tokens], bounds, means)
    df_words, df_pairs = count_papers(tokens, bounds[::FIELDS], bounds[CATEGORIES::FIELDS], columns.content_flags)
    document_frequencies = (counts.astype(np.uint32) for counts in (*df_words, *df_pairs))
    return Block(
        start, stop, means, terms, term_counts, term_bounds, rows + np.uint32(start), weights, *document_frequencies
    )


def _inverted(stems: UInts, field_bounds: Ints, means: tuple[float, float]) -> tuple[UInts, UInts, Ints, UInts, Floats]:
    lengths = np.diff(field_bounds).reshape(-1, FIELDS)
    # One number per word of a paper: its term, its row, and whether it stands in the title. Sorted, they are postings.
    key = stems.astype(np.int64)
    key <<= 18
    key |= np.repeat(np.arange(len(lengths), dtype=np.int64) << 1, lengths.sum(1))
    key |= np.repeat(np.arange(lengths.size) % FIELDS == TITLE, lengths.ravel())
    key.sort()
    first = np.ones(len(key), bool)
    first[1:] = (key[1:] >> 1) != (key[:-1] >> 1)
    starts = np.flatnonzero(first)
    counts = np.diff(starts, append=len(key)).astype(np.float32)
    in_title = np.add.reduceat((key & 1).astype(np.uint8), starts, dtype=np.float32) if len(starts) else counts
    pairs = key[starts] >> 1
    del key, first
    rows = (pairs & (MAX_PAPERS - 1)).astype(np.uint32)
    pairs >>= 17
    bounds = np.flatnonzero(np.diff(pairs, prepend=-1))
    terms = pairs[bounds].astype(np.uint32)
    term_counts = np.add.reduceat(counts, bounds, dtype=np.float64) if len(bounds) else counts
    del pairs
    short = 1 - TITLE_SHARE + TITLE_SHARE * lengths[:, TITLE] / max(means[0], 1e-9)
    long = 1 - LENGTH_SHARE + LENGTH_SHARE * lengths[:, ABSTRACT] / max(means[1], 1e-9)
    counts -= in_title
    counts /= np.maximum(long, 1e-3).astype(np.float32)[rows]
    in_title *= (TITLE_WEIGHT / np.maximum(short, 1e-3)).astype(np.float32)[rows]
    counts += in_title
    weights = counts / (counts + np.float32(SATURATION))
    return terms, term_counts.astype(np.uint32), np.append(bounds, len(rows)).astype(np.int64), rows, weights
