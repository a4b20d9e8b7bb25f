"""Reads a line of text: it is a command with its argument, or a search."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.commands.names import HELP, SEARCH
from bot.model.commands import sanitize


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """The name of a command, and its argument."""

    name: str
    argument: str = ""


def parse(line: str, names: Collection[str]) -> ParsedLine:
    """Read a line. Nothing is refused: a line without a command is a search, and an empty line asks for help.

    >>> parse("federated learning", {"today"}), parse("Today", {"today"}), parse("search today", {"search", "today"})
    (ParsedLine(name='search', argument='federated learning'), ParsedLine(name='today', argument=''), \
ParsedLine(name='search', argument='today'))
    """
    text = sanitize(line)
    if not text:
        return ParsedLine(HELP)
    first, *rest = text.split(maxsplit=1)
    name = first.casefold().rstrip(":")
    return ParsedLine(name, "".join(rest)) if name in names else ParsedLine(SEARCH, text)
