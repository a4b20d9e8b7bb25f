"""BibTeX for papers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from recommender import Paper
from recommender.paper import arxiv_id
from recommender.text import display, fold

_NAMED_SIGNS = {ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}"}
_ORGANISATIONS = frozenset((
    "agency", "association", "center", "centre", "collaboration", "committee", "company", "consortium", "corp",
    "corporation", "council", "department", "foundation", "gmbh", "group", "inc", "initiative", "institut", "institute",
    "lab", "laboratory", "labs", "llc", "ltd", "network", "organisation", "organization", "project", "society", "team",
    "university",
))  # fmt: skip
"""Words of names that are no person's: such a name is not turned around."""
_IN_ADDRESSES = "!#$%&'()*+,/:;=?@[]~^|`\"<>"
"""Signs of ids and links that stay as they are in BibTeX, beside letters; braces and backslashes do not."""
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))


def bibtex(papers: Sequence[Paper]) -> str:
    """BibTeX for papers, one entry each."""
    return "\n".join(_entry(paper, key) for paper, key in zip(papers, _keys(papers), strict=True))


def _entry(paper: Paper, key: str) -> str:
    fields = {"title": _braced(paper.title), "author": " and ".join(filter(None, map(_author, paper.authors)))}
    if paper.published:
        fields["year"] = str(paper.published.year)
    arxiv = arxiv_id(paper.id)
    if arxiv:
        fields |= {"eprint": arxiv, "archiveprefix": "arXiv"}
        fields |= {"primaryclass": _braced(paper.categories[0])} if paper.categories else {}
    # Ids and links are no TeX: programs hand them on as they are.
    fields |= {"doi": quote(paper.doi, safe=_IN_ADDRESSES), "url": quote(paper.link, safe=_IN_ADDRESSES)}
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{'misc' if arxiv else 'article'}{{{key},\n{body}\n}}\n"


def _author(name: str) -> str:
    """A name so that BibTeX reads it: its suffix in the middle, and in braces what is no person's or has an "and"."""
    shown = display(name)
    words = shown.split()
    suffix = words[-1].strip(".,").lower() if len(words) > 2 else ""
    folded = {word.strip(".,").lower() for word in words}
    if len(words) > 1 and ("and" in folded or not _ORGANISATIONS.isdisjoint(folded)):
        return f"{{{_braced(shown)}}}"
    if suffix in _SUFFIXES:
        return _braced(f"{words[-2].strip(',')}, {words[-1]}, {' '.join(words[:-2])}")
    return f"{{{_braced(shown)}}}" if "," in shown else _braced(shown)


def _braced(value: str) -> str:
    """A value without braces, which could end the field early, and with TeX's special signs escaped."""
    value = display(value).replace("\\", "").replace("{", "").replace("}", "")
    return re.sub(r"[%&#$_]", r"\\\g<0>", value).translate(_NAMED_SIGNS)


def _keys(papers: Sequence[Paper]) -> Iterator[str]:
    used_keys: set[str] = set()
    for paper in papers:
        first = next((author.split() for author in paper.authors if author.split()), ["anonymous"])
        name = re.sub(r"[^a-z]", "", fold(first[-1]))
        word = next((w for w in re.findall(r"[a-z]{4,}", paper.title.lower())), "paper")
        start = f"{name or 'anonymous'}{paper.published.year if paper.published else ''}{word}"
        key = next(k for n in range(len(papers) + 1) if (k := start + (f"-{n + 1}" if n else "")) not in used_keys)
        used_keys.add(key)
        yield key
