"""Many channels at once: each gets what it would get alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Feedback, Recommender
from recommender import engine as engine_module
from tests.recommender.papers import NOW, library

LIBRARY = library()
CANDIDATES = [paper.id for paper in LIBRARY[-60:]]
vote = st.builds(
    lambda paper, value, days: Feedback(paper.id, value, NOW - timedelta(days=days), "ada"),
    st.sampled_from(LIBRARY),
    st.sampled_from([1.0, -1.0, 0.0]),
    st.integers(0, 90),
)
topic = st.sampled_from(["quantum", "federated learning", "-pixels", "?!"])
channel = st.tuples(st.lists(vote, max_size=8), st.lists(topic, max_size=2, unique=True))


@pytest.fixture(scope="module")
def engine() -> Recommender:
    engine = Recommender()
    engine.add(LIBRARY)
    return engine


@settings(deadline=None, max_examples=25)
@given(channels=st.lists(channel, max_size=5))
def test_many_channels_get_what_each_would_get_alone(
    engine: Recommender, channels: list[tuple[list[Feedback], list[str]]]
) -> None:
    together = list(engine.rank_many(channels, CANDIDATES, 60, NOW))
    assert len(together) == len(channels)
    for told, (feedback, topics) in zip(together, channels, strict=True):
        alone = {one.paper_id: one.score for one in engine.rank(feedback, CANDIDATES, topics, NOW)}
        assert {one.paper_id: one.score for one in told} == pytest.approx(alone, abs=1e-4)
        assert [one.score for one in told] == sorted((one.score for one in told), reverse=True)


def test_blocks_are_taken_as_they_are_asked_for(engine: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_BLOCK", 2)
    asked = iter([([Feedback(paper.id, 1.0, NOW)], ()) for paper in LIBRARY[:5]])
    ranked = engine.rank_many(asked, CANDIDATES, 3, NOW)
    assert len(next(ranked)) == 3
    assert len(list(asked)) == 3, "what is not in the first block has not been read"


def test_a_candidate_nobody_knows_is_refused(engine: Recommender) -> None:
    with pytest.raises(ValueError, match="No paper 'stranger'"):
        next(engine.rank_many([([], ())], ["stranger"], 3))


def test_a_pinned_recommender_answers_as_before_whatever_is_added_or_discarded() -> None:
    engine = Recommender()
    engine.add(LIBRARY[:-1])
    pinned, feedback = engine.pinned(), [Feedback(LIBRARY[0].id, 1.0, NOW, "ada")]
    before = pinned.rank(feedback, CANDIDATES[:-1], now=NOW)
    engine.add(LIBRARY[-1:])
    engine.discard([CANDIDATES[0]])
    assert pinned.rank(feedback, CANDIDATES[:-1], now=NOW) == before
    assert pinned.known([LIBRARY[-1].id, CANDIDATES[0]]) == [CANDIDATES[0]]
    assert engine.known([LIBRARY[-1].id, CANDIDATES[0]]) == [LIBRARY[-1].id]


def test_features_that_are_prepared_change_no_rank(engine: Recommender) -> None:
    feedback = [Feedback(paper.id, 1.0, NOW, "ada") for paper in LIBRARY[:5]]
    fresh = Recommender()
    fresh.add(LIBRARY)
    fresh.prepare([*(paper.id for paper in LIBRARY[3:]), "unknown"])
    assert fresh.rank(feedback, CANDIDATES, now=NOW) == engine.rank(feedback, CANDIDATES, now=NOW)


def test_candidates_are_kept_for_a_day_and_not_when_they_are_many(
    engine: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    feedback = [Feedback(LIBRARY[0].id, 1.0, NOW, "ada")]
    alone = engine.rank(feedback, CANDIDATES, now=NOW)
    later = engine.rank(feedback, CANDIDATES, now=NOW + timedelta(days=3))
    assert later != alone, "papers are older, and votes have faded"
    monkeypatch.setattr(engine_module, "_MOST_KEPT_CANDIDATES", 10)
    assert engine.rank(feedback, CANDIDATES[::-1], now=NOW) == alone
