"""Content words and bigrams: the words of a paper that the taste is learned from, and the pairs of neighbours.

Words have their ids of the vocabulary. Bigrams are too many for ids of their own, so they are hashed. A collision costs
little, because only frequent bigrams are used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import SUBJECT_WORD

PAIR_SPACE = 1 << 21
_CHUNK = 1 << 20

Counts = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(numbers of words or bigrams, ascending; the count of each)."""


def pairs_of(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The number of the bigram of each two words, in 0…PAIR_SPACE − 1 (multiplicative hashing, Knuth vol. 3, 6.4)."""
    mixed = first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + second.astype(np.uint64) * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(43)).astype(np.int64)


def ngrams(
    tokens: NDArray[np.uint32], rows: NDArray[np.int64], content_flags: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(content words, their rows, bigrams, their rows) of papers with the words `tokens`; `rows` is the paper of
    each."""
    kept = content_flags[tokens] > 0
    tokens, rows = tokens[kept], rows[kept]
    first = pair_starts(tokens, rows, content_flags)
    return tokens, rows, pairs_of(tokens[first], tokens[first + 1]), rows[first]


def pair_starts(
    content_words: NDArray[np.uint32], rows: NDArray[np.int64], content_flags: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """The places of the content words that form a bigram with the next one: both are subject words of one paper."""
    is_subject = content_flags[content_words] == SUBJECT_WORD
    return np.flatnonzero((rows[1:] == rows[:-1]) & is_subject[1:] & is_subject[:-1])


def count_papers(
    tokens: NDArray[np.uint32], starts: NDArray[np.int64], stops: NDArray[np.int64], content_flags: NDArray[np.uint8]
) -> tuple[Counts, Counts]:
    """The document frequencies of words and of bigrams. `starts` (one more than papers) and `stops` bound the words of
    each paper that count."""
    papers = len(stops)
    of_words, of_pairs = [], []
    begin = 0
    while begin < papers:
        end = max(begin + 1, int(np.searchsorted(starts[:papers], starts[begin] + _CHUNK)))
        lengths = np.diff(starts[begin : end + 1])
        rows = np.repeat(np.arange(end - begin, dtype=np.int64), lengths)
        place = np.arange(starts[begin], starts[end])
        counted = place < np.repeat(stops[begin:end], lengths)
        words, word_rows, pairs, pair_rows = ngrams(
            tokens[starts[begin] : starts[end]][counted], rows[counted], content_flags
        )
        of_words.append(np.unique(_distinct(word_rows, words, 32), return_counts=True))
        of_pairs.append(np.unique(_distinct(pair_rows, pairs, 21), return_counts=True))
        begin = end
    return _summed(of_words, len(content_flags)), _summed(of_pairs, PAIR_SPACE)


def _summed(parts: list[Counts], size: int) -> Counts:
    if len(parts) == 1:
        return parts[0]
    total = np.zeros(size, np.int64)
    for numbers, counts in parts:
        total[numbers] += counts
    numbers = np.flatnonzero(total)
    return numbers, total[numbers]


def _distinct(rows: NDArray[np.int64], values: NDArray[np.integer], bits: int) -> NDArray[np.int64]:
    key = rows << bits | values
    key.sort()
    fresh = np.ones(len(key), bool)
    fresh[1:] = key[1:] != key[:-1]
    return key[fresh] & ((1 << bits) - 1)
