"""A segment: some papers as columns, with the postings that find them. Built once, never changed.

A paper is kept as the ids of its words in order (title, abstract, categories, authors), which is enough to search it,
to give the learner its words and pairs of words, and to build a larger segment out of smaller ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import count_papers

MAX_PAPERS = 1 << 17
"""The most papers in a segment, so that building one never needs much memory."""
FIELDS = 4
TITLE, ABSTRACT, CATEGORIES, AUTHORS = range(FIELDS)

# BM25F: Robertson & Zaragoza, The Probabilistic Relevance Framework (2009), section 3.6.
SATURATION = 1.6
LENGTH_SHARE = 0.75
TITLE_SHARE = 0.5
TITLE_WEIGHT = 3.0

Bytes = NDArray[np.uint8]
UInts = NDArray[np.uint32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Papers:
    """Papers as columns, before anything is derived from them. Field f of paper d is
    `tokens[bounds[FIELDS * d + f] : bounds[FIELDS * d + f + 1]]`."""

    ids: Bytes
    id_bounds: Ints
    keys: NDArray[np.uint64]
    published: NDArray[np.int32]
    upvotes: NDArray[np.int32]
    tokens: UInts
    bounds: Ints

    def __len__(self) -> int:
        return len(self.keys)

    def id_of(self, row: int) -> str:
        """The paper's id."""
        raw = self.ids[self.id_bounds[row] : self.id_bounds[row + 1]].tobytes()
        return raw.decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Words:
    """The words that a segment added to the vocabulary: their text, separated by line breaks, the word id of each stem,
    and 1 for content words."""

    text: Bytes
    stems: UInts
    content_flags: Bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """Papers and what finds them.

    `sorted_keys`, `key_rows`: papers by the hash of their id. `terms` (ascending word ids of stems), `term_counts` (how
    often each occurs), `term_bounds`, `rows`, `weights`: postings, a weight being BM25F's saturated frequency in 0…1.
    `df_*`: papers by word and by pair.
    """

    papers: Papers
    words: Words
    sorted_keys: NDArray[np.uint64]
    key_rows: UInts
    terms: UInts
    term_counts: UInts
    term_bounds: Ints
    rows: UInts
    weights: Floats
    df_words: UInts
    df_word_counts: UInts
    df_pairs: UInts
    df_pair_counts: UInts

    def __len__(self) -> int:
        return len(self.papers)

    def postings(self, term: int) -> tuple[UInts, Floats]:
        """The rows that have the term, ascending, and its weight in each."""
        [span] = self.spans(np.array([term], np.uint32))
        return self.rows[span], self.weights[span]

    def spans(self, terms: UInts) -> list[slice]:
        """Where the postings of each term stand in `rows` and `weights`."""
        if not len(self.terms):
            return [slice(0, 0)] * len(terms)
        at = self.terms.searchsorted(terms)
        there = self.terms.take(at, mode="clip") == terms
        starts, stops = self.term_bounds.take(at, mode="clip"), self.term_bounds.take(at + 1, mode="clip")
        spans = zip(starts.tolist(), stops.tolist(), there.tolist(), strict=True)
        return [slice(start, stop) if known else slice(0, 0) for start, stop, known in spans]


_STORED_NAMES = {"content_flags": "telling"}
"""Columns that have another name in the segment files of format 5."""


def columns(segment: Segment) -> dict[str, NDArray[np.generic]]:
    """Every array of a segment by its name, to be written."""
    named: dict[str, NDArray[np.generic]] = {}
    for part in (segment.papers, segment.words, segment):
        prefix = "word_" if part is segment.words else ""
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                named[prefix + _STORED_NAMES.get(field.name, field.name)] = value
    return named


def from_columns(named: dict[str, NDArray[np.generic]]) -> Segment:
    """The segment whose arrays are `named`; KeyError when one is missing."""

    def take(kind: type[Papers | Words | Segment], prefix: str = "") -> dict[str, object]:
        names = [field.name for field in fields(kind) if field.name not in ("papers", "words")]
        return {name: named[prefix + _STORED_NAMES.get(name, name)] for name in names}

    return Segment(papers=Papers(**take(Papers)), words=Words(**take(Words, "word_")), **take(Segment))  # type: ignore[arg-type]


