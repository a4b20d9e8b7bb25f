"""Papers like one paper."""

from __future__ import annotations

import threading
from functools import lru_cache

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
MOST_MEASURED = 100_000
"""The most papers whose measures are held in memory, 216 bytes each."""
_MOST_ANSWERS = 5_000
_AT_ONCE = 500
"""Papers that are measured at once: few, so that other threads go on in between."""

Floats = NDArray[np.float32]


class SimilarPapers:
    """Finds papers like a paper in one snapshot.

    The likeness of two papers, at most 1, is the weighted mean of the cosine of their words and the cosine of their
    embeddings. For 300 papers, it takes a tenth of the time that making their rows would: of their words only those
    count that the paper has too, and what needs all of their words, the length of the row and the embedding, is kept.
    """

    def __init__(self, features: Features, searcher: Searcher) -> None:
        self._features, self._searcher = features, searcher
        self._measures = _Measures(features)
        self._of_indexed = lru_cache(_MOST_ANSWERS)(self._to_indexed)

    def similar(self, paper: int | Paper, limit: int) -> tuple[Rows, Floats]:
        """(papers, likenesses) of the nearest papers, best first, without the paper itself. The paper is given by its
        number in the index, or as a value."""
        return self._to_given(paper, limit) if isinstance(paper, Paper) else self._of_indexed(paper, limit)

    def prepare(self) -> None:
        """Measure all papers, or as many of the latest as are kept, so that nobody waits for it later."""
        self._measures.fill()

    def _to_given(self, paper: Paper, limit: int) -> tuple[Rows, Floats]:
        row, tokens = self._features.matrix_of([paper]), self._features.tokens_of(paper)
        near, (columns, values) = self._sharing(tokens, limit), row.entries(0)
        return _nearest(near, self._likeness(near, tokens, columns.astype(np.int64), values, row.dense[0]), limit)

    def _to_indexed(self, paper: int, limit: int) -> tuple[Rows, Floats]:
        features, alone = self._features, np.array([paper], np.int64)
        tokens, _ = features.snapshot.texts(alone, TITLE, ABSTRACT)
        near = self._sharing(tokens, limit)
        near = near[near != paper]
        columns, counts = np.unique(
            np.concatenate([features.occurrences(tokens), features.category_columns(alone)[1]]), return_counts=True
        )
        factors, embeddings = self._measures.of(alone)
        values = features.weights(columns, counts) * factors[0, (columns >= features.ngram_count).astype(np.int8)]
        return _nearest(near, self._likeness(near, tokens, columns, values, embeddings[0]), limit)

    def _sharing(self, tokens: NDArray[np.uint32], limit: int) -> Rows:
        """The papers that share most of the words."""
        snapshot = self._features.snapshot
        words = map(snapshot.vocabulary.words.__getitem__, tokens[snapshot.content_flags[tokens] > 0].tolist())
        return self._searcher.by_words(words, LOOKUP_WORDS, max(COMPARED, limit + 1))

    @ignore_invalid
    def _likeness(
        self, papers: Rows, tokens: NDArray[np.uint32], columns: Rows, values: Floats, embedding: Floats
    ) -> Floats:
        """The likeness of papers to the paper with these words, these entries in its sparse row, and this
        embedding."""
        features, width = self._features, self._features.width
        own = np.zeros(width, np.float32)
        own[columns] = values
        rows, columns = map(
            np.concatenate,
            zip(features.shared_occurrences(tokens, papers), features.category_columns(papers), strict=True),
        )
        is_shared = np.flatnonzero(own[columns] != 0)
        entries, counts = np.unique(rows[is_shared] * width + columns[is_shared], return_counts=True)
        rows, columns = np.divmod(entries, width)
        factors, embeddings = self._measures.of(papers)
        weights = features.weights(columns, counts) * factors[rows, (columns >= features.ngram_count).astype(np.int8)]
        by_words = np.bincount(rows, weights * own[columns], len(papers))
        by_embedding = embeddings @ embedding / EMBEDDING_WEIGHT**2
        likeness: Floats = ((by_words + EMBEDDING_SHARE * by_embedding) / (1 + EMBEDDING_SHARE)).astype(np.float32)
        return likeness


class _Measures:
    """The factors (see `Features.measures`) and the embeddings of the papers that were measured last."""

    def __init__(self, features: Features) -> None:
        snapshot = features.snapshot
        most = min(snapshot.size, MOST_MEASURED)
        self._features, self._lock, self._next = features, threading.Lock(), 0
        self._places, self._owners = np.full(snapshot.size, -1, np.int32), np.full(most, -1, np.int64)
        # Memory that was never written takes no room.
        self._factors = np.empty((most, 2), np.float32)
        self._embeddings = np.empty((most, snapshot.word_vectors.vectors.shape[1]), np.float16)

    def of(self, papers: Rows) -> tuple[Floats, Floats]:
        """(factors, (papers, 2); embeddings, (papers, dimensions)) of papers."""
        factors = np.zeros((len(papers), 2), np.float32)
        embeddings = np.zeros((len(papers), self._embeddings.shape[1]), np.float32)
        with self._lock:
            places = self._places[papers]
            held = places >= 0
            factors[held], embeddings[held] = self._factors[places[held]], self._embeddings[places[held]]
        if not held.all():
            missing = papers[~held]
            factors[~held], fresh = self._features.measures(missing)
            # Rounded as it will be kept, so that a likeness does not depend on what was asked for before.
            rounded = fresh.astype(np.float16)
            embeddings[~held] = rounded
            with self._lock:
                self._keep(missing, factors[~held], rounded)
        return factors, embeddings

    def fill(self) -> None:
        """Measure the latest papers, as many as are kept."""
        latest = self._features.snapshot.alive[-len(self._owners) :]
        missing = latest[self._places[latest] < 0]
        for start in range(0, len(missing), _AT_ONCE):
            self.of(missing[start : start + _AT_ONCE])

    def _keep(self, papers: Rows, factors: Floats, embeddings: NDArray[np.float16]) -> None:
        """Keep the measures in the place of those that were kept first."""
        most = len(self._owners)
        papers, factors, embeddings = papers[:most], factors[:most], embeddings[:most]
        places = (self._next + np.arange(len(papers))) % most
        # Another thread may have kept a paper elsewhere, too.
        owners = self._owners[places]
        gone = owners[(owners >= 0) & (self._places[owners] == places)]
        self._places[gone] = -1
        self._owners[places], self._factors[places], self._embeddings[places] = papers, factors, embeddings
        self._places[papers] = places
        self._next = (self._next + len(papers)) % most


def _nearest(papers: Rows, likeness: Floats, limit: int) -> tuple[Rows, Floats]:
    order = np.argsort(-likeness, kind="stable")[:limit]
    return papers[order], likeness[order]
