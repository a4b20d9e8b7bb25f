"""Search by author: names in either order, with initials, in one word or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from recommender.index.columns import AUTHORS, Mask, UInts
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN
from recommender.search.query import Clause, Field, Query
from recommender.text import fold, stem

LONGEST_NAME = 40
"""The most letters of a name that is also looked up split in two."""
RATHER_A_NAME = 5
"""A single word is read as a name if this many times as many papers have such an author as have the word."""


class Authors:
    """The author names of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def term(self, word: str) -> tuple[int, float]:
        """(the word id of a name's word or −1, its weight)."""
        term = self._snapshot.vocabulary.get(AUTHOR_SIGN + fold(word), -1)
        return (term, float(self._snapshot.idf[term])) if 0 <= term < self._snapshot.words else (-1, 0.0)

    def having(self, clause: Clause) -> Mask:
        """A mask of the rows with an author of that name, written in one word or in two (McMahan, Mc Mahan). If several
        words are no author's name in either order, the rows that have all the words."""
        words = clause.words
        mask = self._snapshot.with_all([self.term("".join(words))[0]])
        if len(words) > 1:
            order = self._order(words)
            if order:
                mask[self._in_order(order)] = True
            elif self.term("".join(words))[0] < 0:
                mask |= self._snapshot.with_all([self.term(word)[0] for word in words])
        elif clause.field is Field.AUTHOR:
            word = words[0][:LONGEST_NAME]
            for at in range(2, len(word) - 1):
                mask[self._in_order((word[:at], word[at:]))] = True
        return mask

    def named(self, query: Query) -> Query | None:
        """The query read as a search by author, if its words are more often a name than words of papers; else None."""
        name = query.name
        if not name or not self._rather_a_name(name):
            return None
        author = Clause(Field.AUTHOR, " ".join(name), name)
        others = tuple(group for group in query.groups if group[0].field is not Field.ANY)
        return replace(query, groups=((author,), *others), words=(), compounds=())

    def rather(self, word: str, by: int = 1) -> bool:
        """Whether more than `by` times as many papers have an author of that name as have the word in the text."""
        text = self._papers(self._snapshot.vocabulary.get(stem(word), -1))
        return self._papers(self.term(word)[0]) > by * text

    def _rather_a_name(self, name: tuple[str, ...]) -> bool:
        if len(name) == 1:
            return self.rather(name[0], RATHER_A_NAME)
        return any(map(self.rather, name)) and self._order(name) == name

    def _papers(self, term: int) -> int:
        return int(self._snapshot.df[term]) if 0 <= term < self._snapshot.words else 0

    def _order(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words in the order that is an author's name: as typed, or reversed (whole words only); () if none is."""
        known = self._orders.get(words)
        if known is None:
            orders = (words,) if any(map(_initial, words)) else (words, words[::-1])
            known = self._orders[words] = next((order for order in orders if len(self._in_order(order))), ())
        return known

    def _in_order(self, words: Sequence[str]) -> Rows:
        """The rows with an author whose name has these words in sequence. A single letter matches every word that
        begins with it, and middle initials in the paper's name may be skipped."""
        whole = [self.term(word)[0] for word in words if not _initial(word)]
        rows = np.flatnonzero(self._snapshot.with_all(whole))
        if not len(rows):
            return rows
        tokens, places = self._snapshot.tokens(rows, AUTHORS, AUTHORS)
        owners = rows[places]
        accepted = [self._beginning(tokens, word) if _initial(word) else tokens == self.term(word)[0] for word in words]
        non_initials = np.flatnonzero(~np.isin(tokens, self._initials))
        row_sets = [_following(places, owners, accepted) for places in (np.arange(len(tokens)), non_initials)]
        matching: Rows = np.unique(np.concatenate(row_sets))
        return matching

    @cached_property
    def _initials(self) -> list[int]:
        """The word ids of the initials in names."""
        words = self._snapshot.vocabulary.words[: self._snapshot.words]
        return [number for number, word in enumerate(words) if len(word) == 2 and word[0] == AUTHOR_SIGN]

    def _beginning(self, tokens: UInts, letter: str) -> Mask:
        """Which of the tokens are names that begin with a letter."""
        distinct, place = np.unique(tokens, return_inverse=True)
        texts = map(self._snapshot.vocabulary.words.__getitem__, distinct.tolist())
        return np.array([text.startswith(AUTHOR_SIGN + fold(letter)) for text in texts])[place]


def _initial(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _following(places: Rows, owners: Rows, accepted: Sequence[Mask]) -> Rows:
    """The owners (rows) of names with accepted words at consecutive `places`. `accepted` has one mask of places for
    each word of the query."""
    count = len(places) - len(accepted) + 1
    if count <= 0:
        return owners[:0]
    same_author = owners[places[:count]] == owners[places[len(accepted) - 1 :]]
    for shift, mask in enumerate(accepted):
        same_author &= mask[places[shift : shift + count]]
    rows: Rows = owners[places[:count]][same_author]
    return rows
