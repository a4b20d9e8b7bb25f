"""The query language: what a person types, taken apart. Nothing that can be typed is an error.

federated "differential privacy" -survey cat:cs.LG OR cat:stat.* author:mcmahan title:private after:2025 2310.01234
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as column
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, pairwise

from recommender.paper import arxiv_id, canonical_id
from recommender.text import STOP_WORDS, fold, unspaced, words
from recommender.values import Remark, Trouble

MOST_WORDS = 200
"""Words of a query that are looked at."""
LONGEST_QUERY = 100_000
_SHORTEST_JOINED = 5
_MOST_NAMES = 4
"""Words of a person's name."""
PROSE = 30
"""Plain words from which on a query is read as prose: its dashes, quotes and links are a writer's, not a searcher's."""
MOST_PLACED = 8
"""Different clauses of a query that need a look into the papers themselves: nobody types more, and each takes time."""


class Field(StrEnum):
    """Where a clause looks."""

    ANY = "any"
    TITLE = "title"
    AUTHOR = "author"
    CATEGORY = "cat"
    AFTER = "after"
    BEFORE = "before"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing asked for: `words` (of one `phrase`, or each somewhere), a `value` (id or category), or a `day`."""

    field: Field
    text: str = column(compare=False)
    words: tuple[str, ...] = ()
    phrase: bool = False
    value: str = ""
    day: date | None = None

    @property
    def required(self) -> bool:
        """Whether a paper must satisfy it; single words only add to the score."""
        return self.phrase or self.field is not Field.ANY

    @property
    def idle(self) -> bool:
        """Whether it is a stop word alone."""
        return self.field is Field.ANY and not self.phrase and STOP_WORDS.issuperset(self.words)

    @property
    def placed(self) -> bool:
        """Whether it matters where in a paper its words stand, which the postings do not tell."""
        return self.phrase or self.field is Field.TITLE


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart: a paper must satisfy one clause of every required group, and none of `excluded`. `words` are
    what it is ranked by, `joined` the neighbours among them that may be written as one (data set: dataset), and `meant`
    those that hardly any paper has, each with the frequent one that it may be a slip of."""

    text: str
    groups: tuple[tuple[Clause, ...], ...] = ()
    excluded: tuple[Clause, ...] = ()
    remarks: tuple[Remark, ...] = ()
    words: tuple[str, ...] = ()
    joined: tuple[tuple[str, str], ...] = ()
    meant: tuple[tuple[str, str], ...] = ()

    @property
    def required(self) -> tuple[tuple[Clause, ...], ...]:
        """The groups that a paper must satisfy."""
        return tuple(group for group in self.groups if any(clause.required for clause in group))

    @property
    def asked(self) -> tuple[tuple[Clause, ...], ...]:
        """The groups that something to be had in full must satisfy: all but those of words that mean nothing alone."""
        told = tuple(group for group in self.groups if not all(c.idle for c in group))
        return told or self.groups

    @property
    def must_mention(self) -> bool:
        """Whether a paper has to have one of the words at least: some group asks for nothing but words, and none names
        the paper itself."""
        named = any(all(clause.field is Field.ID for clause in group) for group in self.groups)
        worded = any(all(clause.field in (Field.ANY, Field.TITLE) for clause in group) for group in self.groups)
        return worded and not named

    @property
    def phrases(self) -> tuple[Clause, ...]:
        """The phrases that may stand anywhere in a paper."""
        return tuple(c for group in self.groups for c in group if c.phrase and c.field is Field.ANY)

    @property
    def name(self) -> tuple[str, ...]:
        """The words that may be somebody's name: a few of them, with no phrase and no choice among them."""
        plain = [group for group in self.groups if any(clause.field is Field.ANY for clause in group)]
        alone = all(len(group) == 1 and len(group[0].words) == 1 for group in plain)
        return tuple(group[0].words[0] for group in plain) if alone and len(plain) <= _MOST_NAMES else ()

    def __bool__(self) -> bool:
        return bool(self.groups or self.excluded)


