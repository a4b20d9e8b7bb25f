"""Reads papers from text: ids, links, BibTeX; and writes BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.model.commands import LONGEST_LINE
from recommender import Paper
from recommender.paper import arxiv_id, canonical_id, find_doi, id_from_title, openreview_id, web_link
from recommender.text import display, fold

_ENTRY = re.compile(r"@\s*[A-Za-z]+\s*[{(]")
_NAMED_SIGNS = {ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}"}
_ESCAPED = re.compile(r"\\([_%&#$~])")
_TITLE_CHARS, _ABSTRACT_CHARS, _NAME_CHARS, _ADDRESS_CHARS = 1_000, 20_000, 200, 2_000
"""Characters that are read of each field; the same limits as for papers from sources."""
_MOST_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class Bibliography:
    """The papers that a text names, each with at least its id, and the problems with the rest of the text."""

    papers: tuple[Paper, ...]
    problems: tuple[str, ...] = ()


def read(text: str) -> Bibliography:
    """Read ids, links and DOIs between spaces or commas, or BibTeX. Never raises: unreadable parts become problems.

    At most `LONGEST_LINE` characters are read, because parsing time grows faster than the length of the text.
    """
    text = text[:LONGEST_LINE]
    return _read_bibtex(text) if _ENTRY.search(text) else _read_ids(text)


def write(papers: Sequence[Paper]) -> str:
    """BibTeX for papers, one entry each."""
    return "\n".join(_entry(paper, key) for paper, key in zip(papers, _keys(papers), strict=True))


def _read_ids(text: str) -> Bibliography:
    papers: dict[str, Paper] = {}
    problems = []
    for word in re.split(r"[\s,;]+", text):
        reference = word.strip("<>()[]\"'.:!?")
        if not reference:
            continue
        if arxiv_id(reference) or find_doi(reference) or openreview_id(reference):
            papers.setdefault(canonical_id(reference), Paper(id=canonical_id(reference), title=""))
        else:
            problems.append(f"“{_shown(reference)}” is no arXiv id, DOI or link to a paper")
    return Bibliography(tuple(papers.values()), tuple(problems))


def _read_bibtex(text: str) -> Bibliography:
    # Imported here: few runs ever read BibTeX, and its grammar is slow to build.
    from bibtexparser.entrypoint import parse_string

    library = parse_string(text)
    papers: dict[str, Paper] = {}
    problems = [f"an entry near line {(block.start_line or 0) + 1} is not BibTeX" for block in library.failed_blocks]
    for entry in library.entries:
        fields = {name.lower(): str(field.value) for name, field in entry.fields_dict.items()}
        paper = _paper(fields)
        if paper is None:
            problems.append(f"“{_shown(entry.key)}” has no title and no id")
        else:
            papers.setdefault(paper.id, paper)
    return Bibliography(tuple(papers.values()), tuple(problems))


def _paper(fields: dict[str, str]) -> Paper | None:
    url, doi_field = _address(fields.get("url", "")), _address(fields.get("doi", ""))
    places = [_address(fields.get(name, "")) for name in ("eprint", "arxivid")]
    places += [url, doi_field, *(_address(fields.get(name, "")) for name in ("journal", "note", "howpublished"))]
    arxiv = next((paper_id for place in places for paper_id in _arxiv_ids(place)), None)
    doi = find_doi(doi_field) or ""
    title = _plain(fields.get("title", ""), _TITLE_CHARS)
    if not (arxiv or doi or title):
        return None
    author_names = (_plain(name, _NAME_CHARS) for name in _names(fields.get("author", "")))
    authors = tuple(_first_name_first(name) for name in author_names if name)
    return Paper(
        id=arxiv or (f"doi:{doi}" if doi else id_from_title(title)),
        title=title,
        abstract=_plain(fields.get("abstract", ""), _ABSTRACT_CHARS),
        authors=authors,
        doi=doi,
        url=web_link(url),
    )


def _arxiv_ids(place: str) -> Iterator[str]:
    for word in place.replace(",", " ").split():
        paper_id = arxiv_id(word)
        if paper_id:
            yield paper_id


def _plain(value: str, max_chars: int) -> str:
    """A text without TeX. BibTeX's braces, which protect capitals, are removed."""
    return display(value[:max_chars], is_tex=True).replace("{", "").replace("}", "")


def _address(value: str) -> str:
    """An id or a link. It is not TeX, but the signs that TeX users escape in it are unescaped."""
    plain = re.sub(r"\\(?:url|href)(?![A-Za-z])", " ", value[:_ADDRESS_CHARS])
    return _ESCAPED.sub(r"\1", plain).replace("{", "").replace("}", "").strip()


def _names(value: str) -> list[str]:
    return " ".join(value.split()).split(" and ", _MOST_NAMES)[:_MOST_NAMES]


def _shown(value: str) -> str:
    return display(value[:_NAME_CHARS])[:60]


def _first_name_first(name: str) -> str:
    surname, comma, given_names = name.partition(",")
    return f"{given_names.strip()} {surname.strip()}" if comma else name.strip()


def _entry(paper: Paper, key: str) -> str:
    fields = {"title": paper.title, "author": " and ".join(paper.authors)}
    if paper.published:
        fields["year"] = str(paper.published.year)
    arxiv = arxiv_id(paper.id)
    if arxiv:
        fields |= {"eprint": arxiv, "archiveprefix": "arXiv"}
        fields |= {"primaryclass": paper.categories[0]} if paper.categories else {}
    fields |= {"doi": paper.doi} if paper.doi else {}
    fields |= {"url": paper.link} if paper.link else {}
    body = ",\n".join(f"  {name} = {{{_braced(value)}}}" for name, value in fields.items() if value)
    return f"@{'misc' if arxiv else 'article'}{{{key},\n{body}\n}}\n"


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
