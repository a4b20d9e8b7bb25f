"""The words, names and categories of an index in the order of the alphabet: for spelling and for completion.

Accents do not count. A place is a position in this order, so that whatever begins with some letters is one run of
places, however few the letters are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN, CATEGORY_SIGN
from recommender.text import STOP_WORDS, fold

LONGEST, _SHORTEST = 40, 4
"""The lengths of words that are corrected. Longer words are not typed by hand, and each letter takes time."""
_TWO_EDITS_FROM = 8
_LARGE_INDEX = 1_000
"""In an index with more papers, a word that a single paper has may be a slip, and is not proposed."""
_LAST = "\U0010ffff"
_SIGNS = (CATEGORY_SIGN, AUTHOR_SIGN)

Span = tuple[int, int]


class Lexicon:
    """The lexicon of one snapshot, sorted when it is first needed. A name or a category begins with its sign."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._shapes = lru_cache(maxsize=len(_SIGNS) + 1)(self._shapes_of)

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int]]:
        """(the words without accents, their word ids)."""
        words = self._snapshot.vocabulary.words[: self._snapshot.words]
        texts = [word if word.isascii() else fold(word) for word in words]
        order = sorted(range(len(texts)), key=texts.__getitem__)
        return [texts[number] for number in order], order

    @cached_property
    def places(self) -> NDArray[np.int32]:
        """The place of each word, by its word id."""
        _, order = self._sorted
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return places

    @cached_property
    def _papers(self) -> NDArray[np.int64]:
        """The number of papers that have the word at each place; 0 for words that are not proposed."""
        papers = self._snapshot.word_df.astype(np.int64)
        papers[papers < (2 if self._snapshot.live > _LARGE_INDEX else 1)] = 0
        _, order = self._sorted
        papers = papers[order]
        for low, high in map(self.beginning, _SIGNS):
            papers[low:high] = self._snapshot.author_df[order[low:high]]
        return papers

    @cached_property
    def _completed(self) -> NDArray[np.int64]:
        """The same without stop words, which nobody needs completed."""
        papers = self._papers.copy()
        # The vocabulary may have grown since.
        numbers = [number for number in self._snapshot.vocabulary.known(STOP_WORDS) if number < len(papers)]
        papers[self.places[numbers]] = 0
        return papers

    def word(self, place: int) -> str:
        """The word at a place, with its accents."""
        return self._snapshot.vocabulary.words[self._sorted[1][place]]

    def span(self, word: str) -> Span:
        """The places of a word, with whatever accents."""
        texts, text = self._sorted[0], fold(word)
        return bisect_left(texts, text), bisect_right(texts, text)

    def beginning(self, letters: str) -> Span:
        """The places of all that begins with these letters."""
        texts, text = self._sorted[0], fold(letters)
        return bisect_left(texts, text), bisect_left(texts, text + _LAST)

    def papers(self, word: str) -> int:
        """The number of papers that have a word; 0 for a word that is not proposed."""
        return int(self._papers[slice(*self.span(word))].sum())

    def frequent(self, letters: str, most: int) -> list[int]:
        """The places of the most frequent words that begin with these letters."""
        span = self.beginning(letters)
        return self.best(span, self._completed[slice(*span)], most)

    def best(self, span: Span, counts: NDArray[np.int64], most: int) -> list[int]:
        """The places in a span that count most, of those worth proposing."""
        counts = np.where(self._completed[slice(*span)] > 0, counts, 0)
        least = np.partition(counts, -most)[-most] if len(counts) > most > 0 else 0
        at = np.flatnonzero(counts >= max(least, 1))
        best: list[int] = (span[0] + at[np.lexsort((at, -counts[at]))][:most]).tolist()
        return best

    def nearest(self, word: str, sign: str = "", fewest: int = 1) -> str | None:
        """The nearest word that at least `fewest` papers have, the most frequent among equally near ones; None if there
        is none. It is one edit away (insertion, deletion, substitution, transposition), or two for eight letters and
        more. With a `sign` the nearest name or category.
        """
        allowed = 2 if len(word) >= _TWO_EDITS_FROM else 1
        if not _SHORTEST <= len(word) <= LONGEST or word.isdigit():
            return None
        places, papers, lengths, letters = self._shapes(sign)
        if not len(places):
            return None
        text = sign + fold(word)
        # An edit changes the length by at most one and the set of letters by at most two: few words pass this filter.
        near = np.abs(lengths.astype(np.int64) - len(text)) <= allowed
        near &= papers >= fewest
        near &= np.bitwise_count(letters ^ _letters([text])[0]) <= 2 * allowed
        texts = self._sorted[0]
        edits = [(OSA.distance(text, texts[at], score_cutoff=allowed), -int(self._papers[at]), at)
                 for at in places[near].tolist()]  # fmt: skip
        distance, _, place = min(edits, default=(allowed + 1, 0, 0))
        return self.word(place).removeprefix(sign) if distance <= allowed else None

    def _shapes_of(self, sign: str) -> tuple[Rows, Rows, NDArray[np.uint8], NDArray[np.uint64]]:
        """(places of the words with a sign, or of those without any; their papers; their lengths; their letters)."""
        signed = np.zeros(len(self._papers), bool)
        for each in (sign,) if sign else _SIGNS:
            signed[slice(*self.beginning(each))] = True
        places = np.flatnonzero((signed == bool(sign)) & (self._papers > 0))
        texts = [self._sorted[0][place] for place in places.tolist()]
        return (
            places,
            self._papers[places],
            np.array([min(len(text), 255) for text in texts], np.uint8),
            _letters(texts),
        )


def _letters(texts: list[str]) -> NDArray[np.uint64]:
    """The set of letters of each text, as bits."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
    if not len(codes):
        return np.zeros(len(texts), np.uint64)
    bits: NDArray[np.uint64] = np.bitwise_or.reduceat(np.uint64(1) << (codes & 63).astype(np.uint64), starts)
    return bits
