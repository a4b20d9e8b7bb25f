"""Reasons, whatever was voted: true to the paper, to the votes and to the score."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recommender import Feedback, Paper, Recommender
from recommender.text import words
from tests.recommender.papers import NOW, library, votes
from tests.support.harness import demo_papers

PAPERS = demo_papers()
TEXTS = {paper.id: words(f"{paper.title}. {paper.abstract}") for paper in PAPERS}
OLD, NEW = [paper.id for paper in PAPERS[:120]], [paper.id for paper in PAPERS[120:]]
TOPICS = ["reinforcement learning", "federated", "-survey"]


@pytest.fixture(scope="module")
def engine() -> Recommender:
    engine = Recommender()
    engine.add(PAPERS)
    return engine


vote = st.builds(
    lambda paper_id, value, member, days: Feedback(paper_id, value, NOW - timedelta(days=days), member),
    st.sampled_from(OLD),
    st.sampled_from([1.0, 1.0, -1.0, 0.0]),
    st.sampled_from(["ada", "ben"]),
    st.integers(0, 200),
)
asked = st.builds(
    lambda said, value: Feedback.on_words(said, value, NOW - timedelta(days=1), "cy"),
    st.sampled_from(["diffusion", "language models", "robots"]),
    st.sampled_from([1.0, -1.0]),
)


SHARE_A_COLUMN = [Feedback(paper_id, 1.0, NOW, "ada") for paper_id in ("2510.26841", "2511.03295")]
"""Likes beside which another pair of words of a new paper is hashed to the number of one of theirs."""


@settings(deadline=None, max_examples=15)
@example(said=SHARE_A_COLUMN, topics=[])
@given(said=st.lists(st.one_of(vote, asked), max_size=12), topics=st.lists(st.sampled_from(TOPICS), unique=True))
def test_no_reason_names_what_is_not_so(engine: Recommender, said: list[Feedback], topics: list[str]) -> None:
    for pick in engine.pick(said, NEW, 5, topics=topics, now=NOW):
        assert [one.weight for one in pick.reasons] == sorted((one.weight for one in pick.reasons), reverse=True)
        for reason in pick.reasons:
            assert reason.weight > 0
            assert {*words(" ".join(reason.words))} <= {*TEXTS[pick.paper_id]}, "words that the paper has"
            if reason.because:
                assert 1.0 in {one.value for one in said if one.paper_id == reason.because}, "somebody likes it"
                assert {*words(" ".join(reason.words))} <= {*TEXTS[reason.because]}, "and the liked paper too"
            if reason.topic or reason.asked:
                assert engine.matching(reason.topic or reason.asked or "", [pick.paper_id])
                assert reason.topic in (None, *topics)


def test_a_taste_that_knows_dislikes_alone_tells_nothing_else() -> None:
    engine = Recommender()
    engine.add(library(8))
    assert len(engine) < 50
    shown = [Feedback(f"{subject}-{n}", 0.0, NOW) for subject in ("vision", "physics") for n in range(6)]
    taste = engine.taste([Feedback("federated-1", -1.0, NOW, "ada"), *shown], now=NOW)
    assert taste.liked == taste.liked_categories == ()
    disliked = words(next(f"{one.title}. {one.abstract}" for one in library(8) if one.id == "federated-1"))
    assert taste.disliked
    assert {*words(" ".join(word.text for word in taste.disliked))} <= {*disliked}


def test_no_paper_is_its_own_reason(engine: Recommender) -> None:
    liked = votes(*OLD[:3])
    for paper_id in OLD[:3]:
        named = [reason.because for reason in engine.explain(paper_id, liked, now=NOW).reasons]
        assert paper_id not in named


def test_a_liked_paper_is_named_only_of_one_that_is_near_to_it() -> None:
    mixed = Recommender()
    mixed.add([*library(), Paper("far", "Tax law of the Middle Ages", "We propose several strong results on tolls.")])
    liked = votes("physics-1", "physics-2", "physics-3")
    near, far = (mixed.explain(paper_id, liked, now=NOW).reasons for paper_id in ("physics-20", "far"))
    assert near[0].because in ("physics-1", "physics-2", "physics-3")
    assert not [reason for reason in far if reason.because], "what they share are everyday words"


def test_of_a_paper_near_to_no_liked_one_the_strongest_words_of_the_taste_are_told() -> None:
    mixed = Recommender()
    tolls = " ".join(f"toll{n} gate{n} keeper{n}" for n in range(12))
    mixed.add([*library(), *(Paper(f"far-{n}", f"Magnets and {tolls}", tolls) for n in range(2))])
    [reason] = mixed.explain("far-1", votes("physics-1", "physics-2"), now=NOW).reasons
    assert (reason.because, reason.topic, reason.asked) == (None, None, None)
    assert reason.words == ("magnets",)
