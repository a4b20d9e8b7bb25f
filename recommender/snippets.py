"""The sentence of an abstract that answers a query best."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from recommender.query import parse
from recommender.text import stem, words

LIMIT = 240
_SENTENCE_END = re.compile(
    # It begins with a space, which is found faster than what stands before one.
    r"\s(?:(?<=[.!?]\s)(?<!\be\.g\.\s)(?<!\bi\.e\.\s)(?<!\bet al\.\s)(?<!\bvs\.\s)\s*(?=[A-Z0-9\"'(\[])|(?<=\n)\s*\n)"
)

_SPACED = re.compile(r"\S+")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, trimmed."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def snippet(query: str, text: str, limit: int = LIMIT) -> str:
    """The sentence of `text` that shares most words with `query` (by their stems; the first among equals); of one that
    is longer than `limit` characters the part that shares most, cut between words. Empty for an empty text."""
    wanted = {stem(word) for word in parse(query).words}
    # A stem begins as its word does, but for accents: most words need no look at their stems.
    begins = {"_", *(one[:1] for one in wanted)}

    def found(part: str) -> set[str]:
        return wanted & {stem(word) for word in words(part) if word[0] in begins or not word[0].isascii()}

    def shared(sentence: str) -> int:
        return len(found(sentence))

    best = " ".join(max(sentences(text[:100_000]), key=shared, default="").split())
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
    best, start, last = 0, 0, 0
    for number, (begin, _, leaving) in enumerate(parts):
        while last < len(parts) and parts[last][1] - begin <= room:
            inside.update(parts[last][2])
            last += 1
        if len(+inside) > best:
            best, start = len(+inside), begin
        if number < last:
            inside.subtract(leaving)
        else:  # longer than the room
            last += 1
    return start
