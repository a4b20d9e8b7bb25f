r"""An odd entry never costs a source the others. An author called `Jane Roe \footnote` once cost whole lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from bot.sources import arxiv_xml, feed, huggingface
from bot.sources.base import Unreadable
from bot.sources.fetch import Answer
from recommender import Paper
from tests.support.paper_sources import arxiv_atom

DAY = date(2026, 3, 6)
ODD = (r"Jane Roe \footnote", r"\sqrt", r"Roe \textcolor", r"\title", r"\author", r"\date", r"\sqrt[" * 30, "{" * 150)


def _answer(body: object) -> Answer:
    return Answer("https://x.example/f", 200, (body if isinstance(body, str) else json.dumps(body)).encode())


def _json(names: list[str]) -> list[tuple[str, ...]]:
    items = [{"id": f"{n}", "title": f"Paper {n}", "authors": [{"name": name}]} for n, name in enumerate(names)]
    return [entry.authors for entry in feed._read(_answer({"items": items}), DAY).entries]


def _rss(names: list[str]) -> list[tuple[str, ...]]:
    items = "".join(f"<item><title>Paper {n}</title><author>{name}</author></item>" for n, name in enumerate(names))
    body = f'<rss version="2.0"><channel>{items}</channel></rss>'
    return [entry.authors for entry in feed._read(_answer(body), DAY).entries]


def _papers(names: list[str]) -> list[tuple[Paper, str]]:
    return [(Paper(f"2603.{n:05}", f"Paper {n}", authors=(name,)), "new") for n, name in enumerate(names, 1)]


def _arxiv(names: list[str]) -> list[tuple[str, ...]]:
    announcement = arxiv_xml.read_announcement(_answer(arxiv_atom("cs.LG", DAY, _papers(names))), DAY)
    return [listing.paper.authors for listing in announcement.listings]


def _arxiv_api(names: list[str]) -> list[tuple[str, ...]]:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/2603.{n:05}</id><title>Paper {n}</title><author><name>{name}</name></author>"
        "</entry>"
        for n, name in enumerate(names, 1)
    )
    page = arxiv_xml.read_page(_answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'), DAY)
    return [paper.authors for paper in page.papers]


def _hugging_face(names: list[str]) -> list[tuple[str, ...]]:
    pages = huggingface._Pages(DAY)
    items = [
        {"paper": {"id": f"2603.{n:05}", "title": f"Paper {n}", "authors": [{"name": name}]}}
        for n, name in enumerate(names, 1)
    ]
    pages.add(_answer(items), DAY)
    return [listing.paper.authors for listing in pages.listings.values()]


@pytest.mark.parametrize("read", [_json, _rss, _arxiv, _arxiv_api, _hugging_face])
def test_odd_author_names_lose_no_paper(read: Callable[[list[str]], list[tuple[str, ...]]]) -> None:
    authors = read(["Ada Moreau", *ODD, "Bo Lindqvist"])
    assert len(authors) == len(ODD) + 2
    assert (authors[0], authors[-1]) == (("Ada Moreau",), ("Bo Lindqvist",))


@pytest.mark.parametrize("read", [_json, _rss, _arxiv, _arxiv_api, _hugging_face])
def test_an_entry_that_raises_is_left_out_alone(
    read: Callable[[list[str]], list[tuple[str, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (feed, arxiv_xml, huggingface):
        title = module.clean

        def breaks(text: object, limit: int, title: Callable[[object, int], str] = title) -> str:
            if text == "Paper 2":
                raise KeyError("no one foresaw this")
            return title(text, limit)

        monkeypatch.setattr(module, "clean", breaks)
    assert len(read(["Ada Moreau"] * 5)) == 4


def test_entries_that_were_left_out_are_counted_in_the_notes() -> None:
    parsed = feed._Feed((), unread=2, cut=True)
    assert feed._notes("x.example", parsed) == (
        "2 of x.example's entries could not be read and were left out.",
        "x.example's feed is very long; its first 0 entries were taken.",
    )


@pytest.mark.parametrize("inside", ["<!ELEMENT a (b)>", "<!ATTLIST item a CDATA 'x'>", "<!ENTITY a 'b'>", ""])
def test_a_document_type_with_declarations_is_refused(inside: str) -> None:
    body = f'<!DOCTYPE rss [{inside}]><rss version="2.0"><channel><item><title>A</title></item></channel></rss>'
    with pytest.raises(Unreadable, match="declares entities"):
        feed._read(_answer(body), DAY)


def test_an_old_feed_that_only_names_its_document_type_is_read() -> None:
    body = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS//EN" "http://x.example/a.dtd"><rss version="0.91"><channel>'
    parsed = feed._read(_answer(f"{body}<item><title>A paper</title></item></channel></rss>"), DAY)
    assert [entry.title for entry in parsed.entries] == ["A paper"]


def test_a_feed_with_too_many_entries_gives_the_first_ones_whole() -> None:
    item = "<item><title>Paper {}</title>" + "<category>a</category>" * 40 + "</item>"
    body = "".join(item.format(n) for n in range(1_000))
    parsed = feed._read(_answer(f'<rss version="2.0"><channel>{body}</channel></rss>'), DAY)
    assert parsed.cut
    assert 200 < len(parsed.entries) < 300
    assert parsed.entries[-1].title == f"Paper {len(parsed.entries) - 1}"
