"""Every record that a source or a member's file holds is read, or counted among those that were left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import bibliography
from bot.sources import arxiv_xml, biorxiv, feed, huggingface, openreview, zotero
from bot.sources.fetch import Answer
from recommender import Paper
from tests.support.paper_sources import (
    arxiv_api,
    arxiv_atom,
    arxiv_rss,
    preprint,
    submission,
    zotero_item,
)

TODAY = date(2026, 3, 6)
_PIECES = st.sampled_from(
    [
        "$",
        "\\",
        "{",
        "}",
        "%",
        "&",
        "&amp;",
        "<b>",
        "</b>",
        "<",
        ">",
        "]]>",
        "é",
        "\u0301",
        "𝒩",
        "\u202e",
        "\u200b",
        "\t",
    ]
)
TITLES = st.lists(_PIECES | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), max_size=6).map(
    "".join
)


def answer(body: str) -> Answer:
    return Answer("https://x.example/feed", 200, body.encode())


def _paper(number: int, title: str) -> Paper:
    text = f"T{number} {title}"
    return Paper(f"2603.{number:05d}", text, title, (title[:60],), ("cs.LG",), TODAY)


def _papers(titles: Sequence[str]) -> list[Paper]:
    return [_paper(number, title) for number, title in enumerate(titles, 1)]


def _rss(titles: Sequence[str]) -> int:
    items = "".join(
        f"<item><title>{escape(p.title)}</title><guid>{p.id}</guid><description>{escape(p.abstract)}</description></item>"
        for p in _papers(titles)
    )
    read = feed._read(answer(f'<rss version="2.0"><channel>{items}</channel></rss>'), TODAY)
    return sum(bool(entry.title) for entry in read.entries) + read.unread


def _atom(titles: Sequence[str]) -> int:
    entries = "".join(
        f'<entry><title type="html">{escape(p.title)}</title><id>{p.id}</id><link href="https://x.example/{p.id}"/></entry>'
        for p in _papers(titles)
    )
    read = feed._read(answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'), TODAY)
    return sum(bool(entry.title) for entry in read.entries) + read.unread


def _json_feed(titles: Sequence[str]) -> int:
    items = [{"id": p.id, "title": p.title, "content_html": p.abstract} for p in _papers(titles)]
    read = feed._read(answer(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})), TODAY)
    return sum(bool(entry.title) for entry in read.entries) + read.unread


def _announcement(form: Callable[[str, date, Sequence[tuple[Paper, str]]], str]) -> Callable[[Sequence[str]], int]:
    def read(titles: Sequence[str]) -> int:
        body = form("cs.LG", TODAY, [(paper, "new") for paper in _papers(titles)])
        announcement = arxiv_xml.read_announcement(answer(body), TODAY)
        return len(announcement.listings) + announcement.unread

    return read


def _query(titles: Sequence[str]) -> int:
    return len(arxiv_xml.read_page(answer(arxiv_api(_papers(titles))), TODAY).papers)


def _hugging_face(titles: Sequence[str]) -> int:
    items = [{"paper": {"id": p.id, "title": p.title, "summary": p.abstract}} for p in _papers(titles)]
    pages = huggingface._Pages(TODAY)
    pages.add(answer(json.dumps(items)), TODAY)
    return len(pages.listings) + pages.unread


def _biorxiv(titles: Sequence[str]) -> int:
    entries = [
        preprint(f"10.1101/{n:06d}", TODAY, title=f"T{n} {title}", abstract=title, authors=title)
        for n, title in enumerate(titles, 1)
    ]
    page = biorxiv.read_page(answer(json.dumps({"messages": [{"status": "ok"}], "collection": entries})), "", TODAY)
    return len(page.versions) + page.unread


def _openreview(titles: Sequence[str]) -> int:
    notes = [
        submission(f"aaaaaaa{n:03d}", TODAY, title=f"T{n} {title}", abstract=title, authors=[title])
        for n, title in enumerate(titles, 1)
    ]
    page = openreview.read_page(answer(json.dumps({"notes": notes})), TODAY)
    return len(page.submissions) + page.unread


def _zotero(titles: Sequence[str]) -> int:
    items = [zotero_item(f"T{n} {title}", abstractNote=title, extra=title) for n, title in enumerate(titles, 1)]
    return len(zotero.read_items(answer(json.dumps(items)), TODAY).papers)


def _ris(titles: Sequence[str]) -> int:
    text = "".join(
        f"TY  - JOUR\nDO  - 10.1000/{p.id}\nTI  - {p.title}\nAU  - {p.abstract}\nER  - \n" for p in _papers(titles)
    )
    read = bibliography.read(text)
    return len(read.papers) + len(read.problems)


def _ris_without_beginnings(titles: Sequence[str]) -> int:
    text = "".join(f"T1  - {p.title}\nDO  - 10.1000/{p.id}\nER  - \n\n" for p in _papers(titles))
    read = bibliography.read(text)
    return len(read.papers) + len(read.problems)


READERS: dict[str, Callable[[Sequence[str]], int]] = {
    "rss": _rss,
    "atom": _atom,
    "json feed": _json_feed,
    "arxiv, atom": _announcement(arxiv_atom),
    "arxiv, rss": _announcement(arxiv_rss),
    "arxiv, query": _query,
    "hugging face": _hugging_face,
    "biorxiv": _biorxiv,
    "openreview": _openreview,
    "zotero": _zotero,
    "ris": _ris,
    "ris without TY": _ris_without_beginnings,
}


@pytest.mark.parametrize("name", READERS)
def test_no_record_is_lost_in_silence(name: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(TITLES, min_size=1, max_size=4))
    def read(titles: list[str]) -> None:
        assert READERS[name](titles) == len(titles)

    read()


def test_a_feed_whose_last_bracket_is_missing_is_read() -> None:
    body = '<rss version="2.0"><channel><item><title>A title</title></item></channel></rss \n'
    assert [entry.title for entry in feed._read(answer(body), TODAY).entries] == ["A title"]
