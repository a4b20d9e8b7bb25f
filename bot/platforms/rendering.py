"""Texts, replies and parts of messages that several platforms render in the same way."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeVar

import structlog

from bot.logs import current_event
from bot.model.messages import Card, Link, Reply
from bot.model.text import cut
from bot.ports.platform import PlatformError
from recommender.text import visible

log = structlog.get_logger(__name__)
SHARES = (1_200, 600, 300, 150, 75, 40, 20, 10)
"""The most characters of a single text, from many to few. A message that is too long gets a smaller share."""
TYPED = re.compile(r"`([^`\n]+)`")
"""Words between backticks, which a member may type."""
WEB_LINK = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)
Part = TypeVar("Part")
_LINKS, _LABEL = 6, 30


def broken() -> str:
    """The reply to a member after an error of the bot. The id in it finds the error in the log."""
    name = f" under {current_event()}" if current_event() else ""
    return f"That went wrong, and the log says how{name}. Nothing kept is lost; try it again."


async def reply_or_error(answering: Awaitable[Reply], unreachable: str) -> Reply:
    """The reply, or a reply that says what went wrong. Its text is `unreachable` if the platform did not answer."""
    try:
        return await answering
    except PlatformError as error:
        log.warning("A question could not be answered.", why=str(error))
        return Reply(unreachable, ok=False)
    except Exception:
        log.exception("A question could not be answered.")
        return Reply(broken(), ok=False)


def longest_that_fits(build: Callable[[int], list[Part]], fits: Callable[[list[Part]], bool]) -> list[Part]:
    """The parts of a message with the longest texts that fit; no parts if even the shortest do not fit."""
    return next((parts for share in SHARES if fits(parts := build(share))), [])


def one_line(text: str, most: int) -> str:
    """A text on one line without invisible characters, cut after a word."""
    return cut(" ".join(visible(text).split()), most)


def web_link(url: str, most: int) -> str:
    """`url` if it is a web link of at most `most` characters, else ""."""
    return url if len(url) <= most and visible(url) == url and WEB_LINK.fullmatch(url) else ""


def under_command(typed: str, command: str) -> str:
    """A command line with `command` instead of /papers: a platform's slash command may have another name."""
    first, space, rest = typed.partition(" ")
    return command + space + rest if first == "/papers" else typed


def links(shown: Card | Reply, most: int) -> list[Link]:
    """The links of a card or a reply that can be followed, of at most `most` characters each. Their labels are plain
    words."""
    safe = (Link(" ".join(re.findall(r"\w+", link.label))[:_LABEL], web_link(link.url, most)) for link in shown.links)
    return [link for link in safe if link.label and link.url][:_LINKS]


def utf16_length(text: str) -> int:
    """The number of UTF-16 code units. No platform counts more characters in a text."""
    return len(text.encode("utf-16-le", "replace")) // 2


def facts(card: Card, fit: Callable[[str], str]) -> str:
    """Authors, organization, category, day, source and counts of a paper, with dots between. `fit` cuts and escapes a
    text."""
    counts = [f"▲ {card.upvotes:,}"] * (card.upvotes > 0) + [f"💬 {card.comments:,}"] * (card.comments > 0)
    who = (fit(card.authors), fit(card.organization), fit(card.category))
    return " · ".join(filter(None, (*who, _day(card.published), fit(card.source), "  ".join(counts))))


def reason(card: Card, fit: Callable[[str], str]) -> str:
    """Why the paper was picked. A guess has a mark of its own, and asks for a vote if it has no reason."""
    why = fit(card.why)
    return f"🎲 {why or 'a guess: tell us'}" if card.guess else why


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
