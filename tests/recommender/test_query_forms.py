"""The ways in which one thing is typed by different people."""

from __future__ import annotations

from datetime import date

import pytest

from recommender import IssueKind, Paper, QueryIssue, Recommender
from recommender.search.query import Field, parse
from tests.recommender.test_search import PAPERS, found

FEDERATED, SURVEY, BRIDGES, CHINESE = (paper.id for paper in PAPERS)


@pytest.fixture(scope="module")
def library() -> Recommender:
    engine = Recommender()
    engine.add(PAPERS)
    return engine


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("author: mcmahan", [FEDERATED]),
        ("privacy -title: survey", [FEDERATED]),
        ('title: "a survey" cat: cs.CR', [SURVEY]),
        ("after: 2025", [BRIDGES]),
        ("cs.CR privacy", [SURVEY]),
        ("privacy -cs.cr", [FEDERATED]),
        ("math.*", [BRIDGES]),
        ("cat:cs.CR,math.PR", [BRIDGES, SURVEY]),
        ("cat:cs.CR|stat.ML privacy", [SURVEY, FEDERATED]),
        ("-cat:cs.LG,cs.CV", [SURVEY]),
        ("after:2025.02", [BRIDGES]),
        ("after:20250210", [BRIDGES]),
        ("after:202503", []),
        ("after:2025-02, bridges", [BRIDGES]),
        ("see https://arxiv.org/abs/2401.00002v1, it is great", [SURVEY]),
        ("(https://arxiv.org/pdf/2401.00002.pdf).", [SURVEY]),
        ("2401.00002 zebra", [SURVEY]),
        ("2401.00002 2502.00003", [BRIDGES, SURVEY]),
        ("https://arxiv.org/abs/2401.00002\nhttps://arxiv.org/abs/2502.00003 zebra", [BRIDGES, SURVEY]),
        ("id:2401.00002; id:2502.00003", [BRIDGES, SURVEY]),
        ("2401.00002 -privacy", []),
    ],
)
def test_it_finds_what_was_meant(library: Recommender, query: str, expected: list[str]) -> None:
    assert sorted(found(library, query)) == sorted(expected)


def test_a_link_keeps_the_bracket_that_belongs_to_it() -> None:
    for text in ("10.1016/0004-3702(95)", "(10.1016/0004-3702(95))."):
        [[clause]] = parse(text).groups
        assert (clause.field, clause.value) == (Field.ID, "doi:10.1016/0004-3702(95)")


def test_prose_with_a_colon_has_no_field() -> None:
    assert not parse("word " * 40 + "from: here").issues
    assert parse("whence: it came").words == parse("whence it came").words


def test_a_subject_without_its_archive_is_known(library: Recommender) -> None:
    assert library.interpret("cat:PR").issues[0].near[0] == "math.PR"


def test_words_are_found_written_as_one_though_no_paper_has_them_apart() -> None:
    engine = Recommender()
    engine.add([Paper("one", "A dataset"), Paper("none", "Tables")])
    assert found(engine, "data set") == ["one"]


def test_words_written_as_one_count_for_no_more_than_the_words() -> None:
    engine = Recommender()
    filler = [Paper(f"f{n}", "Caches of keys", "Keys and values. Compression of caches.") for n in range(9)]
    engine.add(
        [
            Paper("both", "KVCache cache at a provider", "The KV cache is measured, the cache of KV is served."),
            Paper("asked", "KV cache compression", "The KV cache is compressed. Compression of a cache is good."),
            *filler,
        ]
    )
    assert found(engine, "kv cache compression")[0] == "asked"


def test_a_phrase_is_named_as_it_was_typed(library: Recommender) -> None:
    assert library.interpret("学深").relaxed_phrases == ("学深",)


def test_a_day_that_is_none_is_still_said(library: Recommender) -> None:
    assert library.interpret("federated after: soon").issues == (QueryIssue("after:soon", IssueKind.NO_DAY),)
    assert [c.day for [c] in parse("after:2025.6 before:2025-13").groups] == [date(2025, 6, 1)]
