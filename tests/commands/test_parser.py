"""Whatever is typed is a command: nothing is refused, nothing hidden gets through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.commands.parser import LONGEST_LINE, Command, parse
from bot.commands.registry import VERBS

_HIDDEN = ("\u061c", "\u180e", "\u200b", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\U000e0041")


@given(st.text())
@example("\ud800")
@example("\x00")
@example("today\u2028all")
@example("".join(_HIDDEN))
def test_any_text_is_a_command_without_control_and_direction_characters(line: str) -> None:
    command = parse(line, VERBS)
    assert command.verb in VERBS
    left = {char for char in command.argument if unicodedata.category(char) in ("Cc", "Cs")} - {"\n"}
    assert not left
    assert not set(command.argument) & set(_HIDDEN)


@given(st.sampled_from(sorted(VERBS)), st.sampled_from([str.upper, str.title, str.lower]))
def test_a_verb_is_a_verb_in_any_case(verb: str, case: type[str]) -> None:
    assert parse(f"  {case(verb)}  two words ", VERBS) == Command(verb, "two words")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Command("help")),
        (" \t\r\n\u200b ", Command("help")),
        ("federated learning", Command("search", "federated learning")),
        ("search today", Command("search", "today")),
        ("search", Command("search")),
        ("search: today", Command("search", "today")),
        ("to\u200bday", Command("today")),
        ("similar\u00a02603.00001", Command("similar", "2603.00001")),
        ("teach\r\n@article{a,\r\n}", Command("teach", "@article{a,\n}")),
        ("cat:cs.LG after:2025", Command("search", "cat:cs.LG after:2025")),
        ("todays papers", Command("search", "todays papers")),
    ],
)
def test_lines_mean_what_people_mean(line: str, meant: Command) -> None:
    assert parse(line, VERBS) == meant


def test_a_line_without_end_is_read_up_to_a_bound() -> None:
    assert parse("a" * 10 * LONGEST_LINE, VERBS).argument == "a" * LONGEST_LINE
