"""Search: the papers that satisfy a query, and their scores (BM25F, see index/postings.py; then reranking.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np

from recommender.index.columns import ABSTRACT, FIELDS, TITLE, Mask, UInts, ranges
from recommender.index.postings import Floats, Postings
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
NUMBERED_SHARE = 2.0
"""Weight of a name with a number in any way to write it, relative to a word that as many papers have."""
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
"""If more than 1/_SCAN_FROM of all words are needed, reading all of them in order is faster."""
_READ_MORE = 8
"""The papers that are read for phrases, relative to those that are wanted; then relative to those that were read."""


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
Group = tuple[Clause, ...]


class Searcher:
    """Search over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._authors = Authors(snapshot)
        self._terms: dict[str, tuple[int, float]] = {}
        self._with_all = lru_cache(maxsize=16)(snapshot.with_all)  # one search asks for the same words several times

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
        alive = ~self._snapshot.deleted
        return bool((self._satisfying(clause, alive) & alive).any())

    def find(self, query: Query, most: int, strict: bool = False) -> Matches:
        """At most `most` papers that satisfy the query. With `strict` a paper needs every word, not only some."""
        if strict:
            return self._collect(query, self._weighted(query), most, strict)
        matches = self._ordered(query, most)
        named = self._authors.named(query)
        if named is None:
            return matches
        own_papers = self._collect(named, NOTHING, most, strict=False).papers
        others = ~np.isin(matches.papers, own_papers)
        papers = np.concatenate([own_papers, matches.papers[others]])
        scores = np.concatenate([np.full(len(own_papers), _NAMED, np.float32), matches.scores[others]])
        return Matches(papers[:most], scores[:most])

    def _ordered(self, query: Query, most: int) -> Matches:
        """At most `most` papers by the words of the query, the top ones reranked."""
        terms = self._weighted(query)
        matches = self._collect(query, terms, max(most, DEPTH), strict=False)
        if not len(matches.papers) or matches.scores[0] <= 0:
            return Matches(matches.papers[:most], matches.scores[:most])
        final = rerank(self._snapshot, matches.papers[:DEPTH], matches.scores[:DEPTH], terms.weights)
        best = self._best(matches.papers[:DEPTH], final.astype(np.float32), DEPTH)
        # The papers below the reranked ones keep their order.
        rest = matches.scores[DEPTH:] / matches.scores[: DEPTH + 1][-1] * best.scores[-1]
        scores = np.concatenate([best.scores, rest])
        return Matches(np.concatenate([best.papers, matches.papers[DEPTH:]])[:most], scores[:most])

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
        scores = np.zeros(self._snapshot.size, np.float32)
        scores[papers] = self._scored(query, terms, strict=True)[papers]
        self._sift(scores, *_checks(query, strict=True))
        strong = 0.5 + 0.5 * np.minimum(scores[papers] / most, 1) if most else np.ones(len(papers), np.float32)
        return np.where(scores[papers] > 0, strong, 0).astype(np.float32)

    def _collect(self, query: Query, terms: Terms, most: int, strict: bool) -> Matches:
        scores = self._scored(query, terms, strict)
        for variants in query.variants:
            scores += self._numbered(variants)
        scores[self._snapshot.deleted] = 0
        required, excluded = _checks(query, strict)
        self._sift(scores, required, [clause for clause in excluded if not clause.placed], placed=False)
        required, excluded = [group for group in required if _placed(group)], [c for c in excluded if c.placed]
        if not required and not excluded:
            papers = _highest(scores, most)
        else:
            papers = self._highest_read(scores, required, excluded, most)
        return self._best(papers, scores[papers] - _FOUND, most)

    def _highest_read(self, scores: Floats, required: Sequence[Group], excluded: Sequence[Clause], most: int) -> Rows:
        """The papers with the `most` highest scores among those that satisfy clauses which depend on the positions of
        words, and all papers that tie with the last of them. The papers are read best first, until they are enough."""
        count, candidates = most, int(np.count_nonzero(scores))
        while True:
            count = count * _READ_MORE if count * _READ_MORE**2 < candidates else candidates
            read = np.zeros_like(scores)
            papers = _highest(scores, count)
            read[papers] = scores[papers]
            self._sift(read, required, excluded)
            if count == candidates or np.count_nonzero(read) >= most:
                return _highest(read, most)

    def _best(self, papers: Rows, scores: Floats, most: int) -> Matches:
        """Best score first, then newest, most upvoted, by key: the same whatever the order the papers came in."""
        snapshot = self._snapshot
        published, upvotes = -snapshot.published[papers], -snapshot.upvotes[papers]
        order = np.lexsort((snapshot.keys[papers], upvotes, published, -scores))[:most]
        return Matches(papers[order], scores[order])

    def _sift(self, scores: Floats, required: Iterable[Group], excluded: Iterable[Clause], placed: bool = True) -> None:
        """Set the score of each row that does not satisfy the clauses to 0. Without `placed` the words of a clause may
        stand anywhere."""
        allowed = scores > 0
        for group in sorted(required, key=_placed):
            satisfying = np.zeros(len(scores), bool)
            for clause in group:
                satisfying |= self._satisfying(clause, allowed, placed)
            allowed &= satisfying
        for clause in sorted(excluded, key=lambda clause: clause.placed):
            allowed &= ~self._satisfying(clause, allowed, placed)
        scores *= allowed

    def _satisfying(self, clause: Clause, among: Mask, placed: bool = True) -> Mask:
        """A mask of the rows that satisfy a clause; rows outside `among` do not matter. Without `placed` the words of
        the clause may stand anywhere."""
        snapshot = self._snapshot
        mask = np.zeros(snapshot.size, bool)
        match clause.field:
            case Field.AFTER if clause.day:
                mask = snapshot.published >= day_number(clause.day)
            case Field.BEFORE if clause.day:
                mask = (snapshot.published < day_number(clause.day)) & (snapshot.published > 0)
            case Field.CATEGORY:
                for having, _ in chain.from_iterable(snapshot.postings(self.categories(clause.value))):
                    mask[having] = True
            case Field.ID:
                mask = snapshot.keys == np.uint64(key_of(clause.value))
            case Field.AUTHOR:
                mask = self._authors.having(clause)
            case _:
                stems = tuple(self._term(word)[0] for word in clause.words)
                mask = self._with_all(stems)
                if clause.placed and placed:
                    last = TITLE if clause.field is Field.TITLE else ABSTRACT
                    rows = np.flatnonzero(mask & among)
                    for part in [stems] if clause.phrase else zip(dict.fromkeys(stems)):
                        rows = self._with_phrase(rows, part, last)
                    mask = np.zeros(snapshot.size, bool)
                    mask[rows] = True
                elif not clause.placed:
                    mask = mask | self._authors.having(clause)
        return mask

    def _with_phrase(self, rows: Rows, stems: tuple[int, ...], last: int) -> Rows:
        """Those rows (which have all the stems) where they stand next to each other in the fields up to `last`."""
        if not len(rows):
            return rows
        snapshot = self._snapshot
        bounds, tokens = snapshot.columns.bounds, snapshot.columns.tokens
        starts, stops = snapshot.columns.spans(rows, TITLE, last)
        # The rarest of them is looked for, and then only around it for the others.
        rarest = min(stems, key=lambda term: int(snapshot.df[term]))
        is_rarest = snapshot.stems == np.uint32(rarest)
        if (stops - starts).sum() * _SCAN_FROM < len(tokens):
            at = ranges(starts, stops)
            at = at[is_rarest[tokens[at]]]
        else:
            at = np.flatnonzero(is_rarest[tokens])
        owners = np.searchsorted(bounds[::FIELDS], at, "right") - 1
        first = at - stems.index(rarest)
        inside = first >= bounds[owners * FIELDS]
        inside &= first + len(stems) <= bounds[owners * FIELDS + last + 1]
        first, owners = first[inside], owners[inside]
        for shift, term in enumerate(stems):
            meets = snapshot.stems[tokens[first + shift]] == term
            first, owners = first[meets], owners[meets]
        return np.intersect1d(rows, owners)

    def categories(self, value: str) -> list[int]:
        """The word ids of the categories that a value names: one, or all of an archive (`cs`, `cs.*`)."""
        numbers = {self._snapshot.vocabulary.words[n]: int(n) for n in self._snapshot.categories}
        exact = numbers.get(CATEGORY_SIGN + value)
        if exact is not None:
            return [exact]
        prefix = CATEGORY_SIGN + value.removesuffix("*").removesuffix(".") + "."
        return [number for word, number in numbers.items() if word.startswith(prefix)]

    def _scored(self, query: Query, terms: Terms, strict: bool) -> Floats:
        """The score of every row: 0 for rows without the words that the query needs, and at least _FOUND for all
        others."""
        mentioned = not query or (query.must_mention and not strict)
        scores = np.full(self._snapshot.size, 0 if mentioned else _FOUND, np.float32)
        for block in self._snapshot.postings(list(terms.weights)) if terms.weights else ():
            postings = dict(zip(terms.weights, block, strict=True))
            added = []
            for term, (rows, weights) in postings.items():
                own = weights * np.float32(terms.weights[term])
                if len(rows) and term in terms.compounds:
                    # A stop word of the pair has no weight.
                    pair = [word for word in terms.compounds[term] if word in postings]
                    own = np.maximum(own - sum(_of_term(postings[w], rows, terms.weights[w]) for w in pair), 0)
                added.append(own)
            all_rows = np.concatenate([rows for rows, _ in block], dtype=np.int64)
            np.add.at(scores, all_rows, np.concatenate(added))  # few enough rows to stay in a processor's cache
        return scores

    def _numbered(self, variants: Sequence[Clause]) -> Floats:
        """What a name with a number adds to the score of every row: the same, however it is written there."""
        having = np.zeros(self._snapshot.size, bool)
        for variant in variants:
            having |= self._satisfying(variant, np.ones(self._snapshot.size, bool))
        count = int(np.count_nonzero(having))
        idf = np.log1p((self._snapshot.size - count + 0.5) / (count + 0.5))
        return (having * np.float32(NUMBERED_SHARE * idf)).astype(np.float32)

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
                compounds[term] = tuple({word_id for word_id in (self._term(word)[0] for word in pair) if word_id >= 0})
        of_variants = ((word, word) for variants in query.variants for clause in variants for word in clause.words)
        for _, word in (*query.added_terms, *of_variants):
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
        weighted = self._terms.get(word)
        if weighted is None:
            term = self._snapshot.vocabulary.get(stem(word), -1)
            weight = 0.0
            if 0 <= term < self._snapshot.words:
                weight = float(self._snapshot.idf[term] * self._snapshot.burstiness[term] ** _BURSTINESS_POWER)
            weighted = self._terms[word] = (term if weight else -1, weight)
        return weighted


def _highest(scores: Floats, most: int) -> Rows:
    """The papers with the `most` highest scores above 0, and all that tie with the last of them. The search begins with
    the few highest scores."""
    top = scores.max(initial=0)
    for share in _HIGH:
        papers = np.flatnonzero(scores > share * top)
        if len(papers) >= most:
            break
    if len(papers) > most > 0:
        high_scores = scores[papers]
        papers = papers[high_scores >= np.partition(high_scores, -most)[-most]]
    return papers


def _of_term(postings: Postings, rows: UInts, weight: float) -> Floats:
    """What a term with these postings adds to the score of some rows, which are ascending."""
    having, weights = postings
    if not len(having):
        return np.zeros(len(rows), np.float32)
    at = having.searchsorted(rows)
    present = having.take(at, mode="clip") == rows
    added: Floats = weights.take(at, mode="clip") * (np.float32(weight) * present)
    return added


def _checks(query: Query, strict: bool) -> tuple[Sequence[Group], Sequence[Clause]]:
    """(the groups that a paper has to satisfy one clause of, the clauses that it may not satisfy)."""
    return query.asked if strict else query.required, query.excluded


def _placed(group: Group) -> bool:
    return any(clause.placed for clause in group)
