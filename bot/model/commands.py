"""What platforms know of the commands: the traits of each, in a set that is handed to them when they are built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TypeVar

from bot.model.messages import Action
from recommender.text import visible

_CHOICES = re.compile(r"\S+ \[([^\]]+)\]")
LONGEST_LINE = 100_000
"""Characters of a line that are read: enough for a .bib file, and a bound for anything hostile."""


@dataclass(frozen=True, slots=True, order=True)
class CardButton:
    """A command's button on every card. Buttons stand in the order of their ranks. Those that are `in_menu` stand in
    the card's menu where the platform has one."""

    rank: int
    label: str
    in_menu: bool = False


@dataclass(frozen=True, slots=True, order=True)
class MenuEntry:
    """A command's entry in the menu that a platform has for each message. Entries stand in the order of their ranks."""

    rank: int
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class CommandTraits:
    """Everything about one command but the function that answers it. The first word of `usage` is its name; `does` is
    its line in the help text."""

    usage: str
    does: str
    _: KW_ONLY
    group: str = "More"
    """The heading under which the help text shows it."""
    listed: bool = True
    """Whether the help text shows it."""
    alone: bool = False
    """Whether its name means the command only as a whole line. With words behind it the line is a search."""
    arguments: tuple[str, ...] = ()
    """All arguments that the command has. With other words behind its name the line is a search. Empty: any words."""
    managers_only: bool = False
    """Whether only members who may manage the channel may run it."""
    anyone_may_look: bool = False
    """Whether anybody may run a managers' command without an argument: then it only shows something."""
    for_anyone: str = ""
    """The argument with which anybody may run a managers' command, as it is about the asker; "" if there is none."""
    shareable: bool = False
    """Whether the answer holds only what every member may see, so that it may be shown to all."""
    takes_paper: bool = False
    """Whether the argument is one paper: titles complete it, and the command can run on a message or on a numbered
    paper."""
    takes_file: str = ""
    """What an attached file may hold; "" for a command that takes no file."""
    completes_titles: bool = False
    completes_queries: bool = False
    completes_topics: bool = False
    answers_at_once: bool = False
    """Whether it is quick and must not be lost: it waits for no slot, and platforms acknowledge it when it is done."""
    has_form: bool = False
    """Whether a form may be shown in place of the words of its answer."""
    starts_digests: bool = False
    """Whether whoever runs it wants the bot to post in the channel."""
    pages_home: bool = False
    """Whether its list is a part of the home page, where its buttons turn the pages."""
    shows_abstract: bool = False
    button: CardButton | None = None
    menu: MenuEntry | None = None
    emoji: str = ""
    """The emoji whose reaction on a card means the same; "" for a command without one."""

    @property
    def name(self) -> str:
        """The word that runs the command."""
        return self.usage.partition(" ")[0]

    @property
    def takes_argument(self) -> bool:
        """Whether words may stand behind the name."""
        return " " in self.usage

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that may stand behind the name, where the usage lists them: `trending [day|week|month]`."""
        listed = _CHOICES.fullmatch(self.usage)
        return tuple(choice.partition(" ")[0] for choice in listed[1].split("|")) if listed else ()


_NO_COMMAND = CommandTraits("", "")
Traits = TypeVar("Traits", bound=CommandTraits, covariant=True)


class CommandSet(Mapping[str, Traits]):
    """Commands by name, in the order of the help text."""

    def __init__(self, commands: Iterable[Traits]) -> None:
        self._commands = {command.name: command for command in commands}

    def __getitem__(self, name: str) -> Traits:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def traits(self, name: str) -> CommandTraits:
        """The traits of a command. A name that is no command's, as on an old button, has none."""
        return self._commands.get(name, _NO_COMMAND)

    def traits_of_line(self, line: str) -> CommandTraits:
        """The traits of the command that a line begins with; none if the line begins with any other word."""
        first, *rest = line.split(maxsplit=1) or [""]
        traits = self.traits(first.casefold().rstrip(":"))
        arguments = traits.arguments
        is_search = traits.alone or (arguments and " ".join(rest).casefold().strip(" .!") not in arguments)
        return _NO_COMMAND if rest and is_search else traits

    def card_actions(self, paper_id: str, *, in_menu: bool | None = None) -> list[Action]:
        """The buttons of a paper's card: all of them, or those that do or do not stand in its menu."""
        buttons = sorted((command.button, command.name) for command in self.values() if command.button)
        if in_menu is not None:
            buttons = [(button, name) for button, name in buttons if button.in_menu == in_menu]
        return [Action(button.label, name, paper_id) for button, name in buttons]

    def menus(self) -> dict[str, MenuEntry]:
        """The entries of the menu for messages, by the commands' names."""
        entries = sorted((command.menu, command.name) for command in self.values() if command.menu)
        return {name: entry for entry, name in entries}

    def for_emoji(self, emoji: str) -> str:
        """The command that means the same as a reaction with an emoji; "" if there is none."""
        return next((command.name for command in self.values() if emoji and command.emoji == emoji), "")

    def file_command(self) -> CommandTraits:
        """The command that takes a file."""
        return next((command for command in self.values() if command.takes_file), _NO_COMMAND)

    def abstract_command(self) -> str:
        """The command that shows a paper's abstract."""
        return next((command.name for command in self.values() if command.shows_abstract), "")


Commands = CommandSet[CommandTraits]


def sanitize(text: str) -> str:
    """The part of a text that is read: no control characters, and no marks that hide or turn letters. Line ends stay,
    for BibTeX has them."""
    return visible("\n".join(text[:LONGEST_LINE].replace("\t", " ").splitlines())).strip()


def command_from_form(name: str, old_values: Mapping[str, str], new_values: Mapping[str, str]) -> str:
    """The line that a sent form stands for: the command with every value that was changed, "" when none was.

    >>> command_from_form("settings", {"bar": "0.8", "guess": "on"}, {"bar": " 0.4", "guess": "on"})
    'settings bar=0.4'
    """
    values = {field: " ".join(sanitize(value).split()) for field, value in new_values.items()}
    changes = [f"{field}={value}" for field, value in values.items() if value != old_values.get(field)]
    return " ".join([name, *changes]) if changes else ""
