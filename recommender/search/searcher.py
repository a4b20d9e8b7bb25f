"""Search: the papers that satisfy a query, and their scores (BM25F, see index/segment.py; then reranking.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.index.segment import ABSTRACT, FIELDS, TITLE, Floats, Mask, Segment, UInts, ranges, with_all
from recommender.index.snapshot import Rows, Snapshot, day_number, key_of
from recommender.index.vocabulary import CATEGORY_SIGN
from recommender.search.authors import RATHER_A_NAME, Authors
from recommender.search.query import Clause, Field, Query
from recommender.search.reranking import DEPTH, rerank
from recommender.text import stem

AUTHOR_SHARE = 0.3
"""Weight of a match in authors for a plain word that is not more often a name, relative to a match in the text."""
COMPOUND_SHARE = 0.7
"""Weight of a compound (dataset), relative to the two words as typed (data set)."""
ADDED_TERM_SHARE = 0.7
"""Weight of an added term, relative to a word as typed."""
_FOUND = np.float32(1e-30)
"""The score of a paper that satisfies a query without any of its words: too small to change a sum."""
_HIGH = (0.7, 0.4, 0.0)
"""Shares of the highest score: the best papers are looked for above each of them in turn."""
_NAMED = 2.0
"""The score of papers by an author if the query is that name alone: above all other scores."""
_BURSTINESS_POWER = 0.25
_SCAN_FROM = 4
"""If more than 1/_SCAN_FROM of a segment's words are needed, reading all of them in order is faster."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms to score by: word ids with their weights. `compounds` maps a term that is two words written as one to
    these words; it adds no more than they do."""

    weights: dict[int, float]
    compounds: dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Matches:
    """The papers found, best first: their numbers in the snapshot and their scores."""

    papers: Rows
    scores: Floats


NOTHING = Terms({}, {})


class Searcher:
    """Search over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._authors = Authors(snapshot)
        self._terms: dict[str, tuple[int, float]] = {}

    def knows(self, word: str) -> bool:
        """Whether some paper has the word, or an author of that name."""
        return self._term(word)[1] > 0 or self.knows_author(word)

    def knows_author(self, word: str) -> bool:
        """Whether some author has that name."""
        return self._authors.term(word)[1] > 0

    def answers(self, query: Query) -> bool:
        """Whether some paper satisfies a query."""
        return bool(len(self._collect(query, self._weighted(query), 1, strict=False).papers))

    def satisfied(self, clause: Clause) -> bool:
        """Whether some paper satisfies a clause."""
        every = ((segment, np.ones(len(segment), bool)) for segment in self._snapshot.segments)
        return any(self._satisfying(segment, clause, among).any() for segment, among in every)

    def find(self, query: Query, most: int, strict: bool = False) -> Matches:
        """At most `most` papers that satisfy the query. With `strict` a paper needs every word, not only some."""
        if strict:
            return self._collect(query, self._weighted(query), most, strict)
        found = self._ordered(query, most)
        named = self._authors.named(query)
        if named is None:
            return found
        theirs = self._collect(named, NOTHING, most, strict=False).papers
        others = ~np.isin(found.papers, theirs)
        papers = np.concatenate([theirs, found.papers[others]])
        scores = np.concatenate([np.full(len(theirs), _NAMED, np.float32), found.scores[others]])
        return Matches(papers[:most], scores[:most])

    def _ordered(self, query: Query, most: int) -> Matches:
        """At most `most` papers by the words of the query, the top ones reranked."""
        terms = self._weighted(query)
        found = self._collect(query, terms, max(most, DEPTH), strict=False)
        if not len(found.papers) or found.scores[0] <= 0:
            return Matches(found.papers[:most], found.scores[:most])
        final = rerank(self._snapshot, found.papers[:DEPTH], found.scores[:DEPTH], terms.weights)
        best = self._best(found.papers[:DEPTH], final.astype(np.float32), DEPTH)
        # The papers below the reranked ones keep their order.
        rest = found.scores[DEPTH:] / found.scores[: DEPTH + 1][-1] * best.scores[-1]
        scores = np.concatenate([best.scores, rest])
        return Matches(np.concatenate([best.papers, found.papers[DEPTH:]])[:most], scores[:most])

    def by_words(self, words: Iterable[str], terms: int, most: int) -> Rows:
        """At most `most` papers that share the `terms` words with the highest weight."""
        weighed = {
            term: idf * (1 + np.log(n)) for word, n in Counter(words).items() for term, idf in [self._term(word)]
        }
        best = dict(sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:terms])
        return self._collect(Query(""), Terms(best, {}), most, strict=False).papers

    def strength(self, query: Query, papers: Rows) -> Floats:
        """How well each paper satisfies the whole query: from 0 (not at all) to 1 (the best possible match)."""
        terms = self._weighted(query)
        most = sum(self._term(word)[1] for word in set(query.words))
        out = np.zeros(len(papers), np.float32)
        for segment, mine, rows in self._snapshot.by_segment(papers):
            wanted = np.zeros(len(segment), bool)
            wanted[rows] = True
            scores = _scored([segment], query, terms, strict=True) * wanted
            self._sift(segment, query, scores, strict=True)
            strong = 0.5 + 0.5 * np.minimum(scores[rows] / most, 1) if most else np.ones(len(rows), np.float32)
            out[mine] = np.where(scores[rows] > 0, strong, 0)
        return out

    def _collect(self, query: Query, terms: Terms, most: int, strict: bool) -> Matches:
        snapshot = self._snapshot
        scores = _scored(snapshot.segments, query, terms, strict)
        start = 0
        for segment, deleted in zip(snapshot.segments, snapshot.deleted, strict=False):
            part = scores[start : start + len(segment)]
            if deleted is not None:
                part[deleted] = 0
            self._sift(segment, query, part, strict)
            start += len(segment)
        papers = _highest(scores, most)
        return self._best(papers, scores[papers] - _FOUND, most)

    def _best(self, papers: Rows, scores: Floats, most: int) -> Matches:
        """Best score first, then newest, most upvoted, by key: the same whatever the order the papers came in."""
        snapshot = self._snapshot
        published, upvotes = -snapshot.published[papers], -snapshot.upvotes[papers]
        order = np.lexsort((snapshot.keys[papers], upvotes, published, -scores))[:most]
        return Matches(papers[order], scores[order])

    def _sift(self, segment: Segment, query: Query, scores: Floats, strict: bool) -> None:
        """Set the score of each row that does not satisfy the query's clauses to 0."""
        groups = query.asked if strict else query.required
        if not groups and not query.excluded:
            return
        allowed = scores > 0
        # Clauses that read the papers themselves come last, so that they read few papers.
        for group in sorted(groups, key=_looks):
            allowed &= _any(len(segment), (self._satisfying(segment, clause, allowed) for clause in group))
        for clause in sorted(query.excluded, key=lambda clause: clause.placed):
            allowed &= ~self._satisfying(segment, clause, allowed)
        scores *= allowed

    def _satisfying(self, segment: Segment, clause: Clause, among: Mask) -> Mask:
        """A mask of the rows that satisfy a clause; rows outside `among` do not matter."""
        mask = np.zeros(len(segment), bool)
        match clause.field:
            case Field.AFTER if clause.day:
                mask = segment.papers.published >= day_number(clause.day)
            case Field.BEFORE if clause.day:
                mask = (segment.papers.published < day_number(clause.day)) & (segment.papers.published > 0)
            case Field.CATEGORY:
                for term in self.categories(clause.value):
                    mask[segment.postings(term)[0]] = True
            case Field.ID:
                mask[segment.key_rows[segment.sorted_keys == np.uint64(key_of(clause.value))]] = True
            case Field.AUTHOR:
                mask = self._authors.having(segment, clause)
            case _:
                stems = [self._term(word)[0] for word in clause.words]
                mask = with_all(segment, stems)
                if clause.placed:
                    last = TITLE if clause.field is Field.TITLE else ABSTRACT
                    rows = np.flatnonzero(mask & among)
                    for part in [stems] if clause.phrase else [[one] for one in dict.fromkeys(stems)]:
                        rows = self._with_phrase(segment, rows, part, last)
                    mask = np.zeros(len(segment), bool)
                    mask[rows] = True
                else:
                    mask |= self._authors.having(segment, clause)
        return mask

    def _with_phrase(self, segment: Segment, rows: Rows, stems: list[int], last: int) -> Rows:
        """Those rows (which have all the stems) where they stand next to each other in the fields up to `last`."""
        if not len(rows):
            return rows
        bounds, tokens = segment.papers.bounds, segment.papers.tokens
        starts, stops = bounds[rows * FIELDS], bounds[rows * FIELDS + last + 1]
        # The rarest of them is looked for, and then only around it for the others.
        rarest = min(stems, key=lambda term: int(self._snapshot.df[term]))
        meant = self._snapshot.stems == np.uint32(rarest)
        if (stops - starts).sum() * _SCAN_FROM < len(tokens):
            at = ranges(starts, stops)
            at = at[meant[tokens[at]]]
        else:
            at = np.flatnonzero(meant[tokens])
        owners = np.searchsorted(bounds[::FIELDS], at, "right") - 1
        first = at - stems.index(rarest)
        inside = first >= bounds[owners * FIELDS]
        inside &= first + len(stems) <= bounds[owners * FIELDS + last + 1]
        first, owners = first[inside], owners[inside]
        for shift, one in enumerate(stems):
            meets = self._snapshot.stems[tokens[first + shift]] == one
            first, owners = first[meets], owners[meets]
        return np.intersect1d(rows, owners)

    def categories(self, value: str) -> list[int]:
        """The word ids of the categories that a value names: one, or all of an archive (`cs`, `cs.*`)."""
        known = {self._snapshot.vocabulary.words[n]: int(n) for n in self._snapshot.categories}
        exact = known.get(CATEGORY_SIGN + value)
        if exact is not None:
            return [exact]
        prefix = CATEGORY_SIGN + value.removesuffix("*").removesuffix(".") + "."
        return [number for word, number in known.items() if word.startswith(prefix)]

    def _weighted(self, query: Query) -> Terms:
        """The terms of a query with their weights."""
        terms: dict[int, float] = {}
        compounds: dict[int, tuple[int, ...]] = {}
        for (term, weight), times in Counter(map(self._term, query.words)).items():
            if weight > 0:
                terms[term] = weight * (1 + np.log(times))
        for pair in query.compounds:
            term, weight = self._term("".join(pair))
            if weight > 0 and term not in terms:
                terms[term] = COMPOUND_SHARE * weight
                compounds[term] = tuple({one for one in (self._term(word)[0] for word in pair) if one >= 0})
        for _, word in query.added_terms:
            term, weight = self._term(word)
            if weight > 0 and term not in terms:
                terms[term] = ADDED_TERM_SHARE * weight
        for word in set(query.words):
            author, weight = self._authors.term(word)
            if weight > 0:
                terms[author] = weight * (1 if self._authors.rather(word, RATHER_A_NAME) else AUTHOR_SHARE)
        return Terms(terms, compounds)

    def _term(self, word: str) -> tuple[int, float]:
        """(word id of the stem or −1, weight). Rare words and words that come in bursts weigh most."""
        known = self._terms.get(word)
        if known is None:
            term = self._snapshot.vocabulary.get(stem(word), -1)
            weight = 0.0
            if 0 <= term < self._snapshot.words:
                weight = float(self._snapshot.idf[term] * self._snapshot.burstiness[term] ** _BURSTINESS_POWER)
            known = self._terms[word] = (term if weight else -1, weight)
        return known


