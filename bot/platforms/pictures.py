"""The charts of an answer as picture files, for platforms that show pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.charts.png import png
from bot.model.charts import Chart
from bot.platforms.rendering import one_line

log = structlog.get_logger(__name__)
_MOST = 4
_TITLE, _TEXT = 100, 900


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file. `text` tells its content to those who do not see it, in at most 900 characters."""

    name: str
    title: str
    text: str
    content: bytes


async def drawn(charts: Sequence[Chart]) -> tuple[Picture, ...]:
    """The charts as pictures, drawn in a thread. A chart that can't be drawn is left out: the answer's text says the
    same, and the log says why."""
    pictures: list[Picture] = []
    for number, chart in enumerate(charts[:_MOST], 1):
        if content := await asyncio.to_thread(_png, chart):
            texts = one_line(chart.title, _TITLE), one_line(chart.text, _TEXT)
            pictures.append(Picture(f"chart-{number}.png", *texts, content))
    return tuple(pictures)


def _png(chart: Chart) -> bytes:
    try:
        return png(chart)
    except Exception:
        log.exception("A chart could not be drawn.")
        return b""
