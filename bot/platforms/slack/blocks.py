"""Pieces of Block Kit: words, titles and lists as rich text, each text cut to what it may have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot.model.messages import Line
from bot.model.number_emoji import keycap
from bot.model.text import cut
from bot.platforms.rendering import TYPED, one_line, under_command, web_link
from recommender.text import visible

Json = dict[str, Any]

MAX_TEXT = 3_000
"""Characters of plain words in one message."""
MOST_LINES = 30
TITLE, SHORT, URL = 300, 300, 500
"""Characters of a title, of what is said beside it, and of a link."""


def said(text: str, share: int, command: str) -> list[Json]:
    """The bot's own words, in which backticks mark what may be typed."""
    elements = spans(cut(visible(text).strip(), min(10 * share, MAX_TEXT)), command)
    return [{"type": "rich_text", "elements": [section(*elements)]}] if elements else []


def listed(lines: Sequence[Line], share: int, style: str = "ordered") -> list[Json]:
    """Papers, numbered or as a `bullet` list, with what there is to say of each."""
    items = [section(*_line(line, share)) for line in lines[:MOST_LINES]]
    if not items:
        return []
    return [{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": style, "elements": items}]}]


def numbered(lines: Sequence[Line], share: int) -> list[Json]:
    """Papers, each with the emoji that likes it."""
    numbers = enumerate(lines[:MOST_LINES], 1)
    items = [section(span(f"{keycap(number)}  "), *_line(line, share)) for number, line in numbers]
    return [{"type": "rich_text", "elements": [item]} for item in items]


def heading(title: str, url: str, share: int) -> list[Json]:
    """A title in bold, leading to where it may lead."""
    shown = one_line(title, min(share, TITLE)) or "(untitled)"
    style = {"bold": True}
    if link := web_link(url, min(2 * share, URL)):
        return [{"type": "link", "url": link, "text": shown, "style": style}]
    return [{"type": "text", "text": shown, "style": style}]


def spans(text: str, command: str) -> list[Json]:
    """The pieces of some words, what may be typed as code."""
    elements = []
    for place, part in enumerate(TYPED.split(text)):
        if place % 2:
            elements.append(span(under_command(part, command), code=True))
        elif part:
            elements.append(span(part))
    return elements


def section(*elements: Json) -> Json:
    """One paragraph of rich text."""
    return {"type": "rich_text_section", "elements": list(elements)}


def span(text: str, **style: bool) -> Json:
    """One piece of a paragraph."""
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def packed(*told: str | int, ascii: bool = True) -> str:  # noqa: A002
    """What a button holds, as JSON without the three signs that Slack may have escaped when it hands it back."""
    text = json.dumps(told, ensure_ascii=ascii)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _line(line: Line, share: int) -> list[Json]:
    parts = [one_line(text, min(share, SHORT)) for text in (line.detail, line.note, line.tally)]
    return [*heading(line.title, line.url, share), *(span(f"\n{text}") for text in parts if text)]
