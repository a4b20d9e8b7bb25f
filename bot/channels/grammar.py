"""The one grammar: a line of text is a verb with its argument, or a search."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

LONGEST_LINE = 100_000
"""Characters of a line that are read: enough for a .bib file, and a bound for anything hostile."""

_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Command:
    """A verb and what it is about."""

    verb: str
    argument: str = ""


def parse(line: str, verbs: Collection[str]) -> Command:
    """Read a line. Nothing is refused: what is no command is a search, and an empty line asks for help.

    >>> parse("federated learning", {"today"}), parse("Today", {"today"}), parse("search today", {"search", "today"})
    (Command(verb='search', argument='federated learning'), Command(verb='today', argument=''), \
Command(verb='search', argument='today'))
    """
    text = _visible(line[:LONGEST_LINE]).strip()
    if not text:
        return Command("help")
    first, _, rest = text.partition(" ")
    if "\n" in first:
        first, _, rest = text.partition("\n")
    verb = first.casefold().rstrip(":")
    return Command(verb, rest.strip()) if verb in verbs else Command("search", text)


def _visible(text: str) -> str:
    """Text without control characters and without marks that hide or turn letters; line ends stay (BibTeX has them)."""
    text = _UNSEEN.sub("", text.replace("\t", " "))
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs"))
