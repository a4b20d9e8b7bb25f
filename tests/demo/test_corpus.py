"""The demo's papers: what a newcomer meets before any source is read."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypedDict

import bot.demo
from recommender.paper import arxiv_id, title_key

_CORPUS = Path(bot.demo.__file__).parent / "corpus.jsonl"
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_TEAM_INTEREST = re.compile(r"federated|privacy|private|unlearning", re.IGNORECASE)


class _Line(TypedDict):
    id: str
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    published: str


@cache
def _lines() -> list[_Line]:
    return [json.loads(line) for line in _CORPUS.read_text(encoding="utf-8").splitlines()]


def test_the_corpus_is_large_enough_for_ten_days_of_digests() -> None:
    days = Counter(date.fromisoformat(paper["published"]) for paper in _lines())
    assert len(_lines()) >= 150
    assert len(days) >= 10
    assert min(days.values()) >= 15  # five cards and ten more titles


def test_every_line_has_the_facts_of_the_normal_form_and_no_invented_ones() -> None:
    facts = ["id", "title", "abstract", "authors", "categories", "published"]
    assert [list(paper) for paper in _lines()] == [facts] * len(_lines())


def test_every_paper_names_its_people_and_its_field() -> None:
    for paper in _lines():
        assert paper["authors"], paper["id"]
        assert all(name == " ".join(name.split()) and len(name) > 2 for name in paper["authors"]), paper["id"]
        assert "et al." not in paper["authors"], paper["id"]
        assert paper["categories"], paper["id"]


def test_every_id_is_an_arxiv_id_without_its_version() -> None:
    assert [arxiv_id(paper["id"]) for paper in _lines()] == [paper["id"] for paper in _lines()]


def test_no_paper_comes_twice() -> None:
    assert len({paper["id"] for paper in _lines()}) == len(_lines())
    assert len({title_key(paper["title"]) or paper["title"] for paper in _lines()}) == len(_lines())


def test_every_summary_is_two_sentences_that_fit_a_card() -> None:
    for paper in _lines():
        summary = paper["abstract"]
        assert summary.endswith("."), paper["id"]
        assert len(_SENTENCE_BREAK.split(summary)) == 2, paper["id"]
        assert 25 <= len(summary.split()) <= 75, paper["id"]


def test_every_day_brings_the_demo_team_at_least_three_papers_it_will_like() -> None:
    of_interest = Counter(
        paper["published"] for paper in _lines() if _TEAM_INTEREST.search(f"{paper['title']} {paper['abstract']}")
    )
    for day in {paper["published"] for paper in _lines()}:
        assert of_interest[day] >= 3, day


def test_every_day_is_mostly_about_other_things() -> None:
    federated = Counter(paper["published"] for paper in _lines() if "federated" in paper["abstract"].casefold())
    papers = Counter(paper["published"] for paper in _lines())
    for day, count in papers.items():
        assert federated[day] < count / 2, day


def test_the_papers_come_from_at_least_six_fields() -> None:
    fields = Counter(category for paper in _lines() for category in paper["categories"])
    assert len({paper["categories"][0] for paper in _lines()}) >= 6
    assert {"cs.LG", "cs.CV", "cs.RO", "cs.CL", "cs.CR"} <= set(fields)


def test_the_corpus_is_sorted_by_day_and_then_by_id() -> None:
    order = [(paper["published"], paper["id"]) for paper in _lines()]
    assert order == sorted(order)
