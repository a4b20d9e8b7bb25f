"""The sentence of an abstract that answers a query best."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(\[])|\n\s*\n")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, trimmed."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def snippet(query: str, text: str, limit: int = 240) -> str:
    """The sentence of `text` that shares most with `query` (the first among equals), at most `limit` characters."""
    wanted = set(re.findall(r"\w+", query.casefold()))
    best = max(sentences(text), key=lambda s: len(wanted & set(re.findall(r"\w+", s.casefold()))), default="")
    return best if len(best) <= limit else best[: limit - 1].rsplit(" ", 1)[0] + "…"
