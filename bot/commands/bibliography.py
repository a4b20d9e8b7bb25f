"""Reads papers from text: ids, links, BibTeX, RIS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.commands import bibtex, ris
from bot.model.commands import LONGEST_LINE
from bot.model.text import without_markup
from recommender import Paper
from recommender.author_names import first_name_first
from recommender.paper import arxiv_id, canonical_id, find_doi, id_from_title, openreview_id, title_key, web_link
from recommender.text import display

_ENTRY = re.compile(r"@\s*[A-Za-z]+\s*[{(]")
_ESCAPED = re.compile(r"\\([_%&#$~])")
_TITLE_CHARS, _ABSTRACT_CHARS, _NAME_CHARS, _ADDRESS_CHARS = 1_000, 20_000, 200, 2_000
"""Characters that are read of each field; the same limits as for papers from sources."""
_MOST_NAMES = 2_000
_LONGEST_COMMAND = 20
"""Characters of a command and a space before the text, which are cut with it."""
_YEAR = re.compile(r"(?:19|20)\d\d|")
_STAMP = re.compile(r"\[[a-z-]+(?:\.[A-Za-z-]+)?\]")
"""The category that arXiv prints behind an id."""
_NOTE_WORDS = frozenset((
    "arxiv", "arxiv.org", "preprint", "preprints", "eprint", "e-print", "corr", "available", "at", "online", "as", "in",
    "from", "on", "url", "id", "version",
))  # fmt: skip
"""Words that a field may have beside the arXiv id of the entry's own paper."""
_NOTES = ("journal", "journaltitle", "publisher", "howpublished", "note")
_NUMBERS = ("volume", "number", "pages", "eid")
_RIS_NOTES = ("AN", "JO", "JF", "T2", "PB", "N1", "ID")
_RIS_NUMBERS = ("VL", "IS", "SP", "M1", "C7")
_OTHERS = re.compile(r"others|et\.? al\.?", re.IGNORECASE)
_NAME_PARTS = ("given", "prefix", "family", "suffix")
_NAME_PART = re.compile(rf"\b({'|'.join(_NAME_PARTS)})\s*=\s*([^,]*)")


@dataclass(frozen=True, slots=True)
class Bibliography:
    """The papers that a text names, each with at least its id, and the problems with the rest of the text."""

    papers: tuple[Paper, ...]
    problems: tuple[str, ...] = ()


def read(text: str) -> Bibliography:
    """Read ids, links and DOIs between spaces or commas, or BibTeX, or RIS. Never raises: unreadable parts become
    problems. At most `LONGEST_LINE` characters are read.
    """
    text = _uncut(text[:LONGEST_LINE])
    if ris.is_ris(text):
        return _gathered(ris.entries(text), _ris_paper)
    return _gathered(bibtex.entries(text), _bibtex_paper) if _ENTRY.search(text) else _read_ids(text)


def _uncut(text: str) -> str:
    """The text without what it may have been cut in: half an id is the id of another paper."""
    if len(text) < LONGEST_LINE - _LONGEST_COMMAND:
        return text
    end = max(text.rfind("\n@"), text.rfind("\nTY  -"))
    return text[: end if end > 0 else max(map(text.rfind, " \n,;"))]


def _read_ids(text: str) -> Bibliography:
    papers: dict[str, Paper] = {}
    problems = []
    for word in re.split(r"[\s,;]+", _STAMP.sub(" ", text)):
        reference = word.strip("<>()[]\"'.:!?")
        if not reference:
            continue
        if arxiv_id(reference) or find_doi(reference) or openreview_id(reference):
            papers.setdefault(canonical_id(reference), Paper(id=canonical_id(reference), title=""))
        else:
            problems.append(f"“{_shown(reference)}” is no arXiv id, DOI or link to a paper")
    return Bibliography(tuple(papers.values()), tuple(problems))


def _gathered(entries: Iterable[bibtex.Entry], paper_of: Callable[[Mapping[str, str]], Paper | None]) -> Bibliography:
    """The paper of each entry. An entry without one is named among the problems."""
    papers: dict[str, Paper] = {}
    problems = []
    for entry in entries:
        paper = paper_of(entry.fields)
        if paper is None:
            name = f"“{_shown(entry.key)}”" if entry.key else f"the entry in line {entry.line}"
            problems.append(f"{name} {entry.problem or 'has no title and no id'}")
        else:
            papers.setdefault(paper.id, paper)
    return Bibliography(tuple(papers.values()), tuple(problems))


