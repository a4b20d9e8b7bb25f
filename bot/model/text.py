"""Texts for members: cleans texts from outside, cuts texts to a length, and writes numbers and days."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

from recommender.text import display

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_ATTRIBUTES = r"(?:\s++[\w:-]++\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'))*+\s*+/?"
_BREAK = re.compile(rf"</?(?:jats:)?(?:br|div|li|p|sec|title)\b{_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_TAG = re.compile(
    rf"</?(?:jats:)?(?:a|abbr|b|bold|cite|code|em|font|i|inf|inline-formula|italic|mark|monospace|sc|scp|small|span"
    rf"|strike|strong|styled-content|sub|sup|tex|tex-math|tt|u|underline"
    rf"|(?:mml:)?(?:math|semantics|m(?:error|fenced|frac|i|multiscripts|n|o|over|padded|phantom|prescripts|root|row|s"
    rf"|space|sqrt|style|sub|subsup|sup|table|td|text|tr|under|underover)))\b{_ATTRIBUTES}>",
    re.IGNORECASE,
)
_ANNOTATION = re.compile(rf"<(?:mml:)?annotation\b{_ATTRIBUTES}>[^<]*+</(?:mml:)?annotation>", re.IGNORECASE)
"""The formula once more, in another language than MathML."""


def without_markup(text: str) -> str:
    """A text without the tags of HTML, JATS and MathML that publishers leave in titles, and with its entities as signs.
    A `<` that begins no such tag stays: p<0.05."""
    for _ in range(2):  # some are escaped twice
        text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    return _INLINE_TAG.sub("", _BREAK.sub(" ", _ANNOTATION.sub("", text)))


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, cut after a sentence or else after a word."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    end = max(head.rfind(". "), head.rfind("? "), head.rfind("! "))
    if end > most // 2:
        return head[: end + 1]
    return (head.rsplit(" ", 1)[0] if " " in head[most // 2 :] else head).rstrip(" ,;:") + "…"


def plain_text(text: str) -> str:
    """A text from outside on one line, its TeX as Unicode and without the backticks that mark commands."""
    return display(text).replace("`", "'")


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 vote, 2 votes."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def day_name(day: date, today: date) -> str:
    """A day as a phrase: today, yesterday, on Tuesday, on 3 May."""
    ago = (today - day).days
    if ago == 0:
        return "today"
    if ago == 1:
        return "yesterday"
    if 1 < ago < 7:
        return f"on {day:%A}"
    year = "" if day.year == today.year else f" {day.year}"
    return f"on {day.day} {day:%B}{year}"
