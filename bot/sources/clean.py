"""Cleans texts, names and dates from outside, so that they can be stored and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from html import unescape

from recommender.author_names import LONGEST_NAME, MOST_AUTHORS, names_in, split_line
from recommender.paper import plausible, web_link
from recommender.tex import converted
from recommender.text import normalized

TITLE_CHARS = 1_000
ABSTRACT_CHARS = 20_000
NAME_CHARS = LONGEST_NAME
AUTHORS = MOST_AUTHORS
CATEGORIES = 50
URL_CHARS = 2_000

# Control characters, lone surrogates and unassigned characters, which databases refuse; invisible characters that
# hide in a text or reverse it. The joiners U+200C and U+200D stay: several scripts and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
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


def person(text: object) -> str:
    """The name of an author, with TeX accents in Unicode (`Andr\\'e` → `André`), without an affiliation after it."""
    name = clean(text, NAME_CHARS)
    if "\\" in name:
        name = converted(name)
    return clean(re.sub(r"\s*\(.*\)\s*$", "", name), NAME_CHARS)


def people(names: Iterable[object]) -> tuple[str, ...]:
    """Each author once, in order. Values that are no names, as ":" and "et al.", are left out."""
    authors = (person(name) for name, _ in zip(names, range(2 * AUTHORS), strict=False))
    return tuple(dict.fromkeys(name for author in authors for name in names_in(author)))[:AUTHORS]


def people_in(line: str) -> tuple[str, ...]:
    """The authors in one comma-separated line. Commas in brackets, as in an affiliation, separate no names."""
    return people(split_line(line))


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