def _bibtex_paper(fields: Mapping[str, str]) -> Paper | None:
    title = ": ".join(filter(None, (_plain(fields.get(name, ""), _TITLE_CHARS) for name in ("title", "subtitle"))))
    url, doi = _address(fields.get("url", "")), _address(fields.get("doi", ""))
    archive = (fields.get("archiveprefix") or fields.get("eprinttype") or "arxiv").lower()
    names = ("arxivid", "arxiv", *(("eprint",) if archive.startswith("arxiv") else ()))
    places, notes, numbers = (
        [_address(fields[name]) for name in group if name in fields] for group in (names, _NOTES, _NUMBERS)
    )
    return _paper(
        title,
        _plain(fields.get("abstract", ""), _ABSTRACT_CHARS),
        _bibtex_authors(fields.get("author", "")),
        _own_arxiv_id([*places, doi, url], notes, numbers),
        doi,
        url,
    )


def _ris_paper(fields: Mapping[str, str]) -> Paper | None:
    def values(*tags: str) -> list[str]:
        return [value for tag in tags if tag in fields for value in fields[tag].split("\n") if value]

    def text(max_chars: int, *tags: str) -> str:
        return display(without_markup(next(iter(values(*tags)), "")[:max_chars]))

    names = (name[:_NAME_CHARS] for name in values("AU", "A1")[:_MOST_NAMES])
    authors = (first_name_first(display(without_markup(name))) for name in names if not _OTHERS.fullmatch(name.strip()))
    links = [value[:_ADDRESS_CHARS].strip() for value in values("UR", "L1", "L2", "LK")]
    doi = next(iter(values("DO")), "").strip()
    return _paper(
        text(_TITLE_CHARS, "TI", "T1", "CT"),
        text(_ABSTRACT_CHARS, "AB", "N2"),
        tuple(filter(None, authors)),
        _own_arxiv_id([doi, *links], values(*_RIS_NOTES), values(*_RIS_NUMBERS)),
        doi,
        next(filter(web_link, links), ""),
    )


def _paper(
    title: str, abstract: str, authors: tuple[str, ...], arxiv: str | None, doi_place: str, url: str
) -> Paper | None:
    doi = (doi_place and find_doi(doi_place)) or (url and find_doi(url)) or ""
    if not (arxiv or doi or title):
        return None
    # Short titles, as "Editorial", tell no papers apart.
    named = title if title_key(title) else " ".join((title, *authors))
    return Paper(
        id=arxiv or (f"doi:{doi}" if doi else id_from_title(named)),
        title=title,
        abstract=abstract,
        authors=authors,
        doi=doi,
        url=web_link(url),
    )


def _own_arxiv_id(places: Iterable[str], notes: Sequence[str], numbers: Sequence[str]) -> str | None:
    """The arXiv id of the very paper: from places that hold nothing but an id or a link, or from a note or a number
    that says no more than the id. A comment on another paper names that one in its note."""
    if paper_id := next(filter(None, map(arxiv_id, filter(None, places))), None):
        return paper_id
    in_arxiv = any("arxiv" in note.lower() or note.lower() == "corr" for note in notes)
    for text in (*notes, *numbers):
        words = [word.strip(".:<>\"'") for word in re.split(r"[\s,;()\[\]]+", _STAMP.sub(" ", text))]
        bare = in_arxiv or "arxiv" in map(str.lower, words)
        others = [word for word in words if word.lower() not in _NOTE_WORDS and not _YEAR.fullmatch(word)]
        if len(others) == 1 and (bare or not others[0][0].isdecimal()):
            paper_id = arxiv_id(re.sub(r"^abs/", "arXiv:", others[0]))
            if paper_id:
                return paper_id
    return None


def _bibtex_authors(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    # Imported here: few runs ever read BibTeX.
    from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names

    names = split_multiple_persons_names(value)
    if len(names) == 1 and "{" not in value:
        names = value.split(";")
    authors = []
    for name in names[:_MOST_NAMES]:
        name = without_markup(name[:_NAME_CHARS]).strip()
        if named := dict(_NAME_PART.findall(name)):  # biblatex: given=Jane, family=Roe
            authors.append(_plain(" ".join(named.get(part, "") for part in _NAME_PARTS), _NAME_CHARS))
        elif not _OTHERS.fullmatch(name):
            parts = parse_single_name_into_parts(name, strict=False)
            authors.append(_plain(parts.merge_first_name_first, _NAME_CHARS))
    return tuple(filter(None, authors))


def _plain(value: str, max_chars: int) -> str:
    """A text without TeX and tags. BibTeX's braces, which protect capitals, are removed."""
    if not value:
        return ""
    return display(without_markup(value[:max_chars]), is_tex=True).replace("{", "").replace("}", "")


def _address(value: str) -> str:
    """An id or a link. It is not TeX, but the signs that TeX users escape in it are unescaped."""
    plain = re.sub(r"\\(?:url|href)(?![A-Za-z])", " ", value[:_ADDRESS_CHARS])
    return _ESCAPED.sub(r"\1", plain).replace("{", "").replace("}", "").strip()


def _shown(value: str) -> str:
    return display(value[:_NAME_CHARS])[:60]
