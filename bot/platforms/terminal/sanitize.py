"""Makes texts from outside harmless for a terminal, and cuts them to length."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from bot.model.messages import Card, Line, Message
from bot.platforms.rendering import WEB_LINK

MAX_TEXT = 4_000
"""Characters in one message."""
MAX_URL = 500
_TITLE, _SHORT, _SUMMARY = 300, 300, 1_200
_JOINERS = "\u200c\u200d"
_HIDDEN = ("Cc", "Cf", "Cs", "Co")
_SENTENCE_END = re.compile(r"[.!?…。]['\")\]]?(?=\s)")


def strip_control(text: str) -> str:
    """`text` without control characters, so that a terminal obeys no escape sequence, and without bidi and hidden
    characters."""
    spaced = text.replace("\r\n", "\n").replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        char for char in spaced if char == "\n" or char in _JOINERS or unicodedata.category(char) not in _HIDDEN
    )


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """`text` without control characters, on one line, of at most `limit` characters."""
    return cut(" ".join(strip_control(text).split()), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of `text`: up to a sentence's end if one is near, else up to a word's."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(head) if match.end() > limit // 2]
    if ends:
        return head[: ends[-1]] + "…"
    word = next(iter(head.rsplit(None, 1)), "")
    return (word if len(word) > limit // 2 else head).rstrip() + "…"


def link(url: str) -> str:
    """`url` if it is a web link that may be followed, else ""."""
    return url if len(url) <= MAX_URL and strip_control(url) == url and WEB_LINK.fullmatch(url) else ""


def fit(message: Message) -> Message:
    """`message` as this platform shows it: every text without control characters and within its length."""
    return replace(
        message,
        text=cut(strip_control(message.text).strip(), MAX_TEXT),
        card=fit_card(message.card) if message.card else None,
        lines=tuple(map(fit_line, message.lines)),
    )


def fit_card(card: Card) -> Card:
    """The card with every text without control characters, on one line and within its length."""
    return replace(
        card,
        paper_id=one_line(card.paper_id, _SHORT),
        title=one_line(card.title, _TITLE) or "(no title)",
        url=link(card.url),
        authors=one_line(card.authors, _SHORT),
        organization=one_line(card.organization, _SHORT),
        summary=one_line(card.summary, _SUMMARY),
        why=one_line(card.why, _SHORT),
        note=one_line(card.note, _SHORT),
        category=one_line(card.category, _SHORT),
        source=one_line(card.source, _SHORT),
    )


def fit_line(line: Line) -> Line:
    """The line of a list with every text without control characters and within its length."""
    return Line(
        paper_id=one_line(line.paper_id, _SHORT),
        title=one_line(line.title, _TITLE) or "(no title)",
        url=link(line.url),
        detail=one_line(line.detail, _SHORT),
        note=one_line(line.note, _SHORT),
    )
