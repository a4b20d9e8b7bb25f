"""Cleans texts, names and dates from outside, so that they can be stored and shown."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime
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
# A comment, a tag, or a declaration. Whether a "<" with a name after it is a tag, `_is_tag` says.
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-z][a-z0-9:.-]*)(?P<rest>(?:[\s/](?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)?)(?P<close>>|\Z)"
    r"|<[!?][^<>]*(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_END_TAG = re.compile(r"</([a-z][a-z0-9:.-]{0,50})\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_TAG_NAMES = """
a abbr acronym address article aside audio b bdi bdo big blink blockquote body br button canvas caption center cite
code col colgroup dd del details dfn dir div dl dt em embed fieldset figcaption figure font footer form frame
frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark marquee
meta nav nobr noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script
section select small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th
thead time title tr track tt u ul var video wbr math mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom
mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none
semantics annotation bold ext-link inline-formula italic jats monospace sc sec styled-content underline xref
"""
_TAGS = frozenset(_TAG_NAMES.split())
"""Names of elements of HTML, of MathML, and of the format in which publishers exchange abstracts (JATS)."""
_BARE_ATTRIBUTES = frozenset(
    ("async", "checked", "compact", "controls", "defer", "disabled", "hidden", "nowrap", "open", "selected")
)
_YEAR_FIRST = re.compile(
    r"(?P<year>[12]\d{3})(?:[-/.年년]\s?(?P<month>\d{1,2})(?:[-/.月월]\s?(?P<day>\d{1,2})(?!\d))?(?!\d)|(?=\s*\Z))"
)
_ORDINAL = re.compile(r"([12]\d{3})-(\d{3})")
_UNIX_TIME = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d{1,9})?")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?!\d)")
_TIME_OF_DAY = re.compile(r"\d{1,2}(?::\d{2})+\S*|(?<=\s)[+-]\d{4}\b|\b\d{1,2}\s?[ap]\.?m\b", re.IGNORECASE)
_WORD_OF_DATE = re.compile(r"\d+|[^\W\d_]+")
_MONTHS = {
    key: month
    for month, keys in enumerate(
        (
            "jan janv ene gen янв ιαν",
            "feb fev fevr лют фев φεβ",
            "mar mars marz maar mrt мар μαρ",
            "apr avr abr kwie апр απρ",
            "may mai mei maj mag маи мая μαι",
            "jun juin giu июн ιουν",
            "jul juil lug июл ιουλ",
            "aug aou ago авг αυγ",
            "sep set wrz сен σεπ",
            "oct okt out ott окт οκτ",
            "nov нов νοε",
            "dec dez dic дек δεκ",
        ),
        start=1,
    )
    for key in keys.split()
}
"""The months by the first letters of their names, in the languages of most feeds."""
_SILENT = frozenset({"annotation", "annotation-xml", "script", "style", "template", "title"})
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
    """The day that a date means, in its own offset from UTC: an ISO 8601 time, a date of an e-mail, or a date as people
    write it. None for other texts, for days that can't be, and for a time of day alone.

    Of 5/4/2017 the month comes first, unless that day is still to come or there is no such month; of 5.4.2017 the day
    does.

    >>> day("Thu, 4 May 2017 19:40:17", date(2026, 3, 6)), day("le 4 mai 2017", date(2026, 3, 6))
    (datetime.date(2017, 5, 4), datetime.date(2017, 5, 4))
    """
    if not isinstance(text, str):
        return None
    days = (possible for order in _orders(" ".join(text[:100].split())) if (possible := _date(*order)))
    return next((possible for possible in days if plausible(possible, today)), None)


def _orders(text: str) -> Iterator[tuple[int, int, int]]:
    """What a text may mean as year, month and day, the likeliest first."""
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        yield moment.year, moment.month, moment.day
        return
    if seconds := _UNIX_TIME.fullmatch(text):
        moment = datetime.fromtimestamp(int(seconds[1]), UTC)
        yield moment.year, moment.month, moment.day
    elif year_first := _YEAR_FIRST.match(text):
        year, month, day_of_month = (int(part or 1) for part in year_first.group("year", "month", "day"))
        yield year, month, day_of_month
    elif ordinal := _ORDINAL.fullmatch(text):
        with contextlib.suppress(ValueError):
            moment = datetime.strptime(f"{ordinal[1]} {ordinal[2]}", "%Y %j")  # noqa: DTZ007 - only its day counts
            yield moment.year, moment.month, moment.day
    elif numbers := _NUMBERS.search(text):
        one, other, year = int(numbers[1]), int(numbers[3]), _whole_year(numbers[4])
        yield from [(year, one, other), (year, other, one)][:: 1 if numbers[2] == "/" else -1]
    else:
        yield from _with_month_name(text)


def _with_month_name(text: str) -> Iterator[tuple[int, int, int]]:
    words = _WORD_OF_DATE.findall(_TIME_OF_DAY.sub(" ", text).casefold())
    months = [_MONTHS[key] for word in words if (key := _month_key(word)) in _MONTHS]
    numbers = [word for word in words if word.isdecimal()]
    if not months or not numbers:
        return
    years = [number for number in numbers if len(number) == 4]
    days = [int(number) for number in numbers if len(number) <= 2]
    if years:
        yield int(years[0]), months[0], days[0] if days else 1
    elif len(days) > 1:
        yield _whole_year(numbers[1]), months[0], days[0]


def _month_key(word: str) -> str:
    bare = "".join(char for char in normalized("NFKD", word) if char.isalpha())
    return next((bare[:length] for length in (4, 3) if bare[:length] in _MONTHS), "")


def _whole_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 70 else 1900)


def _date(year: int, month: int, day_of_month: int) -> date | None:
    try:
        return date(year, month, day_of_month)
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
    ended = {name.lower() for name in _END_TAG.findall(html)}
    for tag in _TAG.finditer(html):
        if not _is_tag(tag, ended):
            continue
        if not silent_tag:
            words.append(html[text_start : tag.start()])
        text_start = tag.end()
        name = (tag["name"] or "").lower().rpartition(":")[2]
        if name in _SILENT and not silent_tag and not tag["end"]:
            silent_tag = "" if tag["rest"].endswith("/") else name
        elif name == silent_tag and tag["end"]:
            silent_tag = ""
        if name not in _INLINE:
            words.append(" ")
    if not silent_tag:
        words.append(html[text_start:])
    return clean(unescape("".join(words)), ABSTRACT_CHARS)


def _is_tag(tag: re.Match[str], ended: Collection[str]) -> bool:
    """Whether a match of `_TAG` is a tag, and no comparison as in "p<q and r>s". `ended` are the names of the elements
    whose end the text has."""
    if not tag["name"] or tag["end"]:
        return True
    name, rest = tag["name"].lower(), tag["rest"].strip().rstrip("/")
    if name not in ended and name.rpartition(":")[2] not in _TAGS and "-" not in name:
        return False
    if "=" in rest:
        return True
    return bool(tag["close"]) and _BARE_ATTRIBUTES.issuperset(rest.lower().split())


def plain(value: object, limit: int) -> str:
    """A text as readers see it. Some texts hold tags, as <i>E. coli</i>; in others a "<" is just less than."""
    text = value if isinstance(value, str) else ""
    return clean(words_of_html(text) if is_html(text[: 4 * limit]) else text, limit)


def is_html(text: str) -> bool:
    """Whether a text that may be HTML has a tag or an entity in it."""
    if "&" in text and _ENTITY.search(text):
        return True
    ended = {name.lower() for name in _END_TAG.findall(text)}
    return bool(ended) or any(tag["name"] and _is_tag(tag, ended) for tag in _TAG.finditer(text))
