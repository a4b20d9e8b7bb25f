"""What comes from outside, made fit to keep: text, names and dates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from html.parser import HTMLParser

from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexWalkerParseError

TITLE_CHARS = 1_000
ABSTRACT_CHARS = 20_000
NAME_CHARS = 200
AUTHORS = 2_000
CATEGORIES = 50
URL_CHARS = 2_000

_OLDEST = date(1665, 3, 6)
"""The first issue of the Philosophical Transactions: no paper is older."""

# Controls, lone surrogates and unassigned characters no database wants; invisible characters that turn
# text around or hide in it. The joiners U+200C and U+200D stay: several scripts and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SUFFIXES = {"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"}
_BETWEEN_NAMES = re.compile(r"[,;](?![^(]*\))|\s+and\s+")
_DEEPEST_TEX = 20


def clean(text: object, limit: int) -> str:
    """`text` on one line, composed (NFC), without what hides in it, at most `limit` characters; "" for no text."""
    if not isinstance(text, str):
        return ""
    # The cap first bounds the work, and leaves room for what cleaning takes away.
    line = " ".join(_UNWANTED.sub("", unicodedata.normalize("NFC", text[: 4 * limit])).split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0][: limit - 1].rstrip() + "…"


def link(text: object) -> str:
    """`text` if it is an http(s) link that can be shown and followed, else ""."""
    found = clean(text, URL_CHARS + 1)
    fit = re.fullmatch(r"https?://[^\s<>\"\\^`{|}]+", found, re.IGNORECASE)
    return found if fit and len(found) <= URL_CHARS else ""


def count(value: object) -> int:
    """A number of votes or comments; 0 for anything that is none."""
    return min(value, 10**9) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def day(text: object, today: date) -> date | None:
    """The day an ISO 8601 time names, in the offset it is written in; None when it names none that can be true."""
    if not isinstance(text, str):
        return None
    try:
        return plausible(datetime.fromisoformat(text.strip()).date(), today)
    except ValueError:
        return None


def plausible(found: date, today: date) -> date | None:
    """`found`, unless it lies before all papers or after `today` (two days are left for the turning of the globe)."""
    return found if _OLDEST <= found <= today + timedelta(days=2) else None


def person(text: object) -> str:
    """One author's name, TeX accents turned to Unicode (`Andr\\'e` → `André`), without an affiliation behind it."""
    name = clean(text, NAME_CHARS)
    # pylatexenc walks braces by recursion, so a name nested deeper than any real one is left alone.
    if "\\" in name and name.count("{") <= _DEEPEST_TEX:
        with suppress(LatexWalkerParseError, ValueError, IndexError):
            name = LatexNodes2Text().latex_to_text(re.sub(r"(?<!\\)([%&#])", r"\\\1", name))
    return clean(re.sub(r"\s*\(.*\)\s*$", "", name), NAME_CHARS)


def people(names: Iterable[object]) -> tuple[str, ...]:
    """Each author once, in order; what is no name is left out."""
    found = (person(name) for name, _ in zip(names, range(AUTHORS), strict=False))
    return tuple(dict.fromkeys(name for name in found if name))


def people_in(line: str) -> tuple[str, ...]:
    """The authors in one comma-separated line; commas inside an affiliation's brackets do not part names."""
    parts: list[str] = []
    for part in _BETWEEN_NAMES.split(line[: AUTHORS * NAME_CHARS]):
        if parts and part.strip().lower() in _SUFFIXES:
            parts[-1] += "," + part
        else:
            parts.append(part)
    return people(parts)


class _Text(HTMLParser):
    """Keeps the words of a page: no tags, no scripts, a space where a block ends."""

    _SILENT = frozenset({"script", "style", "template", "title"})
    _INLINE = frozenset({"a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub",
                         "sup", "tt", "u"})  # fmt: skip

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if not self._silent and tag in self._SILENT:
            self._silent = tag
        if tag not in self._INLINE:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        if tag not in self._INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def words_of_html(html: str) -> str:
    """The text a reader of `html` would see, on one line, at most ABSTRACT_CHARS."""
    page = _Text()
    page.feed(html[: 4 * ABSTRACT_CHARS])
    page.close()
    return clean("".join(page.words), ABSTRACT_CHARS)