def _scored(segments: Sequence[Segment], query: Query, terms: Terms, strict: bool) -> Floats:
    """The score of every row of all segments, in order: 0 for rows without the words that the query needs, and at least
    _FOUND for all others."""
    mentioned = not query or (query.must_mention and not strict)
    size = sum(len(segment) for segment in segments)
    scores = np.full(size, 0 if mentioned else _FOUND, np.float32)
    start, known = 0, np.fromiter(terms.weights, np.uint32)
    for segment in segments if terms.weights else ():
        rows, added = [], []
        for (term, weight), span in zip(terms.weights.items(), segment.spans(known), strict=True):
            having, told = segment.rows[span], segment.weights[span] * np.float32(weight)
            if len(having) and term in terms.compounds:
                pair = (_of_term(segment, one, having, terms.weights.get(one, 0.0)) for one in terms.compounds[term])
                told = np.maximum(told - sum(pair), 0)
            rows.append(having)
            added.append(told)
        part = scores[start : start + len(segment)]  # few enough to stay in a processor's cache
        np.add.at(part, np.concatenate(rows, dtype=np.int64), np.concatenate(added))
        start += len(segment)
    return scores


def _of_term(segment: Segment, term: int, some: UInts, weight: float) -> Floats:
    """What a term adds to the score of some rows, which are ascending."""
    rows, weights = segment.postings(term)
    if not len(rows):
        return np.zeros(len(some), np.float32)
    at = rows.searchsorted(some)
    there = rows.take(at, mode="clip") == some
    told: Floats = weights.take(at, mode="clip") * (np.float32(weight) * there)
    return told


def _highest(scores: Floats, most: int) -> Rows:
    """The papers with the `most` highest scores above 0, and all that tie with the last of them. The search begins with
    the few highest scores."""
    top = scores.max(initial=0)
    for share in _HIGH:
        papers = np.flatnonzero(scores > share * top)
        if len(papers) >= most:
            break
    if len(papers) > most > 0:
        found = scores[papers]
        papers = papers[found >= np.partition(found, -most)[-most]]
    return papers


def _looks(group: tuple[Clause, ...]) -> bool:
    return any(clause.placed for clause in group)


def _any(size: int, masks: Iterable[Mask]) -> Mask:
    out = np.zeros(size, bool)
    for mask in masks:
        out |= mask
    return out
