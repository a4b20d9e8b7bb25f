"""The learner's view of papers: one sparse row of unit length for each, of words, pairs of words and categories.

Counts come from the index as it stands, so that weights follow the stream of papers without anything being refitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.grams import PAIR_SPACE, grams, pairs_of
from recommender.segment import ABSTRACT, CATEGORIES, TITLE
from recommender.snapshot import Rows, Snapshot

MOST_GRAMS = 20_000
CATEGORY_WEIGHT = 0.15
_LARGE_INDEX = 5_000

Floats = NDArray[np.float32]


class Features:
    """The columns of the learner over one snapshot: the most frequent words and pairs of telling words (an entry is
    (1 + ln tf) · (ln((n + 1) / (df + 1)) + 1)), then each category, then each category again as a paper's first one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
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
        self.idf: Floats = (np.log((snapshot.live + 1) / (df + 1)) + 1).clip(0.1).astype(np.float32)
        self.grams = len(chosen)
        self.width = self.grams + 2 * len(snapshot.categories)

    def rows(self, papers: Rows) -> csr_array:
        """The rows of papers, by their numbers: (papers, width) float32."""
        tokens, owners = self._snapshot.tokens(papers, TITLE, ABSTRACT)
        counted = self._weighted(tokens, owners, len(papers))
        tags, tag_owners = self._snapshot.tokens(papers, CATEGORIES, CATEGORIES)
        return _joined(counted, self._categorised(tags.astype(np.int64), tag_owners, len(papers)))

    def row(self, words: Sequence[str], categories: Sequence[str] = ()) -> csr_array:
        """The row (1, width) of a text that is no paper, such as a topic; words the index never met are left out."""
        vocabulary, known = self._snapshot.vocabulary, self._snapshot.words
        tokens = np.array([n for n in vocabulary.known(words) if n < known], np.uint32)
        tags = np.array([n for n in vocabulary.known(categories) if n < known], np.int64)
        counted = self._weighted(tokens, np.zeros(len(tokens), np.int64), 1)
        return _joined(counted, self._categorised(tags, np.zeros(len(tags), np.int64), 1))

    def _weighted(self, tokens: NDArray[np.uint32], owners: Rows, papers: int) -> csr_array:
        words, word_rows, pairs, pair_rows = grams(tokens, owners, self._snapshot.telling)
        columns = np.concatenate([self._word_columns[words], self._pair_columns[pairs]])
        bits = self.width.bit_length()
        key = (np.concatenate([word_rows, pair_rows]) << bits | columns)[columns >= 0]
        key.sort()
        first = np.ones(len(key), bool)
        first[1:] = key[1:] != key[:-1]
        starts = np.flatnonzero(first)
        counts = np.diff(starts, append=len(key)).astype(np.float32)
        rows, columns = key[starts] >> bits, key[starts] & ((1 << bits) - 1)
        return _unit(_matrix((1 + np.log(counts)) * self.idf[columns], rows, columns, (papers, self.width)))

    def _categorised(self, tags: Rows, owners: Rows, papers: int) -> csr_array:
        known = self._snapshot.categories
        columns = self.grams + np.searchsorted(known, tags)
        primary = np.ones(len(owners), bool)
        primary[1:] = owners[1:] != owners[:-1]
        columns = np.concatenate([columns, columns[primary] + len(known)])
        rows = np.concatenate([owners, owners[primary]])
        order = np.argsort(rows, kind="stable")
        values = np.full(len(rows), CATEGORY_WEIGHT, np.float32)
        weighted = _unit(_matrix(values, rows[order], columns[order], (papers, self.width)))
        weighted.data *= CATEGORY_WEIGHT
        return weighted

    def name(self, column: int, among: Rows) -> str:
        """The words behind a column as people read them; a pair is looked up in the papers `among` which it weighs."""
        vocabulary: list[str] = self._snapshot.vocabulary.words
        if column >= self.grams:
            known = self._snapshot.categories
            return vocabulary[int(known[(column - self.grams) % len(known)])].lstrip("#")
        gram = int(self._chosen[column])
        if gram < self._snapshot.words:
            return vocabulary[gram]
        return self._name_of_pair(gram - self._snapshot.words, among)

    def _name_of_pair(self, pair: int, among: Rows) -> str:
        tokens, owners = self._snapshot.tokens(among, TITLE, ABSTRACT)
        kept = self._snapshot.telling[tokens].view(bool)
        tokens, owners = tokens[kept], owners[kept]
        at = np.flatnonzero((pairs_of(tokens[:-1], tokens[1:]) == pair) & (owners[1:] == owners[:-1]))
        if not len(at):
            return ""
        vocabulary = self._snapshot.vocabulary.words
        return f"{vocabulary[tokens[at[0]]]} {vocabulary[tokens[at[0] + 1]]}"


def _matrix(values: Floats, rows: Rows, columns: Rows, shape: tuple[int, int]) -> csr_array:
    pointers = np.searchsorted(rows, np.arange(shape[0] + 1))
    return csr_array((values.astype(np.float32), columns.astype(np.int32), pointers.astype(np.int32)), shape=shape)


def _unit(rows: csr_array) -> csr_array:
    lengths = np.sqrt(np.add.reduceat(np.append(rows.data, 0) ** 2, rows.indptr[:-1])) if rows.shape[0] else rows.data
    lengths[np.diff(rows.indptr) == 0] = 1
    rows.data /= np.repeat(lengths, np.diff(rows.indptr))
    return rows


def _joined(left: csr_array, right: csr_array) -> csr_array:
    return _unit((left + right).tocsr())
