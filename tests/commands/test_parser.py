"""Every line is read as a command: nothing is refused, and hidden characters are removed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.commands.parser import ParsedLine, parse
from bot.commands.registry import COMMANDS
from bot.model.commands import LONGEST_LINE

_HIDDEN = ("\u061c", "\u180e", "\u200b", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\U000e0041")


@given(st.text())
@example("\ud800")
@example("\x00")
@example("today\u2028all")
@example("".join(_HIDDEN))
def test_any_text_is_a_command_without_control_and_direction_characters(line: str) -> None:
    command = parse(line, COMMANDS)
    assert command.name in COMMANDS
    left = {char for char in command.argument if unicodedata.category(char) in ("Cc", "Cs")} - {"\n"}
    assert not left
    assert not set(command.argument) & set(_HIDDEN)


@given(
    st.sampled_from(sorted(name for name in COMMANDS if not (COMMANDS[name].alone or COMMANDS[name].arguments))),
    st.sampled_from([str.upper, str.title, str.lower]),
)
def test_a_command_is_found_in_any_case(command: str, case: type[str]) -> None:
    assert parse(f"  {case(command)}  two words ", COMMANDS) == ParsedLine(command, "two words")


@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if COMMANDS[name].alone))
def test_some_commands_are_meant_only_by_a_whole_line(name: str) -> None:
    assert parse(f" {name.title()} ", COMMANDS) == ParsedLine(name, words=name.title())
    assert parse(f"{name} two words", COMMANDS) == ParsedLine("search", f"{name} two words")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", ParsedLine("help")),
        (" \t\r\n\u200b ", ParsedLine("help")),
        ("federated learning", ParsedLine("search", "federated learning")),
        ("search today", ParsedLine("search", "today")),
        ("search", ParsedLine("search")),
        ("search: today", ParsedLine("search", "today")),
        ("to\u200bday", ParsedLine("today")),
        ("similar\u00a02603.00001", ParsedLine("similar", "2603.00001")),
        ("teach\r\n@article{a,\r\n}", ParsedLine("teach", "@article{a,\n}")),
        ("cat:cs.LG after:2025", ParsedLine("search", "cat:cs.LG after:2025")),
        ("todays papers", ParsedLine("search", "todays papers")),
    ],
)
def test_lines_are_parsed_into_commands_and_arguments(line: str, meant: ParsedLine) -> None:
    assert parse(line, COMMANDS) == meant


def test_a_very_long_line_is_cut_before_parsing() -> None:
    assert parse("a" * 10 * LONGEST_LINE, COMMANDS).argument == "a" * LONGEST_LINE
