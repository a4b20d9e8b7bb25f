"""Charts as values. Each place draws them in its own way: as SVG, as PNG, or with characters in a terminal.

Every chart has a `title`, and a `text` that tells its content to people who do not see it. Texts are plain; who draws
them cleans, cuts and escapes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. A positive value points to the side of the likes, a negative one to the side of the dislikes."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Some bars under a heading of their own."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars to both sides of an axis: `likes` names the right side, `dislikes` the left one. The longest bar has the
    greatest value of all groups, so only the ratios of the values matter."""

    title: str
    text: str
    groups: tuple[BarGroup, ...]
    likes: str = "likes"
    dislikes: str = "avoids"

    @property
    def largest(self) -> float:
        """The greatest value without its sign, 0.0 if there is none."""
        return max(
            (abs(bar.value) for group in self.groups for bar in group.bars if math.isfinite(bar.value)), default=0.0
        )

    def length(self, bar: Bar) -> float:
        """The length of a bar, from 0.0 to 1.0 for the longest; 0.0 if its value is not finite."""
        largest = self.largest
        return abs(bar.value) / largest if largest and math.isfinite(bar.value) else 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, as counts: 2 of 3."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share from 0.0 to 1.0, None if there is no whole."""
        return min(max(self.part, 0), self.whole) / self.whole if self.whole > 0 else None


@dataclass(frozen=True, slots=True)
class Series:
    """A share over time: one for each label of the chart."""

    name: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class ShareChart:
    """Shares over time, as columns from 0 to 100 %. `labels` name the times. Two series stand beside each other."""

    title: str
    text: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]


Chart: TypeAlias = BarChart | ShareChart
