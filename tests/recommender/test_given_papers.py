"""Papers that come with their feedback: they are learned from, and nobody ever finds them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from recommender import Feedback, Paper, Recommender
from tests.support.harness import demo_papers

NOW = datetime(2025, 11, 10, tzinfo=UTC)
GIVEN = Paper(
    "taught:1",
    "Client drift in federated learning with non-IID data",
    "Federated learning trains a global model on clients that never share data. We correct client drift.",
)


@pytest.fixture(scope="module")
def engine() -> Recommender:
    made = Recommender()
    made.add(demo_papers())
    return made


@pytest.fixture(scope="module")
def ids(engine: Recommender) -> list[str]:
    return [paper.id for paper in demo_papers()]


def _liked(value: float = 1.0) -> list[Feedback]:
    return [Feedback(GIVEN.id, value, NOW, "ada", paper=GIVEN)]


def _federated(engine: Recommender, ids: list[str], feedback: list[Feedback]) -> list[int]:
    """The ranks of the papers on federated learning."""
    ranked = [one.paper_id for one in engine.rank(feedback, ids, now=NOW)]
    about = {hit.paper_id for hit in engine.matching("federated", ids)}
    return [rank for rank, paper_id in enumerate(ranked) if paper_id in about]


def test_a_paper_given_with_its_like_brings_papers_like_it_to_the_top(engine: Recommender, ids: list[str]) -> None:
    before, after = _federated(engine, ids, []), _federated(engine, ids, _liked())
    assert len(after) > 5
    assert sum(after) < sum(before) / 4


def test_a_paper_given_with_its_dislike_sends_papers_like_it_to_the_end(engine: Recommender, ids: list[str]) -> None:
    after = _federated(engine, ids, _liked(-1.0))
    assert min(after) > len(ids) / 3
    assert sum(after) / len(after) > len(ids) / 2


def test_a_given_paper_is_learned_from_as_one_of_the_index_is(engine: Recommender, ids: list[str]) -> None:
    indexed = next(paper for paper in demo_papers() if "federated" in paper.title.lower())
    given = [Feedback("elsewhere", 1.0, NOW, "ada", paper=indexed)]
    by_index = [one.paper_id for one in engine.rank([Feedback(indexed.id, 1.0, NOW, "ada")], ids, now=NOW)]
    by_text = [one.paper_id for one in engine.rank(given, ids, now=NOW)]
    assert len(set(by_index[:20]) & set(by_text[:20])) >= 18


def test_the_reason_names_the_given_paper_with_words_that_it_has(engine: Recommender, ids: list[str]) -> None:
    picks = engine.pick(_liked(), ids, 5, now=NOW)
    reasons = [reason for pick in picks for reason in pick.reasons if reason.because]
    assert {reason.because for reason in reasons} == {GIVEN.id}
    text = f"{GIVEN.title} {GIVEN.abstract}".lower()
    assert all(word in text for reason in reasons for words in reason.words for word in words.split())


def test_a_given_paper_changes_the_index_for_nobody(engine: Recommender, ids: list[str]) -> None:
    before = len(engine)
    engine.rank([Feedback("taught:2", 1.0, NOW, "ada", paper=Paper("taught:2", "Xylotheque zymurgy"))], ids, now=NOW)
    assert (len(engine), "taught:2" in engine, engine.search("xylotheque zymurgy")) == (before, False, [])
    assert engine.complete("xylothe").queries == ()


def test_the_index_knows_a_paper_better_than_whoever_gives_it(engine: Recommender, ids: list[str]) -> None:
    known = demo_papers()[0]
    forged = Paper(known.id, "Federated federated federated", "federated " * 50)
    told = engine.rank([Feedback(known.id, 1.0, NOW, "ada", paper=forged)], ids, now=NOW)
    assert told == engine.rank([Feedback(known.id, 1.0, NOW, "ada")], ids, now=NOW)


@pytest.mark.parametrize(
    "paper", [Paper("taught:3", ""), Paper("taught:3", "qqqq zzzz"), Paper("taught:3", "the of and")]
)
def test_a_given_paper_without_a_word_that_the_index_has_teaches_nothing(
    engine: Recommender, ids: list[str], paper: Paper
) -> None:
    told = engine.rank([Feedback(paper.id, 1.0, NOW, "ada", paper=paper)], ids, now=NOW)
    assert [one.paper_id for one in told] == [one.paper_id for one in engine.rank([], ids, now=NOW)]


def test_papers_like_one_that_is_not_in_the_index_are_found(engine: Recommender) -> None:
    found = engine.similar(GIVEN, 5)
    assert len(found) == 5
    about = {hit.paper_id for hit in engine.search("federated learning", 40)}
    assert sum(hit.paper_id in about for hit in found) >= 4
    assert engine.similar(Paper("taught:3", "qqqq zzzz"), 5) == []


def test_the_taste_of_given_papers_is_told_in_words(engine: Recommender) -> None:
    taste = engine.taste(_liked(), now=NOW)
    assert {"federated", "client", "clients"} & {word.text for word in taste.liked}
    assert (taste.votes, taste.members) == (1, 1)
