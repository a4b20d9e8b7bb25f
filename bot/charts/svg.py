"""Draws a chart as SVG for a page.

There is no script and no style: colours are presentation attributes, which a strict Content-Security-Policy allows and
any style sheet overrules by the classes `chart-text`, `chart-quiet`, `chart-rule`, `chart-first` and `chart-second`.
Texts have the page's own colour. The two other colours are for a light page; on a dark one the style sheet has lighter
ones for `chart-first` and `chart-second`.
"""

from __future__ import annotations

import re
from html import escape
from unicodedata import combining, east_asian_width

from bot.charts.drawing import Box, Ink, Words, draw
from bot.model.charts import Chart
from recommender.text import visible

_FILLS = {
    Ink.TEXT: 'fill="currentColor"',
    Ink.QUIET: 'fill="currentColor" fill-opacity="0.75"',
    Ink.RULE: 'fill="currentColor" fill-opacity="0.2"',
    Ink.FIRST: 'fill="#2f78bd"',
    Ink.SECOND: 'fill="#b95a14"',
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, even escaped."""
_LONGEST_TEXT = 4_000
_WIDE, _NARROW = "MWmw@%—…", "fijlrt .,:;'|!()[]"


def svg(chart: Chart, name: str = "chart") -> str:
    """The chart as an `<svg>` element. `name` begins the ids in it, and must be unique in its page."""
    drawing = draw(chart, _PageFont())
    name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    width, height = _number(drawing.width), _number(drawing.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-desc" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif">'
    )
    parts = [
        head,
        f'<title id="{name}-title">{_text(chart.title)}</title>',
        f'<desc id="{name}-desc">{_text(chart.text)}</desc>',
        *map(_box, drawing.boxes),
        *map(_words, drawing.words),
        "</svg>",
    ]
    return "\n".join(parts)


class _PageFont:
    """The page's font, which is not known: its widths are estimates on the wide side."""

    def showable(self, text: str, bold: bool) -> str:
        return _NOT_XML.sub("", text)

    def width(self, text: str, size: float, bold: bool) -> float:
        return sum(map(_character_width, text)) * size * (1.08 if bold else 1.0)


def _character_width(char: str) -> float:
    """The width of a character in a usual font, as a part of the font's size."""
    if combining(char):
        return 0.0
    if east_asian_width(char) in "WF":
        return 1.0
    return 0.95 if char in _WIDE else 0.35 if char in _NARROW else 0.7 if char.isupper() else 0.58


def _box(box: Box) -> str:
    place = f'x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" height="{_number(box.height)}"'
    return f'<rect {place} class="chart-{box.ink}" {_FILLS[box.ink]}/>'


def _words(words: Words) -> str:
    weight = ' font-weight="bold"' if words.bold else ""
    return (
        f'<text x="{_number(words.x)}" y="{_number(words.y)}" font-size="{_number(words.size)}" '
        f'text-anchor="{words.anchor}"{weight} class="chart-{words.ink}" {_FILLS[words.ink]}>'
        f"{_text(words.text)}</text>"
    )


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", visible(text[:_LONGEST_TEXT])))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
