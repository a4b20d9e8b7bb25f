"""The query language: parses what a person types. Nothing that can be typed is an error.

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
from recommender.values import IssueKind, QueryIssue

MOST_WORDS = 200
"""The most words of a query that are read."""
LONGEST_QUERY = 100_000
_MIN_COMPOUND_LETTERS = 5
_MOST_NAMES = 4
"""The most words of a person's name."""
PROSE = 30
"""A query with more plain words than this is prose: its dashes, quotes and links are punctuation, not operators."""
MOST_PLACED = 8
"""The most different clauses whose check reads the papers themselves, which takes time."""


class Field(StrEnum):
    """The field of a paper that a clause is about."""

    ANY = "any"
    TITLE = "title"
    AUTHOR = "author"
    CATEGORY = "cat"
    AFTER = "after"
    BEFORE = "before"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition of a query: `words` (as one `phrase`, or each anywhere), a `value` (id or category), or a `day`.
    A `variant` is another way to write the other clauses of its group, which nobody typed."""

    field: Field
    text: str = column(compare=False)
    words: tuple[str, ...] = ()
    phrase: bool = False
    value: str = ""
    day: date | None = None
    variant: bool = False

    @property
    def required(self) -> bool:
        """Whether a paper must satisfy the clause. Single words only add to the score."""
        return (self.phrase and not self.variant) or self.field is not Field.ANY

    @property
    def idle(self) -> bool:
        """Whether the clause consists of stop words alone."""
        return self.field is Field.ANY and not self.phrase and STOP_WORDS.issuperset(self.words)

    @property
    def placed(self) -> bool:
        """Whether the clause depends on the positions of words, which postings do not hold."""
        return self.phrase or self.field is Field.TITLE


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. A paper must satisfy one clause of every required group, and none of `excluded`. Papers are
    ranked by `words`. `compounds` are neighbouring words that may be written as one (data set: dataset). `added_terms`
    are words that hardly any paper has, each with the frequent word that it may be a misspelling of."""

    text: str
    groups: tuple[tuple[Clause, ...], ...] = ()
    excluded: tuple[Clause, ...] = ()
    issues: tuple[QueryIssue, ...] = ()
    words: tuple[str, ...] = ()
    compounds: tuple[tuple[str, str], ...] = ()
    added_terms: tuple[tuple[str, str], ...] = ()

    @property
    def required(self) -> tuple[tuple[Clause, ...], ...]:
        """The groups that a paper must satisfy."""
        return tuple(group for group in self.groups if any(clause.required for clause in group))

    @property
    def asked(self) -> tuple[tuple[Clause, ...], ...]:
        """The groups that a full match must satisfy: all groups except those of stop words alone."""
        groups = tuple(group for group in self.groups if not all(c.idle for c in group))
        return groups or self.groups

    @property
    def must_mention(self) -> bool:
        """Whether a paper needs at least one of the words: some group consists of words alone, and no group names a
        paper by id."""
        named = any(all(clause.field is Field.ID for clause in group) for group in self.groups)
        worded = any(all(clause.field in (Field.ANY, Field.TITLE) for clause in group) for group in self.groups)
        return worded and not named

    @property
    def phrases(self) -> tuple[Clause, ...]:
        """The phrases that may stand anywhere in a paper."""
        clauses = (c for group in self.groups for c in group)
        return tuple(c for c in clauses if c.phrase and c.field is Field.ANY and not c.variant)

    @property
    def variants(self) -> tuple[tuple[Clause, ...], ...]:
        """For each name with a number, all ways to write it: YOLOv9, YOLO v9."""
        ways = (tuple(clause for clause in group if clause.variant) for group in self.groups)
        return tuple(dict.fromkeys(filter(None, ways)))

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
"""The characters for a minus before a word. Phones and word processors turn a hyphen into the longer ones."""
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
"""A category that is recognised without `cat:`."""
_SEVERAL = re.compile(r"[,;|]+")
_SPACED = re.compile(rf"(?<!\S)([{MINUS}]?(?:{'|'.join(_NAMES)}):)\s+(?=[\w\"])", re.IGNORECASE)
"""A field name with a space after its colon."""
_NUMBERED = re.compile(
    r"(?<![\w.])(?P<name>[a-z]{2,30}?)(?:[\s_-](?P<apart>v)?|(?P<joined>v)?)"
    r"(?P<number>\d{1,4}+)(?:\.(?P<minor>\d{1,2}+))?(?P<letters>[a-z]{0,2})(?!\w)"
)
"""A name with a number: LLaMA2, YOLO v9, Qwen-2.5."""
_MOST_NUMBERED = 3
_ENDING = ".,;:!?)]}>'"
_QUOTES = str.maketrans("“”„«»″", '""""""')


