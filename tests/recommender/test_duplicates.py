"""Two papers that are one work."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from recommender import Paper, Recommender

_WORDS = (
    "sleepers wool cotton linen harbour sails bounds proofs energy comfort privacy ships patterns dreams lanterns ropes"
)
ONE = Paper("1", "Blankets at sea", f"We study {_WORDS}.", ("Ada Lovelace", "Emmy Noether"))


def again(other: Paper) -> bool:
    engine = Recommender()
    engine.add([ONE, other])
    assert engine.duplicates(["1"], ["1", "unknown"]) == {}, "a paper is not its own twin"
    found = set(engine.duplicates([other.id, "unknown"], ["1"]))
    assert engine.duplicates(["1"], [other.id]) == ({"1": {other.id}} if found else {})
    return found == {other.id}


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, id="2", title="Sheets on water"),
        replace(ONE, id="2", title="Sheets", authors=("Emmy Noether", "Grace Hopper")),
        replace(ONE, id="2", title="Sheets", abstract=f"Here we study {_WORDS}, extended by anchors and charts."),
        replace(ONE, id="2", title="Sheets", authors=()),
    ],
)
def test_a_renamed_a_resubmitted_and_a_longer_version_are_the_same_work(other: Paper) -> None:
    assert again(other)


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, id="2", authors=("Grace Hopper",)),
        replace(ONE, id="2", authors=("Ada Hopper", "Alan Turing")),
        replace(ONE, id="2", abstract=ONE.abstract.replace("wool cotton linen harbour", "zinc iron gold copper")),
        replace(ONE, id="2", abstract=ONE.abstract + " Extended by anchors, charts and whistles.", authors=()),
        replace(ONE, id="2", abstract=""),
        Paper("2", "Short", "Sleepers.", ONE.authors),
    ],
)
def test_what_others_wrote_and_what_says_something_else_are_other_works(other: Paper) -> None:
    assert not again(other)


def test_two_papers_that_say_little_are_not_taken_for_one() -> None:
    engine = Recommender()
    engine.add([replace(ONE, abstract="In preparation."), replace(ONE, id="2", abstract="In preparation.")])
    assert engine.duplicates(["2"], ["1"]) == {}


def test_one_of_many_is_found_among_many() -> None:
    engine = Recommender()
    words = [f"{a}{b}" for a in "bcdfghjklm" for b in ("arn", "elt", "ost", "ump", "iln", "orv")]
    some = [
        Paper(str(n), f"Number {n}", " ".join(random.Random(n).sample(words, 30)), ("Ada Lovelace",))
        for n in range(300)
    ]
    twins = [replace(one, id=f"t{one.id}", title="Another", abstract=one.abstract + " and more") for one in some[:9]]
    engine.add([*some, *twins])
    found = engine.duplicates([t.id for t in twins], [p.id for p in some])
    assert found == {twin.id: {twin.id[1:]} for twin in twins}


def test_of_one_abstract_under_many_titles_the_first_is_no_copy() -> None:
    engine = Recommender()
    copies = [replace(ONE, id=f"c{n}", title=f"Number {n}", authors=(f"Writer {n}",)) for n in range(500)]
    other = Paper("o", "Iron", "zinc iron gold copper lead tin steel brass bronze nickel cobalt chrome silver ore slag")
    empty = [Paper(f"e{n}", f"Untitled {n}", "") for n in range(3)]
    engine.add([ONE, other, *copies, *empty])
    found = engine.copies_among(["unknown", "o", "1", *(paper.id for paper in [*copies, *empty])])
    assert found == {paper.id for paper in copies}
    assert engine.copies_among([]) == set()


def test_only_papers_that_are_alike_are_copies_whatever_they_are_among() -> None:
    engine, rng = Recommender(), random.Random(2)
    ends = ("arn", "elt", "ost", "ump", "iln", "orv")
    words = [f"{a}{b}{c}" for a in "bcdfghjklm" for b in ends for c in ends]
    some = [Paper(str(n), "", " ".join(rng.sample(words, 30))) for n in range(60)]
    copies = [replace(rng.choice(some), id=f"c{n}") for n in range(20)]
    engine.add([*some, *copies])
    ids = [paper.id for paper in [*some, *copies]]
    alike = engine.alike([*ids, "unknown"])
    assert {paper.id for paper in copies} <= alike < set(ids)
    for _ in range(20):
        among = rng.sample(ids, 50)
        assert engine.copies_among([i for i in among if i in alike]) == engine.copies_among(among)
