"""What more than one platform shows or says in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from bot.logs import current_event
from bot.model.messages import Card
from bot.model.text import cut
from recommender.text import visible

SHARES = (1_200, 600, 300, 150, 75, 40, 20, 10)
"""Characters that a single text may have, the most generous first."""
TYPED = re.compile(r"`([^`\n]+)`")
"""In the bot's own words, what may be typed."""
WEB_LINK = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)
Part = TypeVar("Part")


def broken() -> str:
    """What a member reads when an error of ours kept them from an answer. The id finds the error in the log."""
    name = f" under {current_event()}" if current_event() else ""
    return f"That went wrong, and the log says how{name}. Nothing kept is lost; try it again."


def longest_that_fits(build: Callable[[int], list[Part]], fits: Callable[[list[Part]], bool]) -> list[Part]:
    """The parts of a message with the longest texts that fit; none where even the shortest do not."""
    return next((parts for share in SHARES if fits(parts := build(share))), [])


def one_line(text: str, most: int) -> str:
    """A text on one line without characters that can't be seen, cut after a word."""
    return cut(" ".join(visible(text).split()), most)


def web_link(url: str, most: int) -> str:
    """`url` if it is a web link that may be followed, else ""."""
    return url if len(url) <= most and visible(url) == url and WEB_LINK.fullmatch(url) else ""


def under_command(typed: str, command: str) -> str:
    """A command line as it is typed on this platform, whose slash command may have another name than /papers."""
    first, space, rest = typed.partition(" ")
    return command + space + rest if first == "/papers" else typed


def utf16_length(text: str) -> int:
    """Characters as UTF-16 counts them, the most that a platform may count."""
    return len(text.encode("utf-16-le", "replace")) // 2


def facts(card: Card, fit: Callable[[str], str]) -> str:
    """Authors, organization, day and counts of a paper, with dots between; `fit` makes a text fit to be shown."""
    counts = [f"▲ {card.upvotes:,}"] * (card.upvotes > 0) + [f"💬 {card.comments:,}"] * (card.comments > 0)
    parts = [fit(card.authors), fit(card.organization), _day(card.published), "  ".join(counts)]
    return " · ".join(filter(None, parts))


def reason(card: Card, fit: Callable[[str], str]) -> str:
    """Why the paper was picked. A guess has a mark of its own, and asks for a vote where it has no reason."""
    why = fit(card.why)
    return f"🎲 {why or 'a guess: tell us'}" if card.guess else why


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
