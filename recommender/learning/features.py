"""The features of papers: a sparse row of unit length (words, bigrams and categories), and beside it a dense embedding.

Document frequencies come from the index as it is, so that weights follow the stream of papers without a refit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from recommender.index.bigrams import PAIR_SPACE, ngrams, pair_starts, pairs_of
from recommender.index.columns import ABSTRACT, CATEGORIES, TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import categories_of
from recommender.learning.matrix import FeatureMatrix
from recommender.learning.row_cache import RowCache
from recommender.paper import Paper
from recommender.text import words

MAX_NGRAMS = 20_000
CATEGORY_WEIGHT = 0.15
IDF_POWER, EMBEDDING_IDF_POWER = 1.25, 0.3
"""Powers of the inverse document frequency in the sparse part, and in the embedding, where the vectors of rare words
are longer by themselves."""
EMBEDDING_WEIGHT = 0.6
"""Length of an embedding; the sparse part has the length 1."""
CENTRE_SAMPLE = 1_200
"""The number of random papers whose mean embedding is subtracted from every paper's."""
MAX_CACHED_ROWS = 20_000
"""The most rows held in memory, about 1 KB each."""
MAX_CACHED_TEXTS = 1_000
_LARGE_INDEX = 5_000
_SINGLE, _FIRST, _SECOND = 1, 2, 4
"""Marks of words: that a word has a column, that it is the first of a bigram, that it is the second."""

Floats = NDArray[np.float32]
Owned = tuple[NDArray[np.uint32], Rows]