_NAMES = {
    "title": Field.TITLE, "ti": Field.TITLE, "intitle": Field.TITLE,
    "author": Field.AUTHOR, "au": Field.AUTHOR, "by": Field.AUTHOR,
    "cat": Field.CATEGORY, "category": Field.CATEGORY,
    "after": Field.AFTER, "since": Field.AFTER, "from": Field.AFTER,
    "before": Field.BEFORE, "until": Field.BEFORE,
    "id": Field.ID, "arxiv": Field.ID, "doi": Field.ID,
}  # fmt: skip
MINUS = "-−–—"
"""What stands for a minus before a word: phones and word processors make the longer ones of it."""
_PART = re.compile(
    rf"""(?P<minus>[{MINUS}](?=\S))?(?:(?P<name>[A-Za-z]+):(?=\S))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))"""
)
_EITHER = ("OR", "|")
_OPERATORS = (*_EITHER, "AND", "&", "NOT")
_NUMBER = re.compile(r"\d+(?:\.\d+)?\W*")
_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?|(\d{4})(\d{2})(\d{2})?")
_CATEGORY = re.compile(
    r"(?:astro-ph|cond-mat|cs|econ|eess|math|nlin|physics|q-bio|q-fin|stat)\.(?:\*|[a-z]{2}|[a-z]+-[a-z]+)",
    re.IGNORECASE,
)
"""A category that needs no `cat:` to be known for one."""
_SEVERAL = re.compile(r"[,;|]+")
_SPACED = re.compile(rf"(?<!\S)([{MINUS}]?(?:{'|'.join(_NAMES)}):)\s+(?=[\w\"])", re.IGNORECASE)
"""A field with a space behind its colon."""
_ENDING = ".,;:!?)]}>'"
_QUOTES = str.maketrans("“”„«»″", '""""""')


@lru_cache(maxsize=64)  # one answer reads its query again and again: to find, to say how it was read, for each snippet
def parse(text: str) -> Query:
    """Take a query apart. What means nothing, or is too much, is left out and named in `remarks`; what is said twice
    counts once."""
    groups: list[list[Clause]] = []
    excluded: list[Clause] = []
    ignored: list[str] = []
    typed = text[:LONGEST_QUERY].translate(_QUOTES)
    parts = list(_PART.finditer(typed))
    prose = sum(part["name"] is None and part["minus"] is None and part["bare"] is not None for part in parts) > PROSE
    if not prose and (spaced := _SPACED.sub(r"\1", typed)) != typed:
        parts = list(_PART.finditer(spaced))
    operator = ""
    room = MOST_WORDS
    placed: set[Clause] = set()
    for part in parts:
        whole = part[0]
        if whole in _OPERATORS and not prose:
            ignored += [operator] if operator else []
            operator = whole
            continue
        plain = prose and field_called(part["name"]) is None
        without = (part["minus"] and not plain and not _a_number(part)) or operator == "NOT"
        clauses = _clauses(part, plain, together=bool(without)) if room > 0 else []
        room -= max(1, sum(len(clause.words) for clause in clauses))
        asked = placed.union(clause for clause in clauses if clause.placed)
        if len(asked) > MOST_PLACED:
            clauses = []
        else:
            placed = asked
        if not clauses:
            ignored += [whole] if any(map(str.isalnum, whole)) else []
        elif without:
            excluded.extend(clauses)
        elif operator in _EITHER and groups:
            groups[-1].extend(clauses)
        elif named := _group_of_ids(groups, clauses, operator):
            named.extend(clauses)
        else:
            ignored += [operator] if operator in _EITHER else []
            together = clauses[0].field is Field.CATEGORY
            groups += [clauses] if together else [[clause] for clause in clauses]
        operator = ""
    ignored += [operator] if operator else []
    remarks = [Remark(part, _trouble(part)) for part in dict.fromkeys(ignored)]
    if never := _never(groups):
        groups = [group for group in groups if not _of_days(group)]
        remarks.append(Remark(never, Trouble.NO_DAYS))
    subject = [w for group in groups for c in group if c.field in (Field.ANY, Field.TITLE) for w in c.words]
    if subject and STOP_WORDS.issuperset(subject):
        remarks.append(Remark(" ".join(dict.fromkeys(subject)), Trouble.EVERYDAY))
    return Query(
        text=text,
        groups=tuple(dict.fromkeys(tuple(dict.fromkeys(group)) for group in groups)),
        excluded=tuple(dict.fromkeys(excluded)),
        remarks=tuple(remarks),
        words=tuple([w for w in subject if w not in STOP_WORDS] or subject),
        joined=tuple(dict.fromkeys((a, b) for a, b in pairwise(subject) if len(a + b) >= _SHORTEST_JOINED)),
    )


def field_called(name: str | None) -> Field | None:
    """The field that a name stands for in a query (`author`, `au`, `by`); None for one that is no field's."""
    return _NAMES.get(name.lower()) if name else None


