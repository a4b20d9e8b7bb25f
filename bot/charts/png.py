"""Draws a chart as PNG for chat, with a font of its own.

The background is opaque, so that the picture reads well in light and in dark clients. Pillow is imported with the first
picture. A picture takes some milliseconds of computing: draw it in a thread.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from bot.charts.drawing import Anchor, Ink, draw
from bot.model.charts import Chart
from recommender.text import normalized

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_SCALE = 2
"""Pixels for a unit: twice as many as a plain screen shows, for screens with small pixels."""
_PAPER = "#ffffff"
_COLOURS = {
    Ink.TEXT: "#1d1c1d",
    Ink.QUIET: "#616061",
    Ink.RULE: "#dddcda",
    Ink.FIRST: "#2f78bd",
    Ink.SECOND: "#b95a14",
}
_ANCHORS = {Anchor.START: "ls", Anchor.MIDDLE: "ms", Anchor.END: "rs"}
_REGULAR, _BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"
_MISSING, _NOWHERE = "…", "\U0010ffff"
"""The sign for a run of letters that the font lacks, and a character that no font has."""
_MISSING_RUN = re.compile(rf"{_MISSING}(?:\s*{_MISSING})+")
_LOOKS = "\u200d\ufe0e\ufe0f"
"""Signs that change the look of an emoji."""
_PICTURES = frozenset(("So", "Sk", "Mn", "Me", "Cf"))
"""Unicode's categories of emoji, flags, and marks."""
_PROBE = 12
_drawing = threading.Lock()
"""A face of FreeType must not be used by two threads at once."""


def png(chart: Chart) -> bytes:
    """The chart as a PNG, 800 pixels wide and at most 1,600 high."""
    from PIL import Image, ImageDraw

    with _drawing:
        drawing = draw(chart, _OwnFont())
        size = round(drawing.width * _SCALE), round(drawing.height * _SCALE)
        picture = Image.new("RGB", size, _PAPER)
        pen = ImageDraw.Draw(picture)
        for box in drawing.boxes:
            left, top = round(box.x * _SCALE), round(box.y * _SCALE)
            right, bottom = round((box.x + box.width) * _SCALE), round((box.y + box.height) * _SCALE)
            pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), fill=_COLOURS[box.ink])
        for words in drawing.words:
            font = _font(_BOLD if words.bold else _REGULAR, round(words.size * _SCALE))
            place = words.x * _SCALE, words.y * _SCALE
            pen.text(place, words.text, fill=_COLOURS[words.ink], font=font, anchor=_ANCHORS[words.anchor])
        # Few colours make a small file; 64 keep the soft edges of the letters.
        few = picture.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        out = io.BytesIO()
        few.save(out, "PNG", optimize=True)
    return out.getvalue()


class _OwnFont:
    """DejaVu Sans, of which Latin, Greek and Cyrillic letters and the signs of mathematics are in the package."""

    def showable(self, text: str, bold: bool) -> str:
        """The text with the plain form of each character that the font lacks (𝔽 → F). Emoji that it lacks are left
        out, and there is one "…" for all other letters in a row, such as Chinese ones: the picture's alternative text
        has them all."""
        name = _BOLD if bold else _REGULAR
        shown = "".join(_showable(char, name) for char in text)
        if shown == text:
            return text
        shown = " ".join(_MISSING_RUN.sub(_MISSING, shown).split())
        return shown or (_MISSING if text.strip() else "")

    def width(self, text: str, size: float, bold: bool) -> float:
        return _font(_BOLD if bold else _REGULAR, round(size * _SCALE)).getlength(text) / _SCALE


@lru_cache(10_000)
def _showable(char: str, name: str) -> str:
    if char not in _LOOKS and _has(char, name):
        return char
    plain = normalized("NFKC", char)
    if plain != char and all(_has(each, name) for each in plain):
        return plain
    return "" if unicodedata.category(char) in _PICTURES else _MISSING


def _has(char: str, name: str) -> bool:
    """Whether a font has a character. Pillow does not tell, but draws the same sign for all that are missing."""
    font = _font(name, _PROBE)
    return char == " " or bytes(font.getmask(char)) != bytes(font.getmask(_NOWHERE))


@lru_cache(32)
def _font(name: str, pixels: int) -> FreeTypeFont:
    """A font at one size. The basic layout gives the same picture on every machine."""
    from PIL import ImageFont

    content = io.BytesIO(files("bot.charts").joinpath("fonts", name).read_bytes())
    return ImageFont.truetype(content, pixels, layout_engine=ImageFont.Layout.BASIC)
