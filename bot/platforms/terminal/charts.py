"""Draws charts with characters, as a renderable of rich.

A chart needs no colour: likes and dislikes stand on two sides, and two series have two patterns. In a narrow terminal
all bars begin at the left, with a sign before each label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bot.model.charts import Bar, BarChart, BarGroup, Chart, Series, Share, ShareChart
from bot.platforms.terminal.sanitize import one_line

_WIDEST = 100
"""Longer lines would be hard to follow."""
_TWO_SIDES = 50
"""The fewest columns for bars to both sides."""
_SHORTEST_BAR = 4
"""Where there is less room for a bar, there are words alone."""
_MOST_BARS, _MOST_LABELS, _MOST_SERIES, _LONGEST = 24, 12, 2, 200
_FIRST, _SECOND, _QUIET, _TITLE = "cyan", "yellow", "dim", "bold"


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart that fits the width of the console."""

    chart: Chart

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pen = _Pen(max(min(options.max_width, _WIDEST), 1), *("#=|." if options.ascii_only else "█▒│·"))
        lines = pen.bars(self.chart) if isinstance(self.chart, BarChart) else pen.shares(self.chart)
        for line in [Text(""), Text(pen.cut(self.chart.title, pen.width), _TITLE), *lines]:
            line.truncate(pen.width)
            line.rstrip()
            line.no_wrap = True
            yield line


@dataclass(frozen=True, slots=True)
class _Pen:
    """The room for a chart in columns, and the characters of which it is made."""

    width: int
    first: str
    second: str
    axis: str
    empty: str

    def bars(self, chart: BarChart) -> Iterator[Text]:
        groups = list(_bounded(chart.groups))
        if self.width >= _TWO_SIDES:
            yield self._around_axis(Text(f"{chart.dislikes} ", _SECOND), Text(f" {chart.likes}", _FIRST), " ")
        labels = [_signed(bar) for group in groups for bar in group.bars]
        column = min(max(map(cell_len, labels), default=0), max(self.width // 2, self.width - 24))
        for group in groups:
            yield Text(self.cut(group.name, self.width), _QUIET)
            for bar in group.bars:
                yield self._two_sided(chart, bar) if self.width >= _TWO_SIDES else self._one_sided(chart, bar, column)

    def _two_sided(self, chart: BarChart, bar: Bar) -> Text:
        """A bar on its side of the axis, and its label on the other."""
        half = (self.width - 1) // 2
        label, drawn = self.cut(bar.label, half - 1), self._bar(chart, bar, half)
        if bar.value >= 0:
            return self._around_axis(Text(f"{label} "), drawn, self.axis)
        return self._around_axis(drawn, Text(f" {label}"), self.axis)

    def _around_axis(self, before: Text, after: Text, axis: str) -> Text:
        margin = " " * max((self.width - 1) // 2 - before.cell_len, 0)
        return Text.assemble(margin, before, (axis, _QUIET), after)

    def _one_sided(self, chart: BarChart, bar: Bar, column: int) -> Text:
        room = self.width - column - 1
        if room < _SHORTEST_BAR:
            return Text(self.cut(_signed(bar), self.width))
        return Text.assemble(set_cell_size(self.cut(_signed(bar), column), column), " ", self._bar(chart, bar, room))

    def _bar(self, chart: BarChart, bar: Bar, room: int) -> Text:
        pattern, style = (self.first, _FIRST) if bar.value >= 0 else (self.second, _SECOND)
        return Text(pattern * _cells(chart.length(bar), room), style)

    def shares(self, chart: ShareChart) -> Iterator[Text]:
        patterns = ((self.first, _FIRST), (self.second, _SECOND))
        series = chart.series[:_MOST_SERIES]
        for each, (pattern, style) in zip(series, patterns, strict=False):
            yield Text.assemble((pattern * 2, style), " ", self.cut(each.name, self.width - 3))
        labels = [self.cut(label, max(self.width // 3, 1)) for label in chart.labels[-_MOST_LABELS:]]
        rows = [[_share(each, place, len(labels)) for each in series] for place in range(len(labels))]
        column = max(map(cell_len, labels), default=0)
        most = max((len(_counts(share)) for row in rows for share in row), default=0)
        for label, row in zip(labels, rows, strict=True):
            for number, (share, (pattern, style)) in enumerate(zip(row, patterns, strict=False)):
                start = set_cell_size("" if number else label, column)
                bar = self._share_bar(share, pattern, style, self.width - column - most - 4)
                yield Text.assemble(start, bar, "  ", _counts(share).rjust(most))

    def _share_bar(self, share: Share | None, pattern: str, style: str, room: int) -> Text:
        if room < _SHORTEST_BAR:
            return Text("")
        if share is None or share.value is None:
            return Text(" " * (room + 2))
        full = _cells(share.value, room)
        return Text.assemble("  ", (pattern * full, style), (self.empty * (room - full), _QUIET))

    @staticmethod
    def cut(text: str, width: int) -> str:
        """A text on one line that takes so many columns at most."""
        line = one_line(text, _LONGEST)
        if cell_len(line) <= width:
            return line
        return f"{set_cell_size(line, width - 1).rstrip()}…" if width > 1 else ""


def _bounded(groups: Iterable[BarGroup]) -> Iterator[BarGroup]:
    """The groups with their first bars, so many in all as are shown."""
    left = _MOST_BARS
    for group in groups:
        if bars := group.bars[:left]:
            yield replace(group, bars=bars)
        left -= len(bars)


def _signed(bar: Bar) -> str:
    return f"{'+' if bar.value >= 0 else '-'} {one_line(bar.label, _LONGEST)}"


def _share(series: Series, place: int, among: int) -> Share | None:
    """The share at a place among the last labels. The last share belongs to the last label."""
    place += len(series.shares) - among
    return series.shares[place] if place >= 0 else None


def _counts(share: Share | None) -> str:
    return "-" if share is None or share.value is None else f"{share.part} of {share.whole}"


def _cells(part: float, room: int) -> int:
    """The length of a bar: at least one unless it is empty."""
    return max(round(part * room), 1) if part > 0 else 0
