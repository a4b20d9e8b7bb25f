"""The index at one commit, for reading. A snapshot never changes, so readers need no lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import PAIR_SPACE
from recommender.index.segment import AUTHORS, CATEGORIES, FIELDS, Segment, ranges
from recommender.index.vocabulary import Vocabulary
from recommender.index.word_vectors import NO_VECTORS, WordVectors

Rows = NDArray[np.int64]


MOST_FOUND = 65_536
"""The most ids whose numbers are cached."""


def key_of(paper_id: str) -> int:
    """A 64-bit hash of an id (BLAKE2b): the probability of any collision of a million papers is below 1 in 10^7."""
    return int.from_bytes(blake2b(paper_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Snapshot:
    """Every paper of the index, numbered through its segments. `deleted` marks, for each segment, the papers that were
    replaced or discarded. `word_vectors` are the word vectors."""

    vocabulary: Vocabulary
    segments: tuple[Segment, ...] = ()
    deleted: tuple[NDArray[np.bool_] | None, ...] = ()
    words: int = 0
    marker: str | None = None
    word_vectors: WordVectors = NO_VECTORS

    @cached_property
    def offsets(self) -> Rows:
        """The first paper number of each segment, and one more at the end."""
        return np.cumsum([0, *(len(segment) for segment in self.segments)], dtype=np.int64)

    @cached_property
    def live(self) -> int:
        """The number of papers."""
        return int(self.offsets[-1]) - sum(int(deleted.sum()) for deleted in self.deleted if deleted is not None)

    @property
    def alive(self) -> Rows:
        """The numbers of all papers, ascending."""
        deleted = [
            np.zeros(len(s), bool) if d is None else d for s, d in zip(self.segments, self.deleted, strict=False)
        ]
        return np.flatnonzero(~np.concatenate(deleted)) if deleted else np.zeros(0, np.int64)

    @cached_property
    def stems(self) -> NDArray[np.uint32]:
        """For each word of the vocabulary, the word id of its stem."""
        parts = [segment.words.stems for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint32)

    @cached_property
    def content_flags(self) -> NDArray[np.uint8]:
        """For each word of the vocabulary, 1 if it is a content word that the taste is learned from."""
        parts = [segment.words.content_flags for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint8)

    @cached_property
    def word_df(self) -> NDArray[np.int32]:
        """The document frequency of each word of the vocabulary."""
        counts = np.zeros(self.words, np.int32)
        for segment in self.segments:
            counts[segment.df_words] += segment.df_word_counts.view(np.int32)
        return counts

    @cached_property
    def pair_df(self) -> NDArray[np.int32]:
        """The document frequency of each hashed bigram."""
        counts = np.zeros(PAIR_SPACE, np.int32)
        for segment in self.segments:
            counts[segment.df_pairs] += segment.df_pair_counts.view(np.int32)
        return counts

    @cached_property
    def categories(self) -> Rows:
        """The word ids of all categories, ascending."""
        found = [segment.papers.tokens[_spans(segment, CATEGORIES)] for segment in self.segments]
        return np.unique(np.concatenate(found)).astype(np.int64) if found else np.zeros(0, np.int64)

    @cached_property
    def df(self) -> NDArray[np.int64]:
        """The document frequency of each stem, by word id."""
        counts = np.zeros(self.words, np.int64)
        for segment in self.segments:
            counts[segment.terms] += np.diff(segment.term_bounds)
        return counts

    @cached_property
    def author_df(self) -> NDArray[np.int64]:
        """In how many papers each word of an author's name occurs, by its word id (that of other words is `df`). Papers
        that were replaced or discarded are not counted, so that none of their names is proposed to anybody."""
        counts = self.df.copy()
        for segment, deleted in zip(self.segments, self.deleted, strict=False):
            rows = np.zeros(0, np.int64) if deleted is None else np.flatnonzero(deleted)
            starts = segment.papers.bounds[rows * FIELDS + AUTHORS]
            stops = segment.papers.bounds[rows * FIELDS + AUTHORS + 1]
            tokens = segment.papers.tokens[ranges(starts, stops)].astype(np.int64)
            # A name that two authors of a paper share counts once.
            pairs = np.unique(np.stack([np.repeat(rows, stops - starts), tokens]), axis=1)
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
        counts = np.zeros(self.words, np.int64)
        for segment in self.segments:
            counts[segment.terms] += segment.term_counts
        often: NDArray[np.float32] = (counts / self.df.clip(1)).clip(1).astype(np.float32)
        return often

    @cached_property
    def published(self) -> NDArray[np.int32]:
        """The day each paper was published, as a day number, 0 for unknown."""
        return np.concatenate([np.zeros(0, np.int32), *(segment.papers.published for segment in self.segments)])

    @cached_property
    def upvotes(self) -> NDArray[np.int32]:
        """The upvotes of each paper."""
        return np.concatenate([np.zeros(0, np.int32), *(segment.papers.upvotes for segment in self.segments)])

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """The key of each paper's id."""
        return np.concatenate([np.zeros(0, np.uint64), *(segment.papers.keys for segment in self.segments)])

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

    def find_keys(self, keys: NDArray[np.uint64]) -> Rows:
        """The number of the paper behind each key, −1 where there is none."""
        found = np.full(len(keys), -1, np.int64)
        for segment, deleted, offset in zip(self.segments, self.deleted, self.offsets, strict=False):
            if not len(segment):
                continue
            at = np.minimum(np.searchsorted(segment.sorted_keys, keys), len(segment) - 1)
            rows = segment.key_rows[at].astype(np.int64)
            hit = segment.sorted_keys[at] == keys
            if deleted is not None:
                hit &= ~deleted[rows]
            found[hit] = rows[hit] + offset
        return found

    def sample(self, count: int) -> Rows:
        """The `count` papers with the smallest keys: a random sample that does not depend on the order of arrival."""
        keys, rows = [], []
        for segment, deleted, offset in zip(self.segments, self.deleted, self.offsets, strict=False):
            order = segment.key_rows
            if deleted is not None:
                order = order[~deleted[order]]
            keys.append(segment.papers.keys[order[:count]])
            rows.append(order[:count].astype(np.int64) + offset)
        if not rows:
            return np.zeros(0, np.int64)
        return np.concatenate(rows)[np.argsort(np.concatenate(keys), kind="stable")[:count]]

    def id_of(self, number: int) -> str:
        """The paper's id."""
        at = int(np.searchsorted(self.offsets, number, "right")) - 1
        return self.segments[at].papers.id_of(int(number - self.offsets[at]))

    def tokens(self, numbers: Rows, first: int, last: int) -> tuple[NDArray[np.uint32], Rows]:
        """The words in fields `first`…`last` of each paper, one after the other, and for each word the place in
        `numbers`."""
        parts = [np.zeros(0, np.uint32)]
        at = np.searchsorted(self.offsets, numbers, "right") - 1
        places = FIELDS * (numbers - self.offsets[at])
        for number, place in zip(at.tolist(), places.tolist(), strict=True):
            papers = self.segments[number].papers
            parts.append(papers.tokens[papers.bounds[place + first] : papers.bounds[place + last + 1]])
        lengths = [len(part) for part in parts[1:]]
        return np.concatenate(parts), np.repeat(np.arange(len(lengths)), lengths)

    def by_segment(self, numbers: Rows) -> list[tuple[Segment, Rows, Rows]]:
        """(segment, places in `numbers`, rows in the segment) for each segment that has some of them."""
        at = np.searchsorted(self.offsets, numbers, "right") - 1
        found = []
        for index, segment in enumerate(self.segments):
            mine = np.flatnonzero(at == index)
            if len(mine):
                found.append((segment, mine, numbers[mine] - self.offsets[index]))
        return found


def day_number(day: date | None) -> int:
    """Days since year 1, 0 for an unknown day."""
    return day.toordinal() if day else 0


def _spans(segment: Segment, field: int) -> Rows:
    return ranges(segment.papers.bounds[field:-1:FIELDS], segment.papers.bounds[field + 1 :: FIELDS])