def ranges(starts: Ints, stops: Ints) -> Ints:
    """The whole numbers of every range starts[i]…stops[i], one range after the other."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    out: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return out


def with_all(segment: Segment, terms: Iterable[int]) -> Mask:
    """Which rows have all of the terms; −1 stands for one that no paper has."""
    mask: Mask | None = None
    for term in dict.fromkeys(terms):
        has = np.zeros(len(segment), bool)
        if term >= 0:
            has[segment.postings(term)[0]] = True
        mask = has if mask is None else mask & has
    return np.zeros(len(segment), bool) if mask is None else mask


def join(parts: Sequence[tuple[Papers, NDArray[np.bool_] | None]]) -> Papers:
    """One run of papers out of several, without those marked as deleted."""
    kept = [(p, np.arange(len(p)) if deleted is None else np.flatnonzero(~deleted)) for p, deleted in parts]

    def gather(flat: NDArray[np.generic], bounds: Ints, rows: Ints, width: int) -> NDArray[np.generic]:
        if len(rows) * width == len(bounds) - 1:
            return flat
        return flat[ranges(bounds[rows * width], bounds[rows * width + width])]

    def lengths(bounds: Ints, rows: Ints, width: int) -> Ints:
        each: Ints = np.diff(bounds).reshape(-1, width)[rows]
        return each.ravel()

    def bounded(all_lengths: list[Ints]) -> Ints:
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(all_lengths), dtype=np.int64)])

    return Papers(
        ids=np.concatenate([gather(p.ids, p.id_bounds, rows, 1) for p, rows in kept]).astype(np.uint8),
        id_bounds=bounded([lengths(p.id_bounds, rows, 1) for p, rows in kept]),
        keys=np.concatenate([p.keys[rows] for p, rows in kept]),
        published=np.concatenate([p.published[rows] for p, rows in kept]),
        upvotes=np.concatenate([p.upvotes[rows] for p, rows in kept]),
        tokens=np.concatenate([gather(p.tokens, p.bounds, rows, FIELDS) for p, rows in kept]).astype(np.uint32),
        bounds=bounded([lengths(p.bounds, rows, FIELDS) for p, rows in kept]),
    )


def join_words(parts: Sequence[Words]) -> Words:
    """The vocabulary of several segments that follow each other, in their order."""
    texts = [part.text.tobytes() for part in parts if len(part.stems)]
    return Words(
        text=np.frombuffer(b"\n".join(texts), np.uint8),
        stems=np.concatenate([part.stems for part in parts]),
        content_flags=np.concatenate([part.content_flags for part in parts]),
    )


def build(papers: Papers, words: Words, stems: UInts, content_flags: Bytes, means: tuple[float, float]) -> Segment:
    """The segment of these papers. `stems` and `content_flags` speak of the whole vocabulary; `means` are the mean
    lengths of title and abstract over the whole index, in words."""
    key_order = np.argsort(papers.keys, kind="stable").astype(np.uint32)
    terms, term_counts, term_bounds, rows, weights = _invert(papers, stems, means)
    df_words, df_pairs = count_papers(
        papers.tokens, papers.bounds[::FIELDS], papers.bounds[CATEGORIES::FIELDS], content_flags
    )
    return Segment(
        papers=papers,
        words=words,
        sorted_keys=papers.keys[key_order],
        key_rows=key_order,
        terms=terms,
        term_counts=term_counts,
        term_bounds=term_bounds,
        rows=rows,
        weights=weights,
        df_words=df_words[0].astype(np.uint32),
        df_word_counts=df_words[1].astype(np.uint32),
        df_pairs=df_pairs[0].astype(np.uint32),
        df_pair_counts=df_pairs[1].astype(np.uint32),
    )


def _invert(papers: Papers, stems: UInts, means: tuple[float, float]) -> tuple[UInts, UInts, Ints, UInts, Floats]:
    lengths = np.diff(papers.bounds).reshape(-1, FIELDS) if len(papers) else np.zeros((0, FIELDS), np.int64)
    # One number per word of a paper: its term, its row, and whether it stands in the title. Sorted, they are postings.
    key = stems[papers.tokens].astype(np.int64)
    key <<= 18
    key |= np.repeat(np.arange(len(papers), dtype=np.int64) << 1, lengths.sum(1))
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
