"""Block Kit's rich text for words, titles and lists. Every text is cut to Slack's limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot.model.messages import Line, Link
from bot.model.number_emoji import keycap
from bot.model.text import cut
from bot.platforms.rendering import TYPED, one_line, under_command, web_link
from recommender.text import visible

Json = dict[str, Any]

MAX_TEXT = 3_000
"""Characters of the bot's own words in one message."""
MOST_LINES = 30
TITLE, SHORT, URL = 300, 300, 500
"""Characters of a title, of the texts below it, and of a link."""


def own_words(text: str, share: int, command: str) -> list[Json]:
    """The bot's own words as blocks. Backticks mark words that a member may type."""
    elements = spans(cut(visible(text).strip(), min(10 * share, MAX_TEXT)), command)
    return [{"type": "rich_text", "elements": [section(*elements)]}] if elements else []


def paper_list(lines: Sequence[Line], share: int, style: str = "ordered") -> list[Json]:
    """A list of papers, numbered or with a `style` of "bullet", with the texts below each title."""
    items = [section(*_line(line, share)) for line in lines[:MOST_LINES]]
    if not items:
        return []
    return [{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": style, "elements": items}]}]


def numbered_list(lines: Sequence[Line], share: int, *, bold: bool = True) -> list[Json]:
    """A list of papers, each with the number emoji that likes it."""
    numbers = enumerate(lines[:MOST_LINES], 1)
    items = [section(span(f"{keycap(number)}  "), *_line(line, share, bold=bold)) for number, line in numbers]
    return [{"type": "rich_text", "elements": [item]} for item in items]


def heading(title: str, url: str, share: int, *, bold: bool = True) -> list[Json]:
    """A title, linked to `url` if that is a web link."""
    text = one_line(title, min(share, TITLE)) or "(untitled)"
    style = {"style": {"bold": True}} if bold else {}
    if link := web_link(url, min(2 * share, URL)):
        return [{"type": "link", "url": link, "text": text, **style}]
    return [{"type": "text", "text": text, **style}]


def addresses(links: Sequence[Link]) -> list[Json]:
    """Links with their labels and their whole addresses, each on a line of its own."""
    sections = [section(span(f"{link.label}: "), {"type": "link", "url": link.url}) for link in links]
    return [{"type": "rich_text", "elements": sections}] if sections else []


def quote(text: str) -> Json:
    """A paragraph with a bar at its side."""
    return {"type": "rich_text_quote", "elements": [span(text)]}


def spans(text: str, command: str) -> list[Json]:
    """A text as spans; the parts between backticks become code."""
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


def button_value(*values: str | int, ascii: bool = True) -> str:  # noqa: A002
    """The value of a button, as JSON. `&`, `<` and `>` are written as escapes, since Slack may hand them back
    changed."""
    text = json.dumps(values, ensure_ascii=ascii)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _line(line: Line, share: int, *, bold: bool = True) -> list[Json]:
    parts = [one_line(text, min(share, SHORT)) for text in (line.detail, line.note, line.tally)]
    return [*heading(line.title, line.url, share, bold=bold), *(span(f"\n{text}") for text in parts if text)]
