r"""Reads the entries of a BibTeX file, as people's programs write them.

bibtexparser reads the names of authors. Its reader of files is not used: it gives up on an entry for a comma too many
or too few, for a key that is missing or has a quote in it, and for a line of an abstract that begins with "@Override{".
This reader loses no entry: each has its fields, or a reason why it has none. Its work grows with the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

_FIELD_NAME = r"[A-Za-z][\w:.+-]*+"
_FIELD = rf"{_FIELD_NAME}\s*+="
_KEY = rf"\s*+(?!{_FIELD})(?P<key>[^,{{}}@\n]{{0,200}}+)\s*+"
_START = re.compile(r"@\s*+(?P<kind>[A-Za-z]\w*+)\s*+(?P<open>[{(])")
_ENTRY = re.compile(
    rf"@\s*+(?!(?:comment|preamble|string)\b)[A-Za-z]\w*+\s*+[{{(](?:{_KEY},)?\s*+{_FIELD}", re.IGNORECASE
)
"""The beginning of an entry, up to its first field: texts hardly ever have it."""
_ENTRY_LINE = re.compile(rf"(?m:^)[ \t]*+(?={_ENTRY.pattern})", re.IGNORECASE)
_COMMENT = re.compile(r"@\s*+comment\s*+\{", re.IGNORECASE)
_KEY_END = re.compile(rf"{_KEY}(?:,|(?=[}})]))")
_NAME = re.compile(rf"(?P<name>{_FIELD_NAME})\s*+=")
_BETWEEN = re.compile(r"(?:[\s,]++|%[^\n]*+)*+")
_SPACE = re.compile(r"\s*+")
_BARE = re.compile(rf"[^\s,#{{}}()\"=]++(?:[ \t]++(?!{_FIELD})[^\s,#{{}}()\"=]++)*+")
_GARBAGE = re.compile(r"[^\s,{}()@\"\w]++|\w++|.", re.DOTALL)
_QUOTE = re.compile(rf"\"(?=\s*+(?:[,#}})%]|\Z|{_FIELD}))|\{{")
"""The end of a value in quotes, or a brace in it. A quote that no comma, brace or field follows does not end it."""
_BRACE = re.compile(r"[{}]")
_NO_LINE_END = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, with the names of its fields in lower case. Of fields with one name the first that has a value counts.
    `problem` says why an entry could not be read to its end."""

    key: str
    line: int
    fields: dict[str, str]
    problem: str = ""


class _UnclosedError(Exception):
    """A value does not end before the next entry begins."""


def entries(text: str) -> list[Entry]:
    """Every entry of a file, in order of their places."""
    placed: list[tuple[int, Entry]] = []
    pieces, at = [], 0
    for start, end in _comments(text):
        inner = _ENTRY.finditer(text, start, end)
        placed += [(entry.start(), Entry((entry["key"] or "").strip(), 0, {}, "is commented out")) for entry in inner]
        pieces += [text[at:start], _NO_LINE_END.sub(" ", text[start:end])]
        at = end
    text = "".join([*pieces, text[at:]])
    macros: dict[str, str] = {}
    starts = [0, *(line.start() for line in _ENTRY_LINE.finditer(text) if line.start())]
    for start, end in pairwise([*starts, len(text)]):
        placed += [(start + at, entry) for at, entry in _Segment(text[start:end], macros).entries()]
    numbered, line, counted = [], 1, 0
    for at, entry in sorted(placed, key=lambda pair: pair[0]):
        line, counted = line + text.count("\n", counted, at), at
        numbered.append(replace(entry, line=line))
    return numbered


class _Segment:
    """The text from one line on which an entry begins to the next. A bracket that nobody closes damages no more."""

    def __init__(self, text: str, macros: dict[str, str]) -> None:
        self._text = text
        self._at = 0
        self._macros = macros
        self._closing = _closing(text)
        self._last_quote = len(text)
        """No value in quotes that begins behind this place is closed."""

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """The entries, each with its place in the segment."""
        while start := _START.search(self._text, self._at):
            self._at = start.end()
            kind, key, problem = start["kind"].lower(), "", ""
            fields: dict[str, str] = {}
            if kind == "comment":
                continue
            if kind not in ("string", "preamble") and (found := _KEY_END.match(self._text, self._at)):
                key, self._at = found["key"].strip(), found.end()
            try:
                self._read_fields("}" if start["open"] == "{" else ")", fields)
            except _UnclosedError:
                problem = "has a bracket or a quote that is never closed"
                following = _ENTRY.search(self._text, start.end())
                self._at = following.start() if following else len(self._text)
            if kind == "string":
                self._macros.update(fields)
            elif kind != "preamble":
                yield start.start(), Entry(key, 0, fields, problem)

    def _read_fields(self, closer: str, fields: dict[str, str]) -> None:
        """Add the fields up to the end of the entry. What is no field, as a stray word, is passed over."""
        text = self._text
        while True:
            self._pass(_BETWEEN)
            if self._at == len(text) or _ENTRY.match(text, self._at):
                return  # the bracket that closes the entry is missing
            sign = text[self._at]
            if sign == closer:
                self._at += 1
                return
            if name := _NAME.match(text, self._at):
                self._at = name.end()
                value = self._value()
                fields[name["name"].lower()] = fields.get(name["name"].lower()) or value
            elif sign == "{":
                self._braced()
            else:
                self._pass(_GARBAGE)

    def _value(self) -> str:
        """The value that begins here: texts in braces or quotes, numbers and names of texts, joined by #."""
        pieces = []
        while True:
            self._pass(_SPACE)
            sign = self._text[self._at : self._at + 1]
            if sign == "{":
                pieces.append(self._braced())
            elif sign == '"':
                pieces.append(self._quoted())
            elif word := self._pass(_BARE):
                pieces.append(self._macros.get(word.lower(), word))
            self._pass(_SPACE)
            if self._text[self._at : self._at + 1] != "#":
                return "".join(pieces)
            self._at += 1

    def _braced(self) -> str:
        start, end = self._at + 1, self._closing.get(self._at)
        if end is None:
            raise _UnclosedError
        self._at = end + 1
        return self._text[start:end]

    def _quoted(self) -> str:
        start = at = self._at + 1
        while start <= self._last_quote and (mark := _QUOTE.search(self._text, at)):
            if mark[0] == '"':
                self._at = mark.end()
                return self._text[start : mark.start()]
            if (end := self._closing.get(mark.start())) is None:
                break
            at = end + 1
        self._last_quote = min(self._last_quote, start)
        raise _UnclosedError

    def _pass(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""


def _comments(text: str) -> list[tuple[int, int]]:
    """Where each `@comment{…}` begins and ends."""
    closing, spans = _closing(text), [(0, 0)]
    for comment in _COMMENT.finditer(text):
        end = closing.get(comment.end() - 1)
        if end is not None and comment.start() >= spans[-1][1]:
            spans.append((comment.start(), end + 1))
    return spans[1:]


def _closing(text: str) -> dict[int, int]:
    """Where each brace is closed. As BibTeX does it, a backslash before a brace means nothing."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            closing[opened.pop()] = brace.start()
    return closing
