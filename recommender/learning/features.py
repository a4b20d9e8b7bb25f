"""The learner's view of papers: a sparse row of unit length for each, of words, pairs of words and categories, and
beside it a short dense one of what its words mean.

Counts come from the index as it stands, so that weights follow the stream of papers without anything being refitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from recommender.index.bigrams import PAIR_SPACE, grams
from recommender.index.segment import ABSTRACT, CATEGORIES, TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import categories_of
from recommender.learning.matrix import FeatureMatrix
from recommender.paper import Paper
from recommender.text import words

MOST_GRAMS = 20_000
CATEGORY_WEIGHT = 0.15
RARITY, MEANING_RARITY = 1.25, 0.3
"""Powers of the inverse document frequency in a row, and in its dense part: the vectors of rare words are longer by
themselves."""
MEANING_WEIGHT = 0.5
"""Length of a row's dense part beside the sparse one's 1."""
CENTRE_OF = 1_200
"""Random papers whose mean meaning is taken off every paper's."""
MOST_KEPT = 20_000
"""Rows held in memory, about 1 KB each."""
_LARGE_INDEX = 5_000

Floats = NDArray[np.float32]
Owned = tuple[NDArray[np.uint32], Rows]


class Features:
    """The columns of the learner over one snapshot: the most frequent words and pairs of telling words (an entry is
    (1 + ln tf) · idf^RARITY, idf = ln((n + 1) / (df + 1)) + 1), then each category, then each category again as a
    paper's first one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        words = np.where(snapshot.telling.view(bool), snapshot.word_df, 0)
        least = 5 if snapshot.live > _LARGE_INDEX else 2
        single, double = np.flatnonzero(words >= least), np.flatnonzero(snapshot.pair_df >= least)
        chosen = np.concatenate([single, snapshot.words + double])
        df = np.concatenate([words[single], snapshot.pair_df[double]])
        if len(chosen) > MOST_GRAMS:
            order = np.argsort(-df, kind="stable")[:MOST_GRAMS]
            order.sort()
            chosen, df = chosen[order], df[order]
        columns = np.full(snapshot.words + PAIR_SPACE, -1, np.int32)
        columns[chosen] = np.arange(len(chosen), dtype=np.int32)
        self._word_columns, self._pair_columns = columns[: snapshot.words], columns[snapshot.words :]
        self._chosen = chosen
        self.grams = len(chosen)
        self.width = self.grams + 2 * len(snapshot.categories)
        self.idf: Floats = np.ones(self.width, np.float32)
        self.idf[: self.grams] = (np.log((snapshot.live + 1) / (df + 1)) + 1).clip(0.1)
        self._scale = self.idf**RARITY
        self._less_rare = self.idf ** (RARITY - MEANING_RARITY)
        self._kept: tuple[NDArray[np.int32], csr_array, Floats] = (  # type: ignore[assignment]
            np.full(int(snapshot.offsets[-1]), -1, np.int32),
            csr_array((0, self.width), dtype=np.float32),
            np.zeros((0, 0), np.float32),
        )

    def rows(self, papers: Rows) -> csr_array:
        """The rows of papers, by their numbers: (papers, width) float32. Rows once made are kept for the next asker."""
        places, kept, _ = self._keep(papers)
        return kept[places[papers]]

    def table(self, papers: Rows) -> FeatureMatrix:
        """Both parts of papers, by their numbers; kept likewise."""
        places, kept, meant = self._keep(papers)
        if len(meant) < kept.shape[0]:
            fresh = self.meaning_of(kept[len(meant) :])
            meant = np.concatenate([meant, fresh]) if len(meant) else fresh
            self._kept = places, kept, meant
        at = places[papers]
        return FeatureMatrix(kept[at], meant[at])

    def _keep(self, papers: Rows) -> tuple[NDArray[np.int32], csr_array, Floats]:
        """(place of each paper among the rows kept, those rows, the meaning of the first of them)."""
        places, kept, meant = self._kept
        missing = np.unique(papers[places[papers] < 0])
        if len(missing):
            if kept.shape[0] + len(missing) > MOST_KEPT:
                places, kept, meant, missing = np.full_like(places, -1), kept[:0], meant[:0], np.unique(papers)
            places = places.copy()
            places[missing] = np.arange(kept.shape[0], kept.shape[0] + len(missing))
            kept = vstack([kept, self._made(missing)], format="csr")
            self._kept = places, kept, meant
        return places, kept, meant

    def meaning_of(self, rows: csr_array) -> Floats:
        """The dense part that belongs to sparse rows, (rows, dimensions): their words' vectors, each (1 + ln tf) ·
        idf^MEANING_RARITY times, summed up as if these weights had the length 1, less what papers have on the average,
        brought to the length MEANING_WEIGHT."""
        sums, _ = self._sums(rows)
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        sums *= (MEANING_WEIGHT / lengths.clip(1e-6))[:, None]
        return sums

    def by_meaning(self, weights: Floats) -> Floats:
        """What each word (width,) adds through meaning, for `weights` of a table and each unit of its entry, in a row
        whose length is 1 (see `lengths`)."""
        columns, vectors = self._vector_columns
        told = np.zeros(self.width, np.float32)
        told[columns] = vectors @ weights[self.width :] * MEANING_WEIGHT / self._less_rare[columns]
        return told

    def lengths(self, rows: csr_array) -> Floats:
        """What a unit of each sparse row's entries has to be divided by, (rows,), for its part in the row's meaning."""
        sums, weighed = self._sums(rows)
        lengths: Floats = np.sqrt(np.einsum("ij,ij->i", sums, sums)).clip(1e-6) * weighed
        return lengths

    def by_meaning_of(self, columns: NDArray[np.int32], values: Floats, weights: Floats) -> Floats:
        """What a unit of each entry of one row adds through meaning, for `weights` of a table."""
        place = self._vector_places[columns]
        kept = place >= 0
        vectors, less_rare = self._vector_columns[1][place[kept]], self._less_rare[columns[kept]]
        entries = values[kept] / less_rare
        weighed = np.float32(max(float(np.sqrt(entries @ entries)), 1e-6))
        told = (entries / weighed) @ vectors - self._centre
        length = weighed * np.float32(max(float(np.sqrt(told @ told)), 1e-6))
        adds = np.zeros(len(columns), np.float32)
        adds[kept] = vectors @ weights[self.width :] * (MEANING_WEIGHT / length) / less_rare
        return adds

    def _sums(self, rows: csr_array) -> tuple[Floats, Floats]:
        """(what the words' vectors of each row sum up to, (rows, dimensions); the length of their weights before)."""
        meant, weighed = self._meant(rows)
        sums: Floats = meant @ self._vector_columns[1] - self._centre
        return sums, weighed

    def _meant(self, rows: csr_array) -> tuple[csr_array, Floats]:
        """(how much each word with a vector weighs in each of the rows, (rows, vectors), brought to unit length; the
        lengths before)."""
        place = self._vector_places[rows.indices]
        kept = place >= 0
        pointers = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
        weights = rows.data[kept] / self._less_rare[rows.indices[kept]]
        counts = np.diff(pointers)
        owners = np.repeat(np.arange(len(counts)), counts)
        lengths: Floats = np.sqrt(np.bincount(owners, weights * weights, len(counts))).clip(1e-6).astype(np.float32)
        shape = (rows.shape[0], len(self._vector_columns[0]))
        return csr_array((weights / lengths[owners], place[kept], pointers), shape=shape), lengths

    @cached_property
    def _vector_columns(self) -> tuple[NDArray[np.int64], Floats]:
        """(columns whose words have a vector, their vectors)."""
        meaning = self.snapshot.meaning
        columns = self._word_columns[meaning.words].astype(np.int64)
        return columns[columns >= 0], meaning.vectors[columns >= 0]

    @cached_property
    def _vector_places(self) -> NDArray[np.int32]:
        """The vector of each column, −1 where it has none."""
        columns, _ = self._vector_columns
        places = np.full(self.width, -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        return places

    @cached_property
    def _centre(self) -> Floats:
        """What the words' vectors of a paper sum up to on the average."""
        some, _ = self._meant(self.rows(self.snapshot.sample(CENTRE_OF)))
        mean = some.sum(axis=0) / max(some.shape[0], 1)
        centre: Floats = (mean @ self._vector_columns[1]).astype(np.float32)
        return centre

    def tokens_of(self, paper: Paper) -> NDArray[np.uint32]:
        """The words of a paper that need not be in the index, (words,); words the index never met are left out."""
        return self._tokens([*words(paper.title), *words(paper.abstract)])

    def _tokens(self, some: Sequence[str]) -> NDArray[np.uint32]:
        known = self.snapshot.words
        return np.array([n for n in self.snapshot.vocabulary.known(some) if n < known], np.uint32)

    def row_of(self, paper: Paper) -> csr_array:
        """The row (1, width) of a paper that need not be in the index."""
        return self._row(self.tokens_of(paper), categories_of(paper))

    def row(self, words: Sequence[str], categories: Sequence[str] = ()) -> csr_array:
        """The row (1, width) of a text that is no paper, such as a topic; words the index never met are left out."""
        return self._row(self._tokens(words), categories)

    def _row(self, tokens: NDArray[np.uint32], categories: Sequence[str]) -> csr_array:
        tags = self._tokens(categories)
        tags = tags[np.isin(tags, self.snapshot.categories)]
        return self._weighted((tokens, np.zeros(len(tokens), np.int64)), (tags, np.zeros(len(tags), np.int64)), 1)

    def _made(self, papers: Rows) -> csr_array:
        tokens = self.snapshot.tokens(papers, TITLE, ABSTRACT)
        return self._weighted(tokens, self.snapshot.tokens(papers, CATEGORIES, CATEGORIES), len(papers))

    def _weighted(self, tokens: Owned, tags: Owned, papers: int) -> csr_array:
        """Rows from words and categories, each given with the row it belongs to."""
        words, word_rows, pairs, pair_rows = grams(*tokens, self.snapshot.telling)
        categories, owners = self.grams + np.searchsorted(self.snapshot.categories, tags[0]), tags[1]
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        primary = categories[first] + len(self.snapshot.categories)
        column: Rows = np.concatenate([self._word_columns[words], self._pair_columns[pairs], categories, primary])
        row = np.concatenate([word_rows, pair_rows, owners, owners[first]])
        # One number for each entry; sorted, equal ones stand together and make up the rows in order.
        bits = self.width.bit_length()
        key = (row << bits | column)[column >= 0]
        key.sort()
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        counts = np.diff(starts, append=len(key))
        row, column = key[starts] >> bits, key[starts] & ((1 << bits) - 1)
        values = (1 + np.log(counts)).astype(np.float32) * self._scale[column]
        tag = column >= self.grams
        # Words and categories are brought to unit length apart, the categories made small, and then both together.
        squares = values * values
        of_words = np.bincount(row[~tag], squares[~tag], papers)
        of_tags = np.bincount(row[tag], squares[tag], papers)
        both = np.sqrt((of_words > 0) + (of_tags > 0) * CATEGORY_WEIGHT**2).clip(1e-9)
        scale_words = 1 / (np.sqrt(of_words).clip(1e-9) * both)
        scale_tags = CATEGORY_WEIGHT / (np.sqrt(of_tags).clip(1e-9) * both)
        values *= np.where(tag, scale_tags[row], scale_words[row]).astype(np.float32)
        pointers = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=papers))])
        shape = (papers, self.width)
        return csr_array((values, column.astype(np.int32), pointers.astype(np.int32)), shape=shape)

    @cached_property
    def telling(self) -> Floats:
        """How much each column (width,) tells of a subject, from 0 for a word that every paper has."""
        return self.idf - self.idf.min(initial=np.inf) if self.width else self.idf

    def by_category(self, weights: Floats) -> Floats:
        """Weights (width,) with each category's two columns, any place and first place, added up in one of them."""
        summed, any_place = weights.copy(), slice(self.grams, self.grams + len(self.snapshot.categories))
        summed[any_place] += summed[any_place.stop :]
        summed[any_place.stop :] = 0
        return summed

    def gram(self, column: int) -> int:
        """The id of the word behind a column, or the pair's number, counted after all words."""
        return int(self._chosen[column])
