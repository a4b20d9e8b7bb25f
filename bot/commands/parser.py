"""The one grammar: a line of text is a verb with its argument, or a search."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from recommender.text import visible

LONGEST_LINE = 100_000
"""Characters of a line that are read: enough for a .bib file, and a bound for anything hostile."""


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
    text = readable(line)
    if not text:
        return Command("help")
    first, *rest = text.split(maxsplit=1)
    verb = first.casefold().rstrip(":")
    return Command(verb, "".join(rest)) if verb in verbs else Command("search", text)


def filled(verb: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What sending a form says: its verb with every value that was changed, "" when none was.

    >>> filled("settings", {"bar": "0.8", "guess": "on"}, {"bar": " 0.4", "guess": "on"})
    'settings bar=0.4'
    """
    values = {name: " ".join(readable(value).split()) for name, value in now.items()}
    changed = [f"{name}={value}" for name, value in values.items() if value != before.get(name)]
    return " ".join([verb, *changed]) if changed else ""


def readable(text: str) -> str:
    """What is read of a text: no control characters, no marks that hide or turn letters; line ends stay (BibTeX has
    them)."""
    return visible("\n".join(text[:LONGEST_LINE].replace("\t", " ").splitlines())).strip()
