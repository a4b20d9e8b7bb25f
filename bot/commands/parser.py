"""Reads a line of text: it is a command with its argument, or a search."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands import intents
from bot.commands.names import HELP, SEARCH
from bot.model.commands import Commands, sanitize


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """The name of a command, and its argument. `words` is the line if it may also have been meant as a search; "" if it
    names the command. `mistyped` is the word that was read as the name, if it is not the name."""

    name: str
    argument: str = ""
    words: str = ""
    mistyped: str = ""


def parse(line: str, commands: Commands) -> ParsedLine:
    """Read a line. Nothing is refused: a line without a command is a search, and an empty line asks for help.

    >>> from bot.commands.registry import COMMANDS
    >>> parse("federated learning", COMMANDS)
    ParsedLine(name='search', argument='federated learning', words='', mistyped='')
    >>> parse("search today", COMMANDS)
    ParsedLine(name='search', argument='today', words='', mistyped='')
    >>> parse("hi!", COMMANDS)
    ParsedLine(name='hello', argument='', words='hi!', mistyped='')
    """
    text = sanitize(line)
    if not text:
        return ParsedLine(HELP)
    traits = commands.traits_of_line(text)
    if traits.name and not traits.alone:
        return ParsedLine(traits.name, "".join(text.split(maxsplit=1)[1:]))
    if traits.name:
        return ParsedLine(traits.name, words=text)
    intent = intents.phrase(text)
    return ParsedLine(intent.name, intent.argument, text) if intent else ParsedLine(SEARCH, text)
