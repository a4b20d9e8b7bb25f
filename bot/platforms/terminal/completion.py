"""Completions of a line that is being typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.platforms.terminal.typed import DIRECT, LOCAL, MEANINGS, React, parse

EMOJI = {emoji: words[-1] for emoji, words in MEANINGS.items()}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text that may replace the last `replaces` characters typed, with its meaning."""

    text: str
    replaces: int
    meaning: str = ""


def local(typed: str, channels: Iterable[str], members: Iterable[str]) -> list[Suggestion] | None:
    """Completions of the terminal's own commands; None for a line that the bot completes."""
    before, _, word = typed.rpartition(" ")
    match before:
        case "/channel":
            return _starting(word, dict.fromkeys(channels, "") | {DIRECT: "between you and the bot"})
        case "/me":
            return _starting(word, dict.fromkeys(members, ""))
        case "" if typed.startswith("/"):
            return _starting(typed, {name: does.partition(":")[0] for name, does in LOCAL.items()})
    if before and not word.isalnum() and isinstance(parse(f"{before} 👍"), React):
        return [Suggestion(emoji, len(word), meaning) for emoji, meaning in EMOJI.items()]
    return [] if typed.startswith("/") and before != "/papers" and not typed.startswith("/papers ") else None


def bot_part(typed: str) -> str:
    """The part of a line that the bot gets."""
    return typed.removeprefix("/papers ").lstrip()


def _starting(word: str, texts: Mapping[str, str]) -> list[Suggestion]:
    wanted = word.casefold()
    return [Suggestion(text, len(word), meaning) for text, meaning in texts.items() if text.startswith(wanted)]
