"""The index at one commit, for reading. A snapshot never changes, so readers need no lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import PAIR_SPACE
from recommender.index.columns import AUTHORS, CATEGORIES, EMPTY, Columns, Mask, UInts, ranges
from recommender.index.postings import Block, Postings
from recommender.index.vocabulary import Vocabulary
from recommender.index.word_vectors import NO_VECTORS, WordVectors

Rows = NDArray[np.int64]


_SHORT = 50
"""Words of a paper below which it is faster to read all papers at once than one by one."""
MOST_FOUND = 65_536
"""The most ids whose numbers are cached."""


def key_of(paper_id: str) -> int:
    """A 64-bit hash of an id (BLAKE2b): the probability of any collision of a million papers is below 1 in 10^7."""
    return int.from_bytes(blake2b(paper_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Snapshot:
    """Every paper of the index, by the number of its row. `upvotes` are those of each paper, −1 for one that was
    replaced or discarded. `word_vectors` are the word vectors."""

    vocabulary: Vocabulary
    columns: Columns = EMPTY
    blocks: tuple[Block, ...] = ()
    upvotes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    marker: str | None = None
    word_vectors: WordVectors = NO_VECTORS

    @property
    def size(self) -> int:
        """The number of rows, those of deleted papers included."""
        return len(self.columns)

    @property
    def words(self) -> int:
        """The number of words of the vocabulary."""
        return len(self.columns.stems)

    @cached_property
    def live(self) -> int:
        """The number of papers."""
        return len(self.alive)

    @cached_property
    def deleted(self) -> Mask:
        """Which papers were replaced or discarded."""
        return self.upvotes < 0

    @cached_property
    def alive(self) -> Rows:
        """The numbers of all papers, ascending."""
        return np.flatnonzero(~self.deleted)

    @property
    def stems(self) -> UInts:
        """For each word of the vocabulary, the word id of its stem."""
        return self.columns.stems

    @property
    def content_flags(self) -> NDArray[np.uint8]:
        """For each word of the vocabulary, 1 if it is a content word that the taste is learned from."""
        return self.columns.content_flags

    @cached_property
    def word_df(self) -> NDArray[np.int32]:
        """The document frequency of each word of the vocabulary."""
        return _summed([(block.df_words, block.df_word_counts) for block in self.blocks], self.words)

    @cached_property
    def pair_df(self) -> NDArray[np.int32]:
        """The document frequency of each hashed bigram."""
        return _summed([(block.df_pairs, block.df_pair_counts) for block in self.blocks], PAIR_SPACE)

    @cached_property
    def categories(self) -> Rows:
        """The word ids of all categories, ascending."""
        starts, stops = self.columns.spans(np.arange(self.size), CATEGORIES, CATEGORIES)
        return np.unique(self.columns.tokens[ranges(starts, stops)]).astype(np.int64)

    @cached_property
    def df(self) -> NDArray[np.int64]:
        """The document frequency of each stem, by word id."""
        counts = [(block.terms, np.diff(block.term_bounds)) for block in self.blocks]
        return _summed(counts, self.words).astype(np.int64)

    @cached_property
    def author_df(self) -> NDArray[np.int64]:
        """In how many papers each word of an author's name occurs, by its word id (that of other words is `df`). Papers
        that were replaced or discarded are not counted, so that none of their names is proposed to anybody."""
        counts = self.df.copy()
        tokens, owners = self.tokens(np.flatnonzero(self.deleted), AUTHORS, AUTHORS)
        # A name that two authors of a paper share counts once.
        pairs = np.unique(np.stack([owners, tokens.astype(np.int64)]), axis=1)
        np.subtract.at(counts, pairs[1], 1)
        return counts

    @cached_property
    def idf(self) -> NDArray[np.float32]:
        """The inverse document frequency of each stem, by word id: ln(1 + (N − df + ½) / (df + ½)), 0 if no paper has
        it."""
        df = np.minimum(self.df, self.live)
        return np.where(df, np.log1p((self.live - df + 0.5) / (df + 0.5)), 0).astype(np.float32)

    @cached_property
    def burstiness(self) -> NDArray[np.float32]:
        """The mean number of occurrences of each stem in the papers that have it (1…). It is high for subject words.

        Church & Gale, Poisson Mixtures (1995): words of content come in bursts."""
        counts = _summed([(block.terms, block.term_counts) for block in self.blocks], self.words)
        often: NDArray[np.float32] = (counts / self.df.clip(1)).clip(1).astype(np.float32)
        return often

    @property
    def published(self) -> NDArray[np.int32]:
        """The day each paper was published, as a day number, 0 for unknown."""
        return self.columns.published

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The key of each paper's id."""
        return self.columns.keys

    @cached_property
    def newest(self) -> int:
        """The last day a paper was published, as a day number; 0 when no paper has one."""
        return int(self.published.max(initial=0))

    def find(self, paper_ids: Sequence[str]) -> Rows:
        """The number of each paper, −1 where there is none. Results are cached, because the same feedback and
        candidates are looked up again and again."""
        known = self._found
        if unknown := [paper_id for paper_id in paper_ids if paper_id not in known]:
            if len(known) > MOST_FOUND:  # a new dictionary, because other threads may read the old one
                known = self.__dict__["_found"] = {}
                unknown = list(paper_ids)
            keys = np.array([key_of(paper_id) for paper_id in unknown], np.uint64)
            known.update(zip(unknown, self.find_keys(keys).tolist(), strict=True))
        return np.fromiter(map(known.__getitem__, paper_ids), np.int64, len(paper_ids))

    @cached_property
    def _found(self) -> dict[str, int]:
        return {}

    @cached_property
    def _by_key(self) -> Rows:
        """The numbers of all papers, by their keys."""
        return self.alive[np.argsort(self.keys[self.alive], kind="stable")]

    @cached_property
    def _sorted_keys(self) -> NDArray[np.uint64]:
        return self.keys[self._by_key]

    def find_keys(self, keys: NDArray[np.uint64]) -> Rows:
        """The number of the paper behind each key, −1 where there is none."""
        if not self.live:
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted_keys, keys), self.live - 1)
        return np.where(self._sorted_keys[at] == keys, self._by_key[at], -1)

    def sample(self, count: int) -> Rows:
        """The `count` papers with the smallest keys: a random sample that does not depend on the order of arrival."""
        return self._by_key[:count]

    def id_of(self, number: int) -> str:
        """The paper's id."""
        raw = self.columns.ids[self.columns.id_bounds[number] : self.columns.id_bounds[number + 1]]
        return raw.tobytes().decode("utf-8", "surrogatepass")

    def tokens(self, numbers: Rows, first: int, last: int) -> tuple[UInts, Rows]:
        """The words in fields `first`…`last` of each paper, one after the other, and for each word the place in
        `numbers`."""
        tokens, ends = self.texts(numbers, first, last)
        return tokens, np.repeat(np.arange(len(numbers)), np.diff(ends, prepend=0))

    def texts(self, numbers: Rows, first: int, last: int) -> tuple[UInts, Rows]:
        """The words in fields `first`…`last` of each paper, one after the other, and for each paper where its words
        end."""
        starts, stops = self.columns.spans(numbers, first, last)
        ends = np.cumsum(stops - starts)
        if not len(ends) or ends[-1] < _SHORT * len(numbers):
            return self.columns.tokens[ranges(starts, stops)], ends
        spans = map(slice, starts.tolist(), stops.tolist())
        return np.concatenate([self.columns.tokens[span] for span in spans]), ends

    def postings(self, terms: Sequence[int]) -> list[list[Postings]]:
        """The postings of each term, block by block, deleted papers included."""
        numbers = np.array(terms, np.uint32)
        return [block.postings(numbers) for block in self.blocks]

    def with_all(self, terms: Iterable[int]) -> Mask:
        """Which rows have all of the terms; −1 stands for a term that no paper has."""
        different = set(terms)
        counts = np.zeros(self.size, np.uint8)
        if not different or -1 in different:
            return np.zeros(self.size, bool)
        for rows, _ in chain.from_iterable(self.postings(list(different))):
            counts[rows] += 1
        found: Mask = counts == len(different)
        return found


def day_number(day: date | None) -> int:
    """Days since year 1, 0 for an unknown day."""
    return day.toordinal() if day else 0


def _summed(parts: Sequence[tuple[UInts, NDArray[np.integer]]], size: int) -> NDArray[np.int32]:
    total = np.zeros(size, np.int32)
    for numbers, counts in parts:
        total[numbers] += counts.astype(np.int32)
    return total
