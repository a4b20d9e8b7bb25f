"""What the documentation names exists: files, headings, settings, commands in chat and in a shell, targets of make."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main

from bot.cli import app
from bot.commands.registry import COMMANDS
from bot.operate.templates import TEMPLATES
from bot.settings import describe, sections

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDES = [page for page in PAGES if page.parent.name != "decisions" and page.name != "CHANGELOG.md"]
SETTINGS = {setting.name for setting in describe()}
_UNDERSTOOD = {"follow", "mute", "stop", "start", "hi", "remove"}
"""Words that are understood as a command, or that are the platform's own."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_of(text: str) -> list[str]:
    """Every piece of code of a page: within a line, and each line of a block."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.S | re.M)
    rest = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
    return [line.strip() for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", rest)


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual places for repositories make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|href)="([^"]+)"', text)]:
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors_of(found), target


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_settings_and_variables_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    groups = "|".join(map(re.escape, sections()))
    named = set(re.findall(rf"`((?:{groups})\.[a-z_]+)\b(?! ?\()", text))
    assert {name for name in named if not re.search(r"\.(py|md|toml)$", name)} - SETTINGS - set(sections()) == set()
    variables = set(re.findall(r"\bPAPERBOY_([A-Z_]+[A-Z])\b", text)) - {"CONFIG", "ENV_FILE"}
    assert {variable.lower().replace("__", ".") for variable in variables if "SECTION" not in variable} - {
        "slack_bot_token"
    } <= SETTINGS


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_commands_in_chat_exist(page: Path) -> None:
    said = [line.split()[1] for line in code_of(page.read_text("utf-8")) if re.match(r"/papers [a-z]+\b", line)]
    assert {word for word in said if word not in COMMANDS} - _UNDERSTOOD - {"federated"} == set()


def shell_lines(text: str) -> Iterator[list[str]]:
    """The words behind `paperboy` in every line of a shell."""
    for line in code_of(text):
        for found in re.finditer(r"(?:^|[ |/(]|sudo |\$ )paperboy ((?!-v\b)[a-z-][^|#&`]*)", line):
            words = found[1].replace("…", " ").split(" > ")[0].rstrip("\\ ")
            yield shlex.split(words.replace("'", " ").replace('"$(date +%F)', "").replace('"', ""))


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_commands_in_a_shell_exist(page: Path) -> None:
    group: Any = typer.main.get_group(app)
    for words in shell_lines(page.read_text("utf-8")):
        options = [word for word in words if word.startswith("--")]
        left = [word for word in words if not word.startswith("-")]
        while left and left[0].endswith((".env", ".toml", "FILE")):
            left.pop(0)
        if not left or not left[0].islower() or left[0] not in group.commands:
            assert not left or not left[0].isalpha() or left[0].isupper() or left[0] in {"paperboy"}, words
            continue
        command = group.commands[left[0]]
        known = {option for parameter in group.params for option in parameter.opts} | {"--help"}
        if subcommands := getattr(command, "commands", None):
            command = subcommands[left[1]]
        known |= {option for parameter in command.params for option in parameter.opts}
        assert {option.strip("[]") for option in options} <= known, words
        if left[0] == "template" and len(left) > 1:
            assert left[1].strip(",") in {*TEMPLATES, "NAME"}, words


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    said = {
        word for line in code_of(page.read_text("utf-8")) for word in re.findall(r"(?:^|sudo |&& )make ([a-z-]+)", line)
    }
    assert said <= targets


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    latest = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert latest
    assert re.fullmatch(rf"{re.escape(version)}, (to be released|\d{{1,2}} [A-Z][a-z]+ \d{{4}})", latest[1])
