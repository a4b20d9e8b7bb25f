"""The sentence of an abstract that answers a query best."""

from __future__ import annotations

import re
from collections import Counter

from recommender.query import parse
from recommender.text import stem, words

LIMIT = 240
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bet al\.)(?<!\bvs\.)\s+(?=[A-Z0-9\"'(\[])|\n\s*\n"
)

_SPACED = re.compile(r"\S+")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, trimmed."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def snippet(query: str, text: str, limit: int = LIMIT) -> str:
    """The sentence of `text` that shares most words with `query` (by their stems; the first among equals); of one that
    is longer than `limit` characters the part that shares most, cut between words. Empty for an empty text."""
    wanted = {stem(word) for word in parse(query).words}

    def shared(sentence: str) -> int:
        return len(wanted & {stem(word) for word in words(sentence)})

    best = " ".join(max(sentences(text[:100_000]), key=shared, default="").split())
    if len(best) <= limit:
        return best
    rest = best[_start(best, wanted, max(limit - 2, 0)) :]
    before = "…" if len(rest) < len(best) else ""
    if len(before) + len(rest) <= limit:
        return before + rest
    return before + rest[: max(limit - 1 - len(before), 0)].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _start(sentence: str, wanted: set[str], room: int) -> int:
    """Where the part of a long sentence begins that has most of the wanted stems in so many characters; its beginning
    among equals."""
    found = [
        (at.start(), at.end(), wanted & {stem(word) for word in words(at[0])}) for at in _SPACED.finditer(sentence)
    ]
    inside: Counter[str] = Counter()
    best, start, last = 0, 0, 0
    for number, (begin, _, leaving) in enumerate(found):
        while last < len(found) and found[last][1] - begin <= room:
            inside.update(found[last][2])
            last += 1
        if len(+inside) > best:
            best, start = len(+inside), begin
        if number < last:
            inside.subtract(leaving)
        else:  # longer than the room
            last += 1
    return start
