"""Turns a chart into a drawing: rectangles and lines of text at places that are counted in units from the top left.

A drawing is 400 units wide, as a phone shows it. It is bounded: a chart has at most so many bars or columns, and every
text is cut to its room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Protocol

from bot.model.charts import BarChart, Chart, ShareChart
from recommender.text import normalized, visible

WIDTH = 400.0
MOST_GROUPS, MOST_BARS, MOST_COLUMNS, MOST_SERIES = 4, 24, 12, 2
"""What a chart shows at most. The rest is in its text alone."""
_PAD = 16.0
_LONGEST = 300
"""Longer texts are cut to so many characters before they are measured."""
_TITLE_SIZE, _SIZE, _SMALL = 15.0, 14.0, 12.0
_ROW, _BAR = 23.0, 13.0
_PLOT_HEIGHT, _SCALE_WIDTH = 150.0, 36.0
_TICKS = (0.0, 0.5, 1.0)


class Ink(StrEnum):
    """The colour of a shape, by its meaning. The renderers know the colours."""

    TEXT = "text"
    QUIET = "quiet"
    RULE = "rule"
    FIRST = "first"  # the likes, or the first series
    SECOND = "second"


class Anchor(StrEnum):
    """The part of a text that stands at its place."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle with its top left corner at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text. `y` is its baseline."""

    x: float
    y: float
    text: str
    size: float
    ink: Ink = Ink.TEXT
    anchor: Anchor = Anchor.START
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with every shape at its place."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    words: tuple[Words, ...]


class Typeface(Protocol):
    """The letters of a renderer."""

    def showable(self, text: str, bold: bool) -> str:
        """The text with other characters for those that can't be shown."""
        ...

    def width(self, text: str, size: float, bold: bool) -> float:
        """The width of a line in units."""
        ...


def draw(chart: Chart, typeface: Typeface) -> Drawing:
    """The drawing of a chart."""
    page = _Page(typeface)
    page.title(chart.title)
    if isinstance(chart, BarChart):
        _bars(chart, page)
    else:
        _columns(chart, page)
    return page.drawing()


