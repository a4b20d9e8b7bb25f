"""The features of papers: a sparse row of unit length (words, bigrams and categories), and beside it a dense embedding.

Document frequencies come from the index as it is, so that weights follow the stream of papers without a refit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack

from recommender.index.bigrams import PAIR_SPACE, ngrams
from recommender.index.columns import ABSTRACT, CATEGORIES, TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import categories_of
from recommender.learning.matrix import FeatureMatrix
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
        self._chosen = chosen
        self.ngram_count = len(chosen)
        self.width = self.ngram_count + 2 * len(snapshot.categories)
        self.idf: Floats = np.ones(self.width, np.float32)
        self.idf[: self.ngram_count] = (np.log((snapshot.live + 1) / (df + 1)) + 1).clip(0.1)
        self._scale = self.idf**IDF_POWER
        self._cached_text = lru_cache(MAX_CACHED_TEXTS)(
            lambda words, categories: self._text_matrix([(self._tokens(words), self._tags(categories))])
        )
        self._idf_damping = self.idf ** (IDF_POWER - EMBEDDING_IDF_POWER)
        self._cache: tuple[NDArray[np.int32], csr_array, Floats] = (  # type: ignore[assignment]
            np.full(snapshot.size, -1, np.int32),
            csr_array((0, self.width), dtype=np.float32),
            np.zeros((0, 0), np.float32),
        )

    def rows(self, papers: Rows) -> csr_array:
        """The sparse rows of papers, by number: (papers, width) float32. Rows are cached."""
        places, cached, _ = self._cached(papers)
        return cached[places[papers]]

    def matrix(self, papers: Rows) -> FeatureMatrix:
        """The feature matrix of papers, by number, also cached."""
        places, cached, embeddings = self._cached(papers)
        if len(embeddings) < cached.shape[0]:
            fresh = self.embed(cached[len(embeddings) :])
            embeddings = np.concatenate([embeddings, fresh]) if len(embeddings) else fresh
            self._cache = places, cached, embeddings
        at = places[papers]
        return FeatureMatrix(cached[at], embeddings[at])

    def _cached(self, papers: Rows) -> tuple[NDArray[np.int32], csr_array, Floats]:
        """(place of each paper among the cached rows, these rows, the embeddings of the first of them)."""
        places, cached, embeddings = self._cache
        missing = np.unique(papers[places[papers] < 0])
        if len(missing):
            if cached.shape[0] + len(missing) > MAX_CACHED_ROWS:
                places, cached, embeddings, missing = (
                    np.full_like(places, -1),
                    cached[:0],
                    embeddings[:0],
                    np.unique(papers),
                )
            places = places.copy()
            places[missing] = np.arange(cached.shape[0], cached.shape[0] + len(missing))
            cached = vstack([cached, self._build_rows(missing)], format="csr")
            self._cache = places, cached, embeddings
        return places, cached, embeddings

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

    def _build_rows(self, papers: Rows) -> csr_array:
        tokens = self.snapshot.tokens(papers, TITLE, ABSTRACT)
        return self._weighted(tokens, self.snapshot.tokens(papers, CATEGORIES, CATEGORIES), len(papers))

    def _weighted(self, tokens: Owned, tags: Owned, papers: int) -> csr_array:
        """Sparse rows from words and categories, each given with the row that it belongs to. Words and categories are
        normalised separately, the categories scaled down, and then both together."""
        from sklearn.preprocessing import normalize

        words, word_rows, pairs, pair_rows = ngrams(*tokens, self.snapshot.content_flags)
        columns = np.concatenate([self._word_columns[words], self._pair_columns[pairs]])
        categories, owners = np.searchsorted(self.snapshot.categories, tags[0]), tags[1]
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        category_columns = np.concatenate([categories, categories[first] + len(self.snapshot.categories)])
        parts = [
            self._tf_idf(np.concatenate([word_rows, pair_rows]), columns, papers, slice(self.ngram_count)),
            self._tf_idf(
                np.concatenate([owners, owners[first]]), category_columns, papers, slice(self.ngram_count, self.width)
            )
            * np.float32(CATEGORY_WEIGHT),
        ]
        joined = csr_array(hstack(parts, format="csr"))
        return csr_array(normalize(joined, copy=False)) if joined.nnz else joined

    def _tf_idf(self, rows: Rows, columns: Rows, papers: int, span: slice) -> csr_array:
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
