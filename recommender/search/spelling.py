"""Spelling correction: the word, name or category that was probably meant by one that no paper has."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from recommender.index.snapshot import Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN, CATEGORY_SIGN
from recommender.text import fold, stem

_SHORTEST, _LONGEST = 4, 40
"""The lengths of words that are corrected. Longer words are not typed by hand, and each letter takes time."""
_SHORTEST_PART = 3
_LARGE_INDEX = 1_000
_MOST_NAMES = 20
_MOST_NEAR = 3
_RARE, _SHORTEST_RARE, _COMMONER = 3, 6, 100
"""A word that at most _RARE papers have, with at least _SHORTEST_RARE letters, may be a misspelling of a word that
_COMMONER times as many papers have."""


class Lexicon:
    """Words that may be proposed, in alphabetical order, with the number of papers that have each."""

    def __init__(self, texts: list[str], df: NDArray[np.int64]) -> None:
        order = sorted(range(len(texts)), key=texts.__getitem__)
        self.texts = [texts[at] for at in order]
        self.df = df[order]

    @cached_property
    def _shapes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        return np.array([min(len(text), 255) for text in self.texts], np.uint8), _letters(self.texts)

    def nearest(self, word: str, fewest: int = 0) -> str | None:
        """The nearest word that at least `fewest` papers have, the most frequent among equally near ones; None if there
        is none. It is one edit away (insertion, deletion, substitution, transposition), or two for eight letters and
        more.
        """
        allowed = 2 if len(word) >= 8 else 1
        if len(word) < _SHORTEST or word.isdigit() or not self.texts:
            return None
        lengths, letters = self._shapes
        # An edit changes the length by at most one and the set of letters by at most two: few words pass this filter.
        near = np.abs(lengths.astype(np.int64) - len(word)) <= allowed
        near &= self.df >= fewest
        near &= np.bitwise_count(letters ^ _letters([word])[0]) <= 2 * allowed
        edits = [(OSA.distance(word, self.texts[at], score_cutoff=allowed), -int(self.df[at]), self.texts[at])
                 for at in np.flatnonzero(near)]  # fmt: skip
        best = min(edits, default=(allowed + 1, 0, ""))
        return best[2] if best[0] <= allowed else None

    def parts(self, word: str) -> str | None:
        """The two words that a word consists of: the pair whose rarer word is the most frequent."""
        pairs = [(word[:at], word[at:]) for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]
        best = max(((min(map(self._papers, pair)), pair) for pair in pairs), default=(0, ("", "")))
        return " ".join(best[1]) if best[0] else None

    def beginning(self, letters: str, most: int) -> list[str]:
        """The most frequent words that begin with these letters."""
        span = range(bisect_left(self.texts, letters), bisect_left(self.texts, letters + "\U0010ffff"))
        return [self.texts[at] for at in sorted(span, key=lambda at: -self.df[at])[:most]]

    def _papers(self, word: str) -> int:
        at = bisect_left(self.texts, word)
        return int(self.df[at]) if at < len(self.texts) and self.texts[at] == word else 0


class Spelling:
    """Corrections from the words and names of the index."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def words(self) -> Lexicon:
        """The words of titles and abstracts; in a large index without words of a single paper, which may be
        misspelt."""
        df = self._snapshot.word_df
        numbers = np.flatnonzero(df >= (2 if self._snapshot.live > _LARGE_INDEX else 1))
        return Lexicon([self._snapshot.vocabulary.words[n] for n in numbers], df[numbers].astype(np.int64))

    @cached_property
    def _names(self) -> Lexicon:
        words, papers = self._snapshot.vocabulary.words, self._snapshot.author_df
        numbers = [n for n in np.flatnonzero(papers > 0).tolist() if words[n].startswith(AUTHOR_SIGN)]
        return Lexicon([words[n][len(AUTHOR_SIGN) :] for n in numbers], papers[numbers])

    def names(self, letters: str) -> list[str]:
        """The names that begin with some letters, the most frequent first."""
        return self._names.beginning(fold(letters), _MOST_NAMES) if len(letters) >= _SHORTEST_PART else []

    def categories(self, value: str) -> list[str]:
        """The categories nearest to an unknown one: those with its subject first, then those of its archive."""
        archive, subject = value.partition(".")[0] + ".", "." + value
        known = [self._snapshot.vocabulary.words[n].removeprefix(CATEGORY_SIGN) for n in self._snapshot.categories]

        def far(one: str) -> tuple[bool, bool, int, str]:
            distance = OSA.distance(value[:_LONGEST], one)
            return not one.endswith(subject), not one.startswith(archive), distance, one

        return sorted(known, key=far)[:_MOST_NEAR]

    def word(self, word: str) -> str | None:
        """The probable correction of a word that no paper has: a near word, or two words written as one."""
        return None if len(word) > _LONGEST else self.words.nearest(word) or self.words.parts(word)

    def commoner(self, word: str) -> str | None:
        """The possible correction of a word that hardly any paper has: a near word that very many papers have."""
        papers = self._papers(word)
        if not 0 < papers <= _RARE or not _SHORTEST_RARE <= len(word) <= _LONGEST or not word.isalpha():
            return None
        return self.words.nearest(word, _COMMONER * papers)

    def _papers(self, word: str) -> int:
        term = self._snapshot.vocabulary.get(stem(word), -1)
        return int(self._snapshot.df[term]) if 0 <= term < self._snapshot.words else 0

    def name(self, word: str) -> str | None:
        """The probable correction of a name that no author has."""
        return None if len(word) > _LONGEST else self._names.nearest(fold(word))


def _letters(texts: list[str]) -> NDArray[np.uint64]:
    """The set of letters of each text, as bits."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
    bits: NDArray[np.uint64] = np.bitwise_or.reduceat(np.uint64(1) << (codes & 63).astype(np.uint64), starts)
    return bits
