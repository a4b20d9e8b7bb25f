"""What comes from outside, made fit to keep: text, names and dates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from html import unescape

from recommender.paper import web_link
from recommender.tex import converted
from recommender.text import normalized

TITLE_CHARS = 1_000
ABSTRACT_CHARS = 20_000
NAME_CHARS = 200
AUTHORS = 2_000
_LINE_CHARS = 100_000
"""Characters of a line of authors that are read; 3,000 names, the longest lists there are, take half of it."""
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
_BETWEEN_NAMES = re.compile(r"([(),;]| and )")
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<end>/?)(?P<name>[a-z][a-z0-9:-]*)[^>]*(?:>|\Z)|<[!?][^>]*(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_SILENT = frozenset({"script", "style", "template", "title"})
_INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "tt", "u"}
)
"""Tags that do not part the words around them."""


def clean(text: object, limit: int) -> str:
    """`text` on one line, composed (NFC), without what hides in it, at most `limit` characters; "" for no text."""
    if not isinstance(text, str):
        return ""
    # The cap first bounds the work, and leaves room for what cleaning takes away.
    line = " ".join(_UNWANTED.sub("", normalized("NFC", text[: 4 * limit])).split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0][: limit - 1].rstrip() + "…"


def link(text: object) -> str:
    """`text` if it is an http(s) link that can be shown and followed, else ""."""
    return web_link(clean(text, URL_CHARS + 1))


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
    if "\\" in name:
        name = converted(name)
    return clean(re.sub(r"\s*\(.*\)\s*$", "", name), NAME_CHARS)


def people(names: Iterable[object]) -> tuple[str, ...]:
    """Each author once, in order; what is no name is left out."""
    found = (person(name) for name, _ in zip(names, range(AUTHORS), strict=False))
    return tuple(dict.fromkeys(name for name in found if name))


def people_in(line: str) -> tuple[str, ...]:
    """The authors in one comma-separated line; what stands in brackets, as an affiliation does, parts no names."""
    first, *rest = _BETWEEN_NAMES.split(" ".join(line[:_LINE_CHARS].split()))
    parts, depth = [[first]], 0
    for separator, text in zip(rest[::2], rest[1::2], strict=True):
        if separator in ("(", ")"):
            depth = max(0, depth + (1 if separator == "(" else -1))
            parts[-1] += separator, text
        elif depth:
            parts[-1] += separator, text
        elif len(parts) < 2 * AUTHORS:
            parts.append([text])
        else:
            break
    names: list[str] = []
    for part in map("".join, parts):
        if names and part.strip().lower() in _SUFFIXES:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return people(names)


def words_of_html(html: str) -> str:
    """The text a reader of `html` would see, on one line, at most ABSTRACT_CHARS.

    Tags are only taken away, so one linear expression does; html.parser takes minutes for 80 kB of "<a ".
    """
    words, after, silent = [], 0, ""
    html = html[: 4 * ABSTRACT_CHARS]
    for tag in _TAG.finditer(html):
        if not silent:
            words.append(html[after : tag.start()])
        after = tag.end()
        name = (tag["name"] or "").lower()
        if name in _SILENT and not silent and not tag["end"]:
            silent = name
        elif name == silent and tag["end"]:
            silent = ""
        if name not in _INLINE:
            words.append(" ")
    if not silent:
        words.append(html[after:])
    return clean(unescape("".join(words)), ABSTRACT_CHARS)
