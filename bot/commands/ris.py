"""Reads and writes RIS, the format that reference managers exchange: a line for each value, as `TI  - A title`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.commands.bibtex import Entry
from recommender import Paper
from recommender.paper import arxiv_id
from recommender.text import display

_LINE = re.compile(r"\s*(?P<tag>[A-Z][A-Z0-9]) {0,3}-(?: (?P<value>.*)|\s*)")
_BEGINNING = re.compile(r"(?m:^)\s*TY {0,3}-(?: |$)")
_END = re.compile(r"^\s*ER {0,3}-\s*$", re.MULTILINE)


def is_ris(text: str) -> bool:
    """Whether a text has an entry in RIS."""
    return bool(_BEGINNING.search(text) or _END.search(text))


def entries(text: str) -> list[Entry]:
    """The entries from each TY to the next ER or TY; in a text without any TY, to each ER. The values of a tag that is
    repeated are its lines; a line without a tag goes on with the value before it."""
    found: list[Entry] = []
    tag, has_beginnings = "", bool(_BEGINNING.search(text))
    for number, line in enumerate(text.splitlines(), 1):
        named = _LINE.fullmatch(line)
        if named and (named["tag"] == "TY" if has_beginnings else not tag and named["tag"] != "ER"):
            found.append(Entry("", number, {}))
        if named:
            tag = named["tag"] if named["tag"] != "ER" else ""
        if not (found and tag):
            continue
        fields, value = found[-1].fields, (named["value"] or "").strip() if named else line.strip()
        if tag in fields:
            fields[tag] += ("\n" if named else " ") + value
        else:
            fields[tag] = value
    return found


def write(papers: Sequence[Paper]) -> str:
    """RIS for papers, one entry each."""
    return "\n".join(map(_entry, papers))


def _entry(paper: Paper) -> str:
    arxiv = arxiv_id(paper.id)
    title, abstract, *authors = map(display, (paper.title, paper.abstract, *paper.authors))
    values = [("TY", "UNPB" if arxiv else "JOUR"), ("TI", title), *(("AU", author) for author in authors)]
    if paper.published:
        values += [("PY", str(paper.published.year)), ("DA", f"{paper.published:%Y/%m/%d}")]
    values += [("AB", abstract), ("DO", paper.doi), ("UR", paper.link)]
    values += [("AN", f"arXiv:{arxiv}"), ("PB", "arXiv")] if arxiv else []
    return "\n".join([*(f"{tag}  - {value}" for tag, value in values if value), "ER  - ", ""])