class _Page:
    """The shapes so far, and the height that they take."""

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface
        self._boxes: list[Box] = []
        self._words: list[Words] = []
        self.y = _PAD

    def drawing(self) -> Drawing:
        return Drawing(WIDTH, self.y + _PAD, tuple(self._boxes), tuple(self._words))

    def box(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        self._boxes.append(Box(x, y, width, height, ink))

    def write(
        self,
        x: float,
        y: float,
        text: str,
        room: float,
        size: float = _SIZE,
        ink: Ink = Ink.TEXT,
        anchor: Anchor = Anchor.START,
        *,
        bold: bool = False,
    ) -> None:
        """Write a line, cut to its room."""
        if line := self.fitting(text, room, size, bold):
            self._words.append(Words(x, y, line, size, ink, anchor, bold))

    def title(self, text: str) -> None:
        self.write(_PAD, self.y + _TITLE_SIZE, text, WIDTH - 2 * _PAD, _TITLE_SIZE, bold=True)
        self.y += _TITLE_SIZE + 10

    def fitting(self, text: str, room: float, size: float, bold: bool = False) -> str:
        """The longest start of a text that fits into the room; with an ellipsis if something is missing."""
        line = self._typeface.showable(_one_line(text), bold)
        if self._typeface.width(line, size, bold) <= room:
            return line
        fits, too_long = 0, len(line)
        while too_long - fits > 1:
            length = (fits + too_long) // 2
            fitting = self._typeface.width(f"{line[:length].rstrip()}…", size, bold) <= room
            fits, too_long = (length, too_long) if fitting else (fits, length)
        return f"{line[:fits].rstrip()}…" if fits else ""

    def width(self, text: str, size: float) -> float:
        return self._typeface.width(self._typeface.showable(_one_line(text), bold=False), size, bold=False)


def _bars(chart: BarChart, page: _Page) -> None:
    """Bars from the axis in the middle: likes to the right, with their labels on the left, and the other way round."""
    axis = WIDTH / 2
    room = axis - _PAD - 8
    page.write(axis - 8, page.y + _SMALL, f"◀ {chart.dislikes}", room, _SMALL, Ink.SECOND, Anchor.END, bold=True)
    page.write(axis + 8, page.y + _SMALL, f"{chart.likes} ▶", room, _SMALL, Ink.FIRST, bold=True)
    page.y += _SMALL + 8
    left = MOST_BARS
    for group in chart.groups[:MOST_GROUPS]:
        bars = group.bars[:left]
        if not bars:
            continue
        left -= len(bars)
        page.write(_PAD, page.y + _SMALL + 4, group.name, WIDTH - 2 * _PAD, _SMALL, Ink.QUIET)
        page.y += _SMALL + 12
        top = page.y
        for bar in bars:
            length = max(chart.length(bar) * room, 1.5)
            baseline, y = page.y + 17, page.y + (_ROW - _BAR) / 2
            if bar.value >= 0:
                page.box(axis, y, length, _BAR, Ink.FIRST)
                page.write(axis - 8, baseline, bar.label, room, anchor=Anchor.END)
            else:
                page.box(axis - length, y, length, _BAR, Ink.SECOND)
                page.write(axis + 8, baseline, bar.label, room)
            page.y += _ROW
        page.box(axis - 0.5, top, 1, page.y - top, Ink.QUIET)
        page.y += 6


def _columns(chart: ShareChart, page: _Page) -> None:
    """Columns over a scale of percents, with the counts below them."""
    inks = (Ink.FIRST, Ink.SECOND)
    series = chart.series[:MOST_SERIES]
    for each, ink in zip(series, inks, strict=False):
        page.box(_PAD, page.y + 1, 10, 10, ink)
        page.write(_PAD + 16, page.y + 11, each.name, WIDTH - 2 * _PAD - 16, _SMALL)
        page.y += _SMALL + 7
    page.y += 8
    left, top = _PAD + _SCALE_WIDTH, page.y
    bottom = top + _PLOT_HEIGHT
    for tick in _TICKS:
        y = bottom - tick * _PLOT_HEIGHT
        page.box(left, y - 0.5, WIDTH - _PAD - left, 1, Ink.RULE if tick else Ink.QUIET)
        page.write(left - 6, y + 4, f"{tick:.0%}", _SCALE_WIDTH, 11, Ink.QUIET, Anchor.END)
    labels = chart.labels[-MOST_COLUMNS:]
    slot = (WIDTH - _PAD - left) / max(len(labels), 1)
    column = min(slot * 0.8 / max(len(series), 1), 30.0)
    step = next(_steps(page, labels, slot))
    for place, label in enumerate(labels):
        middle = left + (place + 0.5) * slot
        if (len(labels) - 1 - place) % step == 0:
            page.write(middle, bottom + 16, label, step * slot, 10.5, Ink.QUIET, Anchor.MIDDLE)
        for number, (each, ink) in enumerate(zip(series, inks, strict=False)):
            shares = each.shares[-len(labels) :]
            place_in_series = place - (len(labels) - len(shares))
            share = shares[place_in_series] if place_in_series >= 0 else None
            if share is None or share.value is None:
                continue
            height = max(share.value * _PLOT_HEIGHT, 2.0)
            page.box(middle + (number - len(series) / 2) * column + 0.5, bottom - height, column - 1, height, ink)
            counts = f"{share.part}/{share.whole}"
            page.write(middle, bottom + 32 + 14 * number, counts, slot - 1, 10.5, ink, Anchor.MIDDLE)
    page.y = bottom + 22 + 14 * len(series)


def _steps(page: _Page, labels: tuple[str, ...], slot: float) -> Iterator[int]:
    """The distances between labels at which none runs into the next, the smallest first."""
    widest = max((page.width(label, 10.5) for label in labels), default=0.0)
    for step in range(1, len(labels) + 1):
        if widest <= step * slot - 4:
            yield step
    yield max(len(labels), 1)


def _one_line(text: str) -> str:
    line = " ".join(visible(text[: 2 * _LONGEST]).split())
    return "".join(islice(normalized("NFC", line), _LONGEST))