@lru_cache(maxsize=64)  # one answer parses its query several times: to search, to interpret, for each snippet
def parse(text: str) -> Query:
    """Parse a query. Parts without meaning, and parts beyond the limits, are left out and listed in `issues`. Repeated
    parts count once."""
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
    plain_text = []
    placed: set[Clause] = set()
    for part in parts:
        whole = part[0]
        # Nothing stands before a first NOT that it could take papers from: a NOT gate.
        if whole in _OPERATORS and not prose and (whole != "NOT" or groups or excluded):
            ignored += [operator] if operator else []
            operator = whole
            continue
        plain = prose and field_called(part["name"]) is None
        without = (part["minus"] and not plain and not _a_number(part)) or operator == "NOT"
        clauses = _clauses(part, plain, together=bool(without)) if room > 0 else []
        room -= max(1, sum(len(clause.words) for clause in clauses))
        all_placed = placed.union(clause for clause in clauses if clause.placed)
        if len(all_placed) > MOST_PLACED:
            clauses = []
        else:
            placed = all_placed
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
            plain_text.append(part["bare"] if part["bare"] and clauses[0].field is Field.ANY else "|")
            together = clauses[0].field is Field.CATEGORY
            groups += [clauses] if together else [[clause] for clause in clauses]
        operator = ""
    ignored += [operator] if operator else []
    issues = [QueryIssue(part, _issue_kind(part)) for part in dict.fromkeys(ignored)]
    if never := _never(groups):
        groups = [group for group in groups if not _of_days(group)]
        issues.append(QueryIssue(never, IssueKind.NO_DAYS))
    subject = [w for group in groups for c in group if c.field in (Field.ANY, Field.TITLE) for w in c.words]
    if subject and STOP_WORDS.issuperset(subject):
        issues.append(QueryIssue(" ".join(dict.fromkeys(subject)), IssueKind.EVERYDAY))
    if not prose:
        _add_variants(groups, " ".join(plain_text))
    return Query(
        text=text,
        groups=tuple(dict.fromkeys(tuple(dict.fromkeys(group)) for group in groups)),
        excluded=tuple(dict.fromkeys(excluded)),
        issues=tuple(issues),
        words=tuple([w for w in subject if w not in STOP_WORDS] or subject),
        compounds=tuple(dict.fromkeys((a, b) for a, b in pairwise(subject) if len(a + b) >= _MIN_COMPOUND_LETTERS)),
    )


def field_called(name: str | None) -> Field | None:
    """The field of a field name in a query (`author`, `au`, `by`); None if there is no such field."""
    return _NAMES.get(name.lower()) if name else None


def relax_phrases(query: Query) -> Query:
    """The query with each phrase that has no field replaced by its words."""
    groups: list[tuple[Clause, ...]] = []
    for group in query.groups:
        kept = tuple(clause for clause in group if clause not in query.phrases)
        groups += [kept] if kept else [(replace(c, words=(word,), phrase=False),) for c in group for word in c.words]
    return replace(query, groups=tuple(groups))


def _a_number(part: re.Match[str]) -> bool:
    """Whether the dash belongs to a number: interleukin-1, -2 and -3; -0.5."""
    return part["name"] is None and bool(_NUMBER.fullmatch(part["bare"] or ""))