class Features:
    """The feature columns over one snapshot: the most frequent content words and their bigrams (an entry is
    (1 + ln tf) · idf^IDF_POWER, idf = ln((n + 1) / (df + 1)) + 1), then each category, then each category again as a
    paper's first one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        words = np.where(snapshot.content_flags > 0, snapshot.word_df, 0)
        least = 5 if snapshot.live > _LARGE_INDEX else 2
        single, double = np.flatnonzero(words >= least), np.flatnonzero(snapshot.pair_df >= least)
        chosen = np.concatenate([single, snapshot.words + double])
        df = np.concatenate([words[single], snapshot.pair_df[double]])
        if len(chosen) > MAX_NGRAMS:
            order = np.argsort(-df, kind="stable")[:MAX_NGRAMS]
            order.sort()
            chosen, df = chosen[order], df[order]
        columns = np.full(snapshot.words + PAIR_SPACE, -1, np.int32)
        columns[chosen] = np.arange(len(chosen), dtype=np.int32)
        self._word_columns, self._pair_columns = columns[: snapshot.words], columns[snapshot.words :]
        self._chosen, self._is_content = chosen, snapshot.content_flags > 0
        self.ngram_count = len(chosen)
        self.width = self.ngram_count + 2 * len(snapshot.categories)
        self.idf: Floats = np.ones(self.width, np.float32)
        self.idf[: self.ngram_count] = (np.log((snapshot.live + 1) / (df + 1)) + 1).clip(0.1)
        self._scale = self.idf**IDF_POWER
        self._cached_text = lru_cache(MAX_CACHED_TEXTS)(
            lambda words, categories: self._text_matrix([(self._tokens(words), self._tags(categories))])
        )
        self._idf_damping = self.idf ** (IDF_POWER - EMBEDDING_IDF_POWER)
        dimensions = snapshot.word_vectors.vectors.shape[1]
        self._cache = RowCache(snapshot.size, self.width, dimensions, MAX_CACHED_ROWS, self._build_rows, self.embed)

    def rows(self, papers: Rows) -> csr_array:
        """The sparse rows of papers, by number: (papers, width) float32. Rows are cached."""
        return self._cache.rows(papers)

    def matrix(self, papers: Rows) -> FeatureMatrix:
        """The feature matrix of papers, by number, also cached."""
        _ = self._centre  # made before the cache embeds rows, because it takes rows from the cache
        return self._cache.matrix(papers)

    def embed(self, rows: csr_array) -> Floats:
        """The embeddings that belong to sparse rows, (rows, dimensions): the sum of the word vectors, weighted with
        (1 + ln tf) · idf^EMBEDDING_IDF_POWER normalised to unit length, minus the mean of all papers, scaled to the
        length EMBEDDING_WEIGHT."""
        sums, _ = self._sums(rows)
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        sums *= (EMBEDDING_WEIGHT / lengths.clip(1e-6))[:, None]
        return sums

    def embedding_effects(self, weights: Floats) -> Floats:
        """The effect of one unit of each column (width,) on a score through the embedding, for `weights` of a feature
        matrix, in a row whose `lengths` is 1."""
        columns, vectors = self._vector_columns
        effects = np.zeros(self.width, np.float32)
        effects[columns] = vectors @ weights[self.width :] * EMBEDDING_WEIGHT / self._idf_damping[columns]
        return effects

    def lengths(self, rows: csr_array) -> Floats:
        """The divisor, per row, of one entry's effect through the embedding: the norm of the row's centred vector sum
        times the norm of its word weights. Shape (rows,)."""
        sums, weighed = self._sums(rows)
        lengths: Floats = np.sqrt(np.einsum("ij,ij->i", sums, sums)).clip(1e-6) * weighed
        return lengths

    def embedding_effects_in(self, columns: NDArray[np.int32], values: Floats, weights: Floats) -> Floats:
        """The effect of one unit of each entry of one row through the embedding, for `weights` of a feature matrix."""
        place = self._vector_places[columns]
        cached = place >= 0
        vectors, less_rare = self._vector_columns[1][place[cached]], self._idf_damping[columns[cached]]
        entries = values[cached] / less_rare
        weighed = np.float32(max(float(np.sqrt(entries @ entries)), 1e-6))
        effects = (entries / weighed) @ vectors - self._centre
        length = weighed * np.float32(max(float(np.sqrt(effects @ effects)), 1e-6))
        adds = np.zeros(len(columns), np.float32)
        adds[cached] = vectors @ weights[self.width :] * (EMBEDDING_WEIGHT / length) / less_rare
        return adds

    def _sums(self, rows: csr_array) -> tuple[Floats, Floats]:
        """(centred sum of the word vectors of each row, (rows, dimensions); norm of its word weights)."""
        embeddings, weighed = self._vector_weights(rows)
        sums: Floats = embeddings @ self._vector_columns[1] - self._centre
        return sums, weighed

    def _vector_weights(self, rows: csr_array) -> tuple[csr_array, Floats]:
        """(weights of the words with a vector in each row, (rows, vectors), of unit length; their norms before)."""
        place = self._vector_places[rows.indices]
        cached = place >= 0
        pointers = np.concatenate([[0], np.cumsum(cached)])[rows.indptr]
        weights = rows.data[cached] / self._idf_damping[rows.indices[cached]]
        counts = np.diff(pointers)
        owners = np.repeat(np.arange(len(counts)), counts)
        lengths: Floats = np.sqrt(np.bincount(owners, weights * weights, len(counts))).clip(1e-6).astype(np.float32)
        shape = (rows.shape[0], len(self._vector_columns[0]))
        return csr_array((weights / lengths[owners], place[cached], pointers), shape=shape), lengths

    @cached_property
    def _vector_columns(self) -> tuple[NDArray[np.int64], Floats]:
        """(columns whose words have a vector, their vectors)."""
        meaning = self.snapshot.word_vectors
        columns = self._word_columns[meaning.words].astype(np.int64)
        return columns[columns >= 0], meaning.vectors[columns >= 0]

    @cached_property
    def _vector_places(self) -> NDArray[np.int32]:
        """The index of each column's vector, −1 where it has none."""
        columns, _ = self._vector_columns
        places = np.full(self.width, -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        return places

    @cached_property
    def _centre(self) -> Floats:
        """The mean sum of the word vectors of a paper."""
        texts, _ = self._vector_weights(self.rows(self.snapshot.sample(CENTRE_SAMPLE)))
        mean = texts.sum(axis=0) / max(texts.shape[0], 1)
        centre: Floats = (mean @ self._vector_columns[1]).astype(np.float32)
        return centre

    def tokens_of(self, paper: Paper) -> NDArray[np.uint32]:
        """The words of any paper, in the index or not: (words,). Words that the index does not know are left out."""
        return self._tokens([*words(paper.title), *words(paper.abstract)])

    def _tokens(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        known = self.snapshot.words
        return np.array([n for n in self.snapshot.vocabulary.known(texts) if n < known], np.uint32)

    def matrix_of(self, papers: Iterable[Paper]) -> FeatureMatrix:
        """The feature matrix of any papers, in the index or not."""
        return self._text_matrix([(self.tokens_of(paper), self._tags(categories_of(paper))) for paper in papers])

    def matrix_of_text(self, words: Sequence[str], categories: Sequence[str] = ()) -> FeatureMatrix:
        """The feature matrix of one text, such as a topic. Words that the index does not know are left out. Rows of
        texts are cached, because the same topics are asked for again and again."""
        return self._cached_text(tuple(words), tuple(categories))

    def _tags(self, categories: Sequence[str]) -> NDArray[np.uint32]:
        tags = self._tokens(categories)
        return tags[np.isin(tags, self.snapshot.categories)]

    def _text_matrix(self, texts: Sequence[tuple[NDArray[np.uint32], NDArray[np.uint32]]]) -> FeatureMatrix:
        """The feature matrix of texts, each given as words and categories."""
        tokens, tags = zip(*texts, strict=True) if texts else ((), ())
        rows = self._weighted(_owned(tokens), _owned(tags), len(texts))
        return FeatureMatrix(rows, self.embed(rows))

    def measures(self, papers: Rows) -> tuple[Floats, Floats]:
        """(the factors of papers, (papers, 2); their embeddings, (papers, dimensions)). An entry of a sparse row is the
        weight of its column and count times a factor: the first for words and bigrams, the second for categories."""
        snapshot, count = self.snapshot, len(papers)
        rows, columns, weights = self._entries(*self._ngram_columns(snapshot.tokens(papers, TITLE, ABSTRACT)))
        tag_rows, _, tag_weights = self._entries(*self.category_columns(papers))
        lengths = np.stack([
            np.sqrt(np.bincount(rows, weights * weights, count)),
            np.sqrt(np.bincount(tag_rows, tag_weights * tag_weights, count)) / CATEGORY_WEIGHT,
        ], axis=1)  # fmt: skip
        shares = np.sqrt((lengths > 0) @ np.array([1, CATEGORY_WEIGHT**2]))
        factors = np.zeros((count, 2), np.float32)
        np.divide(1, lengths * shares[:, None], out=factors, where=lengths > 0, casting="same_kind")
        pointers = np.searchsorted(rows, np.arange(count + 1))
        return factors, self.embed(csr_array((weights, columns, pointers), shape=(count, self.width)))

    def _entries(self, rows: Rows, columns: Rows | NDArray[np.int32]) -> tuple[Rows, Rows, Floats]:
        """(row, column, weight) of each entry, in this order, from the row and the column of each occurrence."""
        kept = columns >= 0
        entries, counts = np.unique(rows[kept] * self.width + columns[kept], return_counts=True)
        rows, distinct = np.divmod(entries, self.width)
        return rows, distinct, self.weights(distinct, counts)

    def occurrences(self, tokens: NDArray[np.uint32]) -> Rows:
        """The column of each word and bigram among the words `tokens` of one paper."""
        _, columns = self._ngram_columns((tokens, np.zeros(len(tokens), np.int64)))
        return columns[columns >= 0].astype(np.int64)

    def shared_occurrences(self, tokens: NDArray[np.uint32], papers: Rows) -> tuple[Rows, Rows]:
        """(the place in `papers`, the column) of each word and bigram of papers that may be one of the paper with the
        words `tokens`. It takes a tenth of the time that looking up all of their bigrams would. Another bigram that
        has the hash of one of them is left out."""
        flags, is_content = self.snapshot.content_flags, self._is_content
        own = tokens[is_content[tokens]]
        first = pair_starts(own, np.zeros(len(own), np.int64), flags)
        marks = np.zeros(len(flags), np.uint8)
        marks[own[self._word_columns[own] >= 0]] = _SINGLE
        marks[own[first]] |= _FIRST
        marks[own[first + 1]] |= _SECOND
        texts, ends = self.snapshot.texts(papers, TITLE, ABSTRACT)
        content = np.flatnonzero(is_content[texts])
        texts = texts[content]
        marked = marks[texts]
        single = np.flatnonzero((marked & _SINGLE) > 0)
        double = np.flatnonzero((marked[:-1] & (marked[1:] >> 1) & _FIRST) > 0)
        rows, double_rows, next_rows = (
            np.searchsorted(ends, content[places], "right") for places in (single, double, double + 1)
        )
        double, double_rows = double[double_rows == next_rows], double_rows[double_rows == next_rows]
        columns = np.concatenate(
            [self._word_columns[texts[single]], self._pair_columns[pairs_of(texts[double], texts[double + 1])]]
        )
        rows = np.concatenate([rows, double_rows])
        return rows[columns >= 0], columns[columns >= 0].astype(np.int64)

    def category_columns(self, papers: Rows) -> tuple[Rows, Rows]:
        """(the place in `papers`, the column) of each category of papers, and again of each first one."""
        rows, columns = self._tag_columns(self.snapshot.tokens(papers, CATEGORIES, CATEGORIES))
        return rows, columns + self.ngram_count

    def weights(self, columns: Rows, counts: Rows) -> Floats:
        """The weight of each column that occurs so often in a paper."""
        weights: Floats = self._scale[columns] * (1 + np.log(counts, dtype=np.float32))
        return weights

    def _build_rows(self, papers: Rows) -> csr_array:
        tokens = self.snapshot.tokens(papers, TITLE, ABSTRACT)
        return self._weighted(tokens, self.snapshot.tokens(papers, CATEGORIES, CATEGORIES), len(papers))

    def _ngram_columns(self, tokens: Owned) -> tuple[Rows, NDArray[np.int32]]:
        """(the row, the column) of each word and bigram, −1 for one that has no column."""
        words, word_rows, pairs, pair_rows = ngrams(*tokens, self.snapshot.content_flags)
        columns = np.concatenate([self._word_columns[words], self._pair_columns[pairs]])
        return np.concatenate([word_rows, pair_rows]), columns

    def _tag_columns(self, tags: Owned) -> tuple[Rows, Rows]:
        """(the row, the column among those of categories) of each category, and again of each first one."""
        categories, owners = np.searchsorted(self.snapshot.categories, tags[0]), tags[1]
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        columns = np.concatenate([categories, categories[first] + len(self.snapshot.categories)])
        return np.concatenate([owners, owners[first]]), columns

    def _weighted(self, tokens: Owned, tags: Owned, papers: int) -> csr_array:
        """Sparse rows from words and categories, each given with the row that it belongs to. Words and categories are
        normalised separately, the categories scaled down, and then both together."""
        from sklearn.preprocessing import normalize

        parts = [
            self._tf_idf(*self._ngram_columns(tokens), papers, slice(self.ngram_count)),
            self._tf_idf(*self._tag_columns(tags), papers, slice(self.ngram_count, self.width))
            * np.float32(CATEGORY_WEIGHT),
        ]
        joined = csr_array(hstack(parts, format="csr"))
        return csr_array(normalize(joined, copy=False)) if joined.nnz else joined

    def _tf_idf(self, rows: Rows, columns: Rows | NDArray[np.int32], papers: int, span: slice) -> csr_array:
        """Rows of unit length from the row and the column of each occurrence, over a span of columns. The document
        frequencies are those of the index, so nothing is fitted. Columns below 0 are left out."""
        from sklearn.feature_extraction.text import TfidfTransformer

        weighting = TfidfTransformer(sublinear_tf=True)
        weighting.idf_ = self._scale[span]
        kept = columns >= 0
        occurrences = (
            np.ones(int(kept.sum()), np.float32),
            (rows[kept].astype(np.int32), columns[kept].astype(np.int32)),
        )
        counts = csr_array(occurrences, shape=(papers, len(weighting.idf_)))
        return csr_array(weighting.transform(counts, copy=False)) if counts.nnz else counts

    @cached_property
    def informativeness(self) -> Floats:
        """How informative each column (width,) is about a subject, from 0 for a word that every paper has."""
        return self.idf - self.idf.min(initial=np.inf) if self.width else self.idf

    def by_category(self, weights: Floats) -> Floats:
        """Weights (width,) with the two columns of each category (any place, first place) summed in the former."""
        summed, any_place = weights.copy(), slice(self.ngram_count, self.ngram_count + len(self.snapshot.categories))
        summed[any_place] += summed[any_place.stop :]
        summed[any_place.stop :] = 0
        return summed

    def ngram(self, column: int) -> int:
        """The word id of a column, or the number of its bigram, counted after all words."""
        return int(self._chosen[column])


def _owned(texts: Sequence[NDArray[np.uint32]]) -> Owned:
    """(the tokens of all texts, the number of the text that each belongs to)."""
    return np.concatenate([np.zeros(0, np.uint32), *texts]), np.repeat(np.arange(len(texts)), [*map(len, texts)])
