from __future__ import annotations

import pytest

from recommender import Paper, Recommender
from tests.recommender.test_search import found


@pytest.fixture(scope="module")
def library() -> Recommender:
    engine = Recommender()
    engine.add(
        [
            Paper("flow", "Flow networks", "Sampling by flows.", ("Yoshua Bengio", "Wei Li")),
            Paper("chain", "Chains of Bengio", "Yoshua Bengio is cited by all. He told us of chains.", ("Li Wei",)),
            Paper("apart", "Speech", "Recognition of speech.", ("Yoshua Wang", "Samy Bengio", "Jun Li", "Wei Zhang")),
            Paper("middle", "Robots", "Robots that learn to walk.", ("Sergey A. Levine", "Jürgen Müller")),
            Paper("short", "Walking", "Robots walk.", ("S. Levine",)),
            Paper("levin", "The Levin method", "An integral is found by the method of Levin.", ("Ann Other",)),
        ]
    )
    return engine


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('author:"yoshua bengio"', {"flow"}),
        ('author:"Bengio, Yoshua"', {"flow"}),
        ('author:"bengio yoshua"', {"flow"}),
        ('author:"wei li"', {"flow"}),
        ('author:"sergey levine"', {"middle"}),
        ('author:"S. Levine"', {"middle", "short"}),
        ('author:"j muller"', {"middle"}),
        ('author:"J. Levine"', set()),
        ('author:"bengio wei"', {"flow"}),
        ('author:"J. K."', set()),
        ("-author:levine robots", set()),
    ],
)
def test_a_name_is_one_authors_and_not_pieces_of_two(library: Recommender, query: str, expected: set[str]) -> None:
    assert set(found(library, query)) == expected


@pytest.mark.parametrize("query", ["Yoshua Bengio", "yoshua bengio -robots", 'yoshua author:"wei li" bengio'])
def test_who_types_a_name_alone_is_shown_the_papers_of_that_author_first(library: Recommender, query: str) -> None:
    assert found(library, query)[0] == "flow"


def test_papers_that_only_mention_the_name_follow(library: Recommender) -> None:
    assert found(library, "Yoshua Bengio")[:2] == ["flow", "chain"]
    assert len(found(library, "Yoshua Bengio")) == len(set(found(library, "Yoshua Bengio")))


def test_a_word_that_more_papers_have_than_authors_is_a_word(library: Recommender) -> None:
    engine = Recommender()
    engine.add([Paper("by", "On trees", "", ("Deep Singh",)), Paper("a", "Deep nets"), Paper("b", "Deep trees")])
    assert found(engine, "deep")[-1] == "by"
    assert found(engine, "deep singh")[0] == "by"


def test_a_name_beside_other_words_counts_in_full() -> None:
    engine = Recommender()
    theirs = [Paper(f"{n}", "Robots that walk", "They learn.", ("Sergey Levine",)) for n in range(8)]
    others = [Paper(f"o{n}", "Robots, robots, robots", "More robots and robots.") for n in range(8)]
    engine.add([*theirs, *others, *(Paper(f"f{n}", "Integrals", "They are found.") for n in range(60))])
    assert {hit.paper_id for hit in engine.search("levine robots", limit=8)} == {paper.id for paper in theirs}


def test_pages_of_a_name_follow_each_other(library: Recommender) -> None:
    whole = library.search("yoshua bengio", limit=6)
    assert [hit for at in range(6) for hit in library.search("yoshua bengio", limit=1, offset=at)] == whole
    assert [hit.score for hit in whole] == sorted((hit.score for hit in whole), reverse=True)
