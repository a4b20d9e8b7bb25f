"""The sentence of an abstract that answers a query best."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from recommender.search.query import parse
from recommender.text import LONGEST_TEXT, stem, words

LIMIT = 240
_SENTENCE_END = re.compile(
    # It begins with a space, which is found faster than what stands before one.
    r"\s(?:(?<=[.!?]\s)(?<!\be\.g\.\s)(?<!\bi\.e\.\s)(?<!\bet al\.\s)(?<!\bvs\.\s)\s*(?=[A-Z0-9\"'(\[])|(?<=\n)\s*\n)"
)

_SPACED = re.compile(r"\S+")
_PLAIN_WORD = re.compile(r"[a-z0-9]+")
_NOT_PLAIN = frozenset("\\$_")
"""Characters of TeX, and characters that may be inside a word without being a part of its stem."""
_FEW = 20
"""Up to this many words it is faster to search for each word than to read all words of the text."""


def sentences(text: str) -> Iterator[str]:
    """The sentences of `text`, in order, trimmed."""
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        if sentence := text[begin : end.start()].strip():
            yield sentence
        begin = end.end()
    if sentence := text[begin:].strip():
        yield sentence


def snippet(query: str, text: str, limit: int = LIMIT) -> str:
    """The sentence of `text` that shares most words with `query` (by stems; the first among equals). A sentence longer
    than `limit` characters is cut, between words, to the part that shares most. Empty for an empty text."""
    text = text[:LONGEST_TEXT]
    query_stems = {stem(word) for word in parse(query).words}
    plain = text.isascii() and not any(sign in text for sign in _NOT_PLAIN)

    def found(part: str) -> set[str]:
        if plain and len(query_stems) <= _FEW:
            return query_stems.intersection(map(stem, _beginning_as(part.lower(), query_stems)))
        return query_stems.intersection(map(stem, words(part)))

    def shared(sentence: str) -> int:
        return len(found(sentence))

    best = " ".join(max(sentences(text), key=shared, default="").split())
    if len(best) <= limit:
        return best
    beginning = _cut(best, limit)
    if shared(beginning) == shared(best):
        return beginning
    parts = [(at.start(), at.end(), found(at[0])) for at in _SPACED.finditer(best)]
    start = _start(parts, max(limit - 2, 0))
    if not start:
        return beginning
    rest = best[start:]
    return "…" + (rest if len(rest) < limit else _cut(rest, limit - 1))


def _cut(text: str, limit: int) -> str:
    return text[: max(limit - 1, 0)].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _start(parts: Sequence[tuple[int, int, set[str]]], room: int) -> int:
    """Where those of the parts (from, to, the stems in it) begin that have most stems in so many characters; the first
    among equals."""
    inside: Counter[str] = Counter()
    best, start, last, different = 0, 0, 0, 0
    for number, (begin, _, leaving) in enumerate(parts):
        while last < len(parts) and parts[last][1] - begin <= room:
            for word_stem in parts[last][2]:
                different += not inside[word_stem]
                inside[word_stem] += 1
            last += 1
        if different > best:
            best, start = different, begin
        if number < last:
            for word_stem in leaving:
                inside[word_stem] -= 1
                different -= not inside[word_stem]
        else:  # longer than the room
            last += 1
    return start


def _beginning_as(text: str, stems: Iterable[str]) -> Iterator[str]:
    """The words of a plain text that begin as a word with one of the stems does. It takes a fraction of the time that
    looking at every word does."""
    for word_stem in stems:
        # All but its last letter (happy: happi), or its first (dying: die).
        begin = word_stem[:1] if len(word_stem) == 3 and word_stem.endswith("ie") else word_stem[:-1] or word_stem
        at = text.find(begin)
        while at >= 0 and (word := _PLAIN_WORD.match(text, at)):
            if not text[at - 1 : at].isalnum():
                yield word[0]
            at = text.find(begin, word.end())  # however often it stands in one word, that is one look
