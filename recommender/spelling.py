"""The word that was meant, when the one that was typed stands in no paper."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.snapshot import Snapshot

_SHORTEST = 4


class Spelling:
    """Corrections from the index's own vocabulary."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _candidates(self) -> tuple[list[str], NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint64]]:
        """Words worth proposing, how many papers have them, their lengths, and which letters occur in each."""
        df = self._snapshot.word_df
        numbers = np.flatnonzero(df >= (2 if self._snapshot.live > 1000 else 1))
        texts = [self._snapshot.vocabulary.words[n] for n in numbers]
        return texts, df[numbers], np.array([min(len(t), 255) for t in texts], np.uint8), _letters(texts)

    def correct(self, word: str) -> str | None:
        """The most frequent of the nearest words: one slip away, two for words of eight letters and more."""
        allowed = 2 if len(word) >= 8 else 1
        if len(word) < _SHORTEST or word.isdigit():
            return None
        texts, df, lengths, letters = self._candidates
        if not texts:
            return None
        # A slip changes at most two letters of the set and the length by one: few words pass this sieve.
        near = np.abs(lengths.astype(np.int64) - len(word)) <= allowed
        near &= np.bitwise_count(letters ^ _letters([word])[0]) <= 2 * allowed
        found = [(distance(word, texts[at], allowed), -int(df[at]), texts[at]) for at in np.flatnonzero(near)]
        best = min(found, default=(allowed + 1, 0, ""))
        return best[2] if best[0] <= allowed else None


def distance(one: str, other: str, most: int) -> int:
    """Optimal string alignment distance (insert, delete, replace, swap neighbours); `most` + 1 stands for any more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, against in enumerate(other, 1):
            cost = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, last = last, now
    return min(last[-1], most + 1)


def _letters(texts: list[str]) -> NDArray[np.uint64]:
    """The set of letters of each text, as bits."""
    if not texts:
        return np.zeros(0, np.uint64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
    bits: NDArray[np.uint64] = np.bitwise_or.reduceat(np.uint64(1) << (codes & 63).astype(np.uint64), starts)
    return bits
