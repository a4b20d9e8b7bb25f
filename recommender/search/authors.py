"""Who wrote what: papers by their authors' names, in whatever order and however short these are typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recommender.index.segment import AUTHORS, FIELDS, Mask, Segment, ranges, with_all
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN
from recommender.search.query import Clause, Field, Query
from recommender.text import fold, stem

LONGEST_NAME = 40
"""Letters of a name that is looked for in pieces."""
RATHER_A_NAME = 5
"""A word alone is taken for a name when this many times as many papers have such an author as have the word."""


class Authors:
    """Names over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def term(self, word: str) -> tuple[int, float]:
        """(the word id of a name's word or −1, its weight)."""
        term = self._snapshot.vocabulary.get(AUTHOR_SIGN + fold(word), -1)
        return (term, float(self._snapshot.idf[term])) if 0 <= term < self._snapshot.words else (-1, 0.0)

    def having(self, segment: Segment, clause: Clause) -> Mask:
        """Which rows have an author of that name, be it written in one word or in two: McMahan, Mc Mahan. Of several
        words that are nobody's name in this order or the other, rows that have them all."""
        words = clause.words
        mask = with_all(segment, [self.term("".join(words))[0]])
        if len(words) > 1:
            order = self._order(words)
            if order:
                mask[self._in_order(segment, order)] = True
            elif self.term("".join(words))[0] < 0:
                mask |= with_all(segment, [self.term(word)[0] for word in words])
        elif clause.field is Field.AUTHOR:
            word = words[0][:LONGEST_NAME]
            for at in range(2, len(word) - 1):
                mask[self._in_order(segment, (word[:at], word[at:]))] = True
        return mask

    def named(self, query: Query) -> Query | None:
        """The query read as one for an author's papers, where its words are rather a name than words of papers."""
        name = query.name
        if not name or not self._rather_a_name(name):
            return None
        asked = Clause(Field.AUTHOR, " ".join(name), name)
        others = tuple(group for group in query.groups if group[0].field is not Field.ANY)
        return replace(query, groups=((asked,), *others), words=(), compounds=())

    def rather(self, word: str, by: int = 1) -> bool:
        """Whether more than `by` times as many papers have an author of that name as have the word."""
        text = self._papers(self._snapshot.vocabulary.get(stem(word), -1))
        return self._papers(self.term(word)[0]) > by * text

    def _rather_a_name(self, name: tuple[str, ...]) -> bool:
        if len(name) == 1:
            return self.rather(name[0], RATHER_A_NAME)
        return any(map(self.rather, name)) and self._order(name) == name

    def _papers(self, term: int) -> int:
        return int(self._snapshot.df[term]) if 0 <= term < self._snapshot.words else 0

    def _order(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words in the order that is somebody's name: as they are, or whole words turned round; () when none."""
        known = self._orders.get(words)
        if known is None:
            orders = (words,) if any(map(_initial, words)) else (words, words[::-1])
            there = (o for o in orders if any(len(self._in_order(s, o)) for s in self._snapshot.segments))
            known = self._orders[words] = next(there, ())
        return known

    def _in_order(self, segment: Segment, words: Sequence[str]) -> Rows:
        """The rows with an author whose name has these words one after the other. One letter stands for every word that
        it begins, and one in the middle of a name on paper may be passed over."""
        whole = [self.term(word)[0] for word in words if not _initial(word)]
        rows = np.flatnonzero(with_all(segment, whole))
        if not len(rows):
            return rows
        bounds, tokens = segment.papers.bounds, segment.papers.tokens
        starts, stops = bounds[rows * FIELDS + AUTHORS], bounds[rows * FIELDS + AUTHORS + 1]
        tokens, owners = tokens[ranges(starts, stops)], np.repeat(rows, stops - starts)
        known, place = np.unique(tokens, return_inverse=True)
        texts = [self._snapshot.vocabulary.words[term].removeprefix(AUTHOR_SIGN) for term in known.tolist()]
        meant = [np.array([_means(word, text) for text in texts])[place] for word in map(fold, words)]
        longer = np.flatnonzero(np.array([len(text) > 1 for text in texts])[place])
        found = [_following(places, owners, meant) for places in (np.arange(len(tokens)), longer)]
        both: Rows = np.unique(np.concatenate(found))
        return both


def _initial(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _means(word: str, name: str) -> bool:
    return name.startswith(word) if _initial(word) else name == word


def _following(places: Rows, owners: Rows, meant: Sequence[Mask]) -> Rows:
    """Whose words in these places, one after the other, are those `added_terms`: for each word where it may stand."""
    count = len(places) - len(meant) + 1
    if count <= 0:
        return owners[:0]
    there = owners[places[:count]] == owners[places[len(meant) - 1 :]]
    for shift, one in enumerate(meant):
        there &= one[places[shift : shift + count]]
    found: Rows = owners[places[:count]][there]
    return found
