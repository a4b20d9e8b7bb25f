"""Reads a line of text: it is a command with its argument, or a search."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands import intents
from bot.commands.names import HELP, SEARCH
from bot.model.commands import Commands, sanitize

_MOST_PASTED = 10


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


def split_commands(text: str, commands: Commands) -> list[str]:
    """The lines of a text in which every line is a command; else the text as it is, for a .bib file is one argument.

    >>> from bot.commands.registry import COMMANDS
    >>> split_commands("subscribe graphs\\n\\n/papers why 2310.01234", COMMANDS)
    ['subscribe graphs', 'why 2310.01234']
    >>> split_commands("Federated learning\\nwith similar clients", COMMANDS)
    ['Federated learning\\nwith similar clients']
    """
    lines = [line.strip().removeprefix("/papers ").strip() for line in sanitize(text).splitlines() if line.strip()]
    if 1 < len(lines) <= _MOST_PASTED and all(parse(line, commands) != ParsedLine(SEARCH, line) for line in lines):
        return lines
    return [text]
