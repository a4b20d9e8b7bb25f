"""The sentence of an abstract that answers a query best."""

from __future__ import annotations

import re

from recommender.query import parse
from recommender.text import stem, words

LIMIT = 240
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bet al\.)(?<!\bvs\.)\s+(?=[A-Z0-9\"'(\[])|\n\s*\n"
)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, trimmed."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def snippet(query: str, text: str, limit: int = LIMIT) -> str:
    """The sentence of `text` that shares most words with `query` (by their stems; the first among equals), cut at a
    word when it is longer than `limit` characters; empty for an empty text."""
    wanted = {stem(word) for word in parse(query).words}

    def shared(sentence: str) -> int:
        return len(wanted & {stem(word) for word in words(sentence)})

    best = " ".join(max(sentences(text[:100_000]), key=shared, default="").split())
    if len(best) <= limit:
        return best
    return best[: max(limit - 1, 0)].rsplit(" ", 1)[0].rstrip(",;:") + "…"
