"""Commands stand in their registry alone: platforms know them by their traits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot.platforms
from bot.commands.registry import COMMANDS

MODULES = sorted(Path(bot.platforms.__file__).parent.rglob("*.py"))
NO_COMMAND = {
    ("slack/blocks.py", "link"): "the type of a link in Block Kit",
    ("mail/links.py", "mail"): "the platform's name",
    ("mail/pages.py", "link"): "the name of a field",
    ("mail/setup.py", "mail"): "the platform's name",
    ("slack/views.py", "submit"): "the key of a modal's button, as Slack names it",
}
"""Words that are spelled like a command and are none: where, and what they are."""


def literals(module: Path) -> Iterator[str]:
    """Every text in a module but its docstrings and those of its constants."""
    tree = ast.parse(module.read_text("utf-8"))
    docstrings = {
        statement.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield node.value


@pytest.mark.parametrize("module", MODULES, ids=lambda module: "/".join(module.parts[-2:]))
def test_no_platform_names_a_command(module: Path) -> None:
    where = "/".join(module.parts[-2:])
    words = set(literals(module)) & set(COMMANDS)
    assert {word for word in words if (where, word) not in NO_COMMAND} == set()


def test_what_platforms_tell_people_to_type_is_a_command() -> None:
    """Sentences may say what to type: a command, or the word that all examples of a search are about."""
    for module in MODULES:
        told = {word for text in literals(module) for word in re.findall(r"`/papers ([a-z]+)`", text)}
        assert told <= {*COMMANDS, "federated"}, module


def test_the_list_of_words_that_are_no_commands_is_up_to_date() -> None:
    there = {("/".join(module.parts[-2:]), text) for module in MODULES for text in literals(module)}
    assert set(NO_COMMAND) <= there


def test_unique_traits_belong_to_exactly_one_command() -> None:
    commands = list(COMMANDS.values())
    for trait in ("takes_file", "shows_abstract", "pages_home"):
        assert len([command for command in commands if getattr(command, trait)]) == 1, trait
    for values in ([command.button for command in commands], [command.menu for command in commands]):
        given = [value for value in values if value]
        assert len(given) == len(set(given))
