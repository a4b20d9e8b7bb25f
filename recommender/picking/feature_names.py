"""What the learner's columns are called: the words behind them, as the papers at hand have them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import pairs_of
from recommender.index.segment import ABSTRACT, TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.learning.features import Features
from recommender.paper import Paper


class FeatureNames:
    """The names of columns in some papers of the index, or in one that was `given` as it is."""

    def __init__(self, features: Features, papers: Rows, given: Paper | None = None) -> None:
        self._features = features
        self._papers = papers
        self._given = given

    def name(self, column: int) -> str:
        """The words behind a column as people read them; "" for a pair of words that none of the papers has."""
        features, vocabulary = self._features, self._snapshot.vocabulary.words
        if column >= features.grams:
            known = self._snapshot.categories
            return _as_written(vocabulary[int(known[(column - features.grams) % len(known)])].lstrip("#"))
        gram = features.gram(column)
        if gram < self._snapshot.words:
            return str(vocabulary[gram])
        pairs, first, second = self._pairs
        at = np.flatnonzero(pairs == gram - self._snapshot.words)[:1].tolist()
        return f"{vocabulary[first[at[0]]]} {vocabulary[second[at[0]]]}" if at else ""

    @property
    def _snapshot(self) -> Snapshot:
        return self._features.snapshot

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint32]]:
        """The pairs of telling words in the papers: (their numbers, their first words, their second ones)."""
        if self._given:
            tokens = self._features.tokens_of(self._given)
            owners = np.zeros(len(tokens), np.int64)
        else:
            tokens, owners = self._snapshot.tokens(self._papers, TITLE, ABSTRACT)
        kept = self._snapshot.telling[tokens].view(bool)
        tokens, owners = tokens[kept], owners[kept]
        together = owners[1:] == owners[:-1]
        first, second = tokens[:-1][together], tokens[1:][together]
        return pairs_of(first, second), first, second


def _as_written(category: str) -> str:
    """arXiv writes subjects of two letters in capitals (cs.LG) and longer ones small (physics.optics)."""
    archive, dot, subject = category.partition(".")
    return f"{archive}{dot}{subject.upper() if len(subject) == 2 else subject}"
