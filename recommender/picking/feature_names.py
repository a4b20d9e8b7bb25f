"""The names of feature columns: the words behind them, as given papers have them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.index.bigrams import pair_starts, pairs_of
from recommender.index.columns import ABSTRACT, SUBJECT_WORD, TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import category_name
from recommender.learning.features import Features
from recommender.paper import Paper


class FeatureNames:
    """The names of columns in some papers of the index, or in one `supplied` paper."""

    def __init__(self, features: Features, papers: Rows, supplied: Paper | None = None) -> None:
        self._features = features
        self._papers = papers
        self._given = supplied

    def name(self, column: int) -> str:
        """The readable name of a column; "" for a bigram that none of the papers has, and for an everyday word."""
        features, vocabulary = self._features, self._snapshot.vocabulary.words
        if column >= features.ngram_count:
            categories = self._snapshot.categories
            return category_name(
                vocabulary[int(categories[(column - features.ngram_count) % len(categories)])].lstrip("#")
            )
        ngram = features.ngram(column)
        if ngram < self._snapshot.words:
            return str(vocabulary[ngram]) if self._snapshot.content_flags[ngram] == SUBJECT_WORD else ""
        pairs, first, second = self._pairs
        at = np.flatnonzero(pairs == ngram - self._snapshot.words)[:1].tolist()
        return f"{vocabulary[first[at[0]]]} {vocabulary[second[at[0]]]}" if at else ""

    @property
    def _snapshot(self) -> Snapshot:
        return self._features.snapshot

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint32]]:
        """The bigrams of content words in the papers: (numbers, first words, second words)."""
        if self._given:
            tokens = self._features.tokens_of(self._given)
            owners = np.zeros(len(tokens), np.int64)
        else:
            tokens, owners = self._snapshot.tokens(self._papers, TITLE, ABSTRACT)
        kept = self._snapshot.content_flags[tokens] > 0
        tokens, owners = tokens[kept], owners[kept]
        starts = pair_starts(tokens, owners, self._snapshot.content_flags)
        first, second = tokens[starts], tokens[starts + 1]
        return pairs_of(first, second), first, second