def _clauses(part: re.Match[str], plain: bool, together: bool) -> list[Clause]:
    """The clauses of one part of a query. Words joined by hyphens are one clause if `together` is set."""
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
            categories = _SEVERAL.split("".join(fold(value).split()))[:MOST_WORDS]
            return [Clause(where, whole, value=category) for category in categories if category]
        case Field.ID:
            value = _without_ending(value.strip())
            return [Clause(where, whole, value=canonical_id(value))] if value else []
        case Field.AUTHOR if quoted is not None:
            last, comma, first = value.partition(",")
            value = f"{first} {last}" if comma else value
    typed = tuple(words(value))[:MOST_WORDS]
    if not typed:
        return []
    if where is Field.ANY and (quoted is None or plain) and not together:
        return [Clause(where, "".join(group), group, len(group) > 1) for group in _written_together(typed)]
    # Stop words stand next to each other nearly everywhere: a phrase of nothing else is read as its words.
    phrase = (
        (quoted is not None or (together and where is Field.ANY))
        and len(typed) > 1
        and not STOP_WORDS.issuperset(typed)
    )
    return [Clause(where, whole, typed, phrase)]


def _add_variants(groups: list[list[Clause]], text: str) -> None:
    """Add to the words of each name with a number the other ways to write it."""
    for name in list(_NUMBERED.finditer(text.lower()))[:_MOST_NUMBERED]:
        if name["name"] in STOP_WORDS or name["letters"] == "d":  # "maps 3D" is no name: 3D is a dimension
            continue
        typed = words(name[0])
        letters = name["apart"] or name["joined"]
        parts = [
            name["name"],
            *([letters] if letters else []),
            name["number"],
            *([name["minor"]] if name["minor"] else []),
        ]
        parts[-1] += name["letters"]
        variants = [Clause(Field.ANY, name[0], way, len(way) > 1, variant=True) for way in _ways(parts)]
        for group in groups:
            if (
                len(group) == 1
                and len(group[0].words) == 1
                and group[0].words[0] in typed
                and group[0].field is Field.ANY
            ):
                group.extend(variants)


def _ways(parts: Sequence[str]) -> list[tuple[str, ...]]:
    """Every way to join neighbouring parts: ab, a b."""
    ways: list[tuple[str, ...]] = [(parts[0],)]
    for part in parts[1:]:
        ways = [way for before in ways for way in ((*before[:-1], before[-1] + part), (*before, part))]
    return ways


def _without_ending(value: str) -> str:
    """A link, an id or a day without the punctuation of its sentence. A bracket opened in it stays closed."""
    bare = value.rstrip(_ENDING)
    return bare + ")" if bare.count("(") > bare.count(")") and value[len(bare) :].startswith(")") else bare


def _group_of_ids(groups: list[list[Clause]], clauses: Sequence[Clause], operator: str) -> list[Clause]:
    """The group of ids that these clauses join without an OR, because no paper has two ids; else empty."""
    if operator or clauses[0].field is not Field.ID:
        return []
    return next((group for group in groups if all(clause.field is Field.ID for clause in group)), [])


def _written_together(typed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Each word alone, except that adjacent characters of scripts without spaces form one group."""
    for together, run in groupby(typed, unspaced):
        characters = tuple(run)
        yield from [characters] if together else zip(characters)


def _issue_kind(part: str) -> IssueKind:
    """The kind of issue of a part without meaning."""
    name, colon, _ = part.partition(":")
    dated = bool(colon) and field_called(name.lstrip(MINUS)) in (Field.AFTER, Field.BEFORE)
    return IssueKind.NO_DAY if dated else IssueKind.MEANINGLESS


def _of_days(group: Sequence[Clause]) -> bool:
    return len(group) == 1 and group[0].day is not None


def _never(groups: Sequence[Sequence[Clause]]) -> str:
    """The text of date clauses that exclude each other; empty if some day satisfies all."""
    days = [group[0] for group in groups if _of_days(group)]
    first = max((clause.day for clause in days if clause.day and clause.field is Field.AFTER), default=date.min)
    last = min((clause.day for clause in days if clause.day and clause.field is Field.BEFORE), default=date.max)
    return " ".join(clause.text for clause in days) if first >= last else ""


def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if not match:
        return None
    try:
        year, month, day = match[1] or match[4], match[2] or match[5], match[3] or match[6]
        return date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
