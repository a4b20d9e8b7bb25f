"""Names of authors as sources write them: in one line, with the surname first, with what is no name between them."""

from __future__ import annotations

import re

MOST_AUTHORS = 2_000
LONGEST_NAME = 200
LONGEST_LINE = 100_000
"""Characters of a line of authors that are read; 3,000 names, the longest lists there are, take half of it."""

_SUFFIXES = frozenset(("jr", "jr.", "sr", "sr.", "ii", "iii", "iv"))
_SEPARATOR = re.compile(r"([(),;]| and )")
_LEAD = re.compile(
    r"[\s*†‡§¶\\/:;,&]*+(?:(?:and|with|on behalf of|for the|with an? \w{1,20} by|edited by)\s+(?:the\s+)?(?=[A-Z]))?"
)
"""Signs and words before a name."""
_TAIL = " \t\n*†‡§¶\\/:;,&"
_NO_NAME = re.compile(
    r"(?:and )?(?:et\.?\s*al(?:ii|\b)\.?|(?:and |\d+ )*others|\d*\s*(?:additional|more|other|further) authors?\b.*)",
    re.IGNORECASE,
)


def split_line(line: str) -> list[str]:
    """The names in a line, between commas, semicolons or "and". Those in brackets, as in an affiliation, separate no
    names; nor does the comma before a suffix, nor, where semicolons do, the one between surname and given names."""
    line = " ".join(line[:LONGEST_LINE].split())
    by_semicolon = [part.strip() for part in line.split(";") if part.strip()]
    if len(by_semicolon) > 1 and all(part.count(",") == 1 and "(" not in part for part in by_semicolon):
        return [first_name_first(part) for part in by_semicolon[:MOST_AUTHORS]]
    first, *rest = _SEPARATOR.split(line)
    parts, depth = [[first]], 0
    for separator, text in zip(rest[::2], rest[1::2], strict=True):
        if separator in ("(", ")"):
            depth = max(0, depth + (1 if separator == "(" else -1))
            parts[-1] += separator, text
        elif depth:
            parts[-1] += separator, text
        elif len(parts) < 2 * MOST_AUTHORS:
            parts.append([text])
        else:
            break
    names: list[str] = []
    for part in map("".join, parts):
        if names and part.strip().lower() in _SUFFIXES:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names


def names_in(entry: str) -> list[str]:
    """The names in an entry of a list of authors: none in ":" or "et al.", two in "The X Collaboration: A. Roe"."""
    names = []
    for part in entry[: 4 * LONGEST_NAME].split(":"):
        lead = _LEAD.match(part)
        name = part[lead.end() if lead else 0 :].rstrip(_TAIL)
        if any(map(str.isalpha, name)) and not _NO_NAME.fullmatch(name):
            names.append(name)
    return names


def first_name_first(name: str) -> str:
    """A name that may be written with the last name first, as it is spoken.

    >>> first_name_first("Doe, J. A."), first_name_first("Reagle, Jr., J. M."), first_name_first("A Consortium")
    ('J. A. Doe', 'J. M. Reagle Jr.', 'A Consortium')
    """
    last, *rest = (part.strip() for part in name[: 4 * LONGEST_NAME].split(",", 2))
    suffixes = [part for part in rest if part.casefold() in _SUFFIXES]
    first = [part for part in rest if part not in suffixes]
    return " ".join(part for part in (*first, last, *suffixes) if part)