def loosened(query: Query) -> Query:
    """The query with each phrase that may stand anywhere read as its words."""
    groups: list[tuple[Clause, ...]] = []
    for group in query.groups:
        kept = tuple(clause for clause in group if clause not in query.phrases)
        groups += [kept] if kept else [(replace(c, words=(word,), phrase=False),) for c in group for word in c.words]
    return replace(query, groups=tuple(groups))


def _a_number(part: re.Match[str]) -> bool:
    """Whether the dash belongs to a number: interleukin-1, -2 and -3; -0.5."""
    return part["name"] is None and bool(_NUMBER.fullmatch(part["bare"] or ""))


def _clauses(part: re.Match[str], plain: bool, together: bool) -> list[Clause]:
    """What one part of a query asks for; words joined by hyphens are one thing if they are to be `together`."""
    whole, name = part[0], part["name"]
    quoted = part["quoted"]
    value = part["bare"] if quoted is None else quoted
    where = field_called(name)
    if where is None:
        bare = whole.lstrip(MINUS) if part["minus"] else whole
        if quoted is None and not plain:
            link = _without_ending(bare.lstrip("([{<"))
            if arxiv_id(link) or "://" in link or link.startswith("10."):
                return [Clause(Field.ID, whole, value=canonical_id(link))]
            if _CATEGORY.fullmatch(link):
                return [Clause(Field.CATEGORY, whole, value=fold(link))]
        where, value = Field.ANY, bare if quoted is None else f"{name or ''} {quoted}"
    match where:
        case Field.AFTER | Field.BEFORE:
            day = _day(_without_ending(value))
            return [Clause(where, whole, day=day)] if day else []
        case Field.CATEGORY:
            several = _SEVERAL.split("".join(fold(value).split()))[:MOST_WORDS]
            return [Clause(where, whole, value=one) for one in several if one]
        case Field.ID:
            value = _without_ending(value.strip())
            return [Clause(where, whole, value=canonical_id(value))] if value else []
        case Field.AUTHOR if quoted is not None:
            last, comma, first = value.partition(",")
            value = f"{first} {last}" if comma else value
    found = tuple(words(value))[:MOST_WORDS]
    if not found:
        return []
    if where is Field.ANY and (quoted is None or plain) and not together:
        return [Clause(where, "".join(some), some, len(some) > 1) for some in _written_together(found)]
    # Stop words stand next to each other nearly everywhere: a phrase of nothing else is read as its words.
    phrase = (
        (quoted is not None or (together and where is Field.ANY))
        and len(found) > 1
        and not STOP_WORDS.issuperset(found)
    )
    return [Clause(where, whole, found, phrase)]


def _without_ending(value: str) -> str:
    """A link, an id or a day without what ends the sentence that it stands in; a bracket opened in it is closed."""
    bare = value.rstrip(_ENDING)
    return bare + ")" if bare.count("(") > bare.count(")") and value[len(bare) :].startswith(")") else bare


def _group_of_ids(groups: list[list[Clause]], clauses: Sequence[Clause], operator: str) -> list[Clause]:
    """The group of ids that these join without an OR: no paper has two."""
    if operator or clauses[0].field is not Field.ID:
        return []
    return next((group for group in groups if all(clause.field is Field.ID for clause in group)), [])


def _written_together(found: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words, each alone, but in one those signs in a row that make a word only together."""
    for together, run in groupby(found, unspaced):
        some = tuple(run)
        yield from [some] if together else zip(some)


def _trouble(part: str) -> Trouble:
    """Why a part that means nothing does not."""
    name, colon, _ = part.partition(":")
    dated = bool(colon) and field_called(name.lstrip(MINUS)) in (Field.AFTER, Field.BEFORE)
    return Trouble.NO_DAY if dated else Trouble.MEANINGLESS


def _of_days(group: Sequence[Clause]) -> bool:
    return len(group) == 1 and group[0].day is not None


def _never(groups: Sequence[Sequence[Clause]]) -> str:
    """The clauses that leave no day; empty when there is one."""
    days = [group[0] for group in groups if _of_days(group)]
    first = max((clause.day for clause in days if clause.day and clause.field is Field.AFTER), default=date.min)
    last = min((clause.day for clause in days if clause.day and clause.field is Field.BEFORE), default=date.max)
    return " ".join(clause.text for clause in days) if first >= last else ""


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    if not found:
        return None
    try:
        year, month, day = found[1] or found[4], found[2] or found[5], found[3] or found[6]
        return date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
