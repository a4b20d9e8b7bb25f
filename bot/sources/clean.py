"""Cleans texts, names and dates from outside, so that they can be stored and shown."""

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
LINE_CHARS = 100_000
"""Characters of a line of authors that are read; 3,000 names, the longest lists there are, take half of it."""
CATEGORIES = 50
URL_CHARS = 2_000

_OLDEST = date(1665, 3, 6)
"""The first issue of the Philosophical Transactions: no paper is older."""

# Control characters, lone surrogates and unassigned characters, which databases refuse; invisible characters that
# hide in a text or reverse it. The joiners U+200C and U+200D stay: several scripts and emoji need them.
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
# In text that may be HTML: an end tag, a tag without attributes, or an entity. A "<" of mathematics is none of them.
_HTML = re.compile(r"</[a-z]|<[a-z][a-z:]{0,20}/?>|&(?:[a-z]{2,8}|#\d{1,6});", re.IGNORECASE)
_SILENT = frozenset({"script", "style", "template", "title"})
_INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "tt", "u"}
)
"""Tags that do not separate the words around them."""


def clean(text: object, limit: int) -> str:
    """The text on one line, composed (NFC), without hidden characters, at most `limit` characters long; "" for a value
    that is no text."""
    if not isinstance(text, str):
        return ""
    # The cut bounds the work. It leaves room for the characters that cleaning takes away.
    line = " ".join(_UNWANTED.sub("", normalized("NFC", text[: 4 * limit])).split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0][: limit - 1].rstrip() + "…"


def link(text: object) -> str:
    """The text if it is an http(s) link that can be shown and followed, else ""."""
    return web_link(clean(text, URL_CHARS + 1))


def count(value: object) -> int:
    """A number of votes or comments, at most 10⁹; 0 for any other value."""
    return min(value, 10**9) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def day(text: object, today: date) -> date | None:
    """The day of an ISO 8601 time, in its own offset from UTC; None for other texts, and for days that can't be."""
    if not isinstance(text, str):
        return None
    try:
        return plausible(datetime.fromisoformat(text.strip()).date(), today)
    except ValueError:
        return None


def plausible(published: date, today: date) -> date | None:
    """The day, or None if it lies before all papers or more than two days after today (time zones differ)."""
    return published if _OLDEST <= published <= today + timedelta(days=2) else None


def person(text: object) -> str:
    """The name of an author, with TeX accents in Unicode (`Andr\\'e` → `André`), without an affiliation after it."""
    name = clean(text, NAME_CHARS)
    if "\\" in name:
        name = converted(name)
    return clean(re.sub(r"\s*\(.*\)\s*$", "", name), NAME_CHARS)


def people(names: Iterable[object]) -> tuple[str, ...]:
    """Each author once, in order. Values that are no names are left out."""
    authors = (person(name) for name, _ in zip(names, range(AUTHORS), strict=False))
    return tuple(dict.fromkeys(name for name in authors if name))


def first_name_first(name: str) -> str:
    """A name that may be written with the last name first, as it is spoken.

    >>> first_name_first("Doe, J. A."), first_name_first("Reagle, Jr., J. M."), first_name_first("A Consortium")
    ('J. A. Doe', 'J. M. Reagle Jr.', 'A Consortium')
    """
    last, *rest = (part.strip() for part in name[: 4 * NAME_CHARS].split(",", 2))
    suffixes = [part for part in rest if part.casefold() in _SUFFIXES]
    first = [part for part in rest if part not in suffixes]
    return " ".join(part for part in (*first, last, *suffixes) if part)


def people_in(line: str) -> tuple[str, ...]:
    """The authors in one comma-separated line. Commas in brackets, as in an affiliation, separate no names."""
    first, *rest = _BETWEEN_NAMES.split(" ".join(line[:LINE_CHARS].split()))
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
    """The text that a reader of the HTML sees, on one line, at most ABSTRACT_CHARS characters.

    Tags are only removed, so a regular expression that works in linear time is enough; html.parser takes minutes for
    80 kB of "<a ".
    """
    words, text_start, silent_tag = [], 0, ""
    html = html[: 4 * ABSTRACT_CHARS]
    for tag in _TAG.finditer(html):
        if not silent_tag:
            words.append(html[text_start : tag.start()])
        text_start = tag.end()
        name = (tag["name"] or "").lower()
        if name in _SILENT and not silent_tag and not tag["end"]:
            silent_tag = name
        elif name == silent_tag and tag["end"]:
            silent_tag = ""
        if name not in _INLINE:
            words.append(" ")
    if not silent_tag:
        words.append(html[text_start:])
    return clean(unescape("".join(words)), ABSTRACT_CHARS)


def plain(value: object, limit: int) -> str:
    """A text as readers see it. Some texts hold tags, as <i>E. coli</i>; in others a "<" is just less than."""
    text = value if isinstance(value, str) else ""
    return clean(words_of_html(text) if _HTML.search(text[: 4 * limit]) else text, limit)
