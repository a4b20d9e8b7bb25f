"""What a channel begins with: what is generally liked, and what its neighbours like."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from recommender import Feedback, Recommender
from tests.recommender.papers import NOW, made, votes

CANDIDATES = [f"{subject}-{n}" for subject in ("federated", "vision", "language", "physics") for n in range(100, 106)]
OLD, TODAY = date(2025, 1, 10), NOW.date()
NEIGHBOURS = [Feedback(f"physics-{n}", 1.0, NOW - timedelta(days=9), "zoe") for n in range(40)]


def engine(upvoted: str = "", published: date = OLD) -> Recommender:
    """Sixty papers of each subject, those of one of them upvoted, and today's candidates."""
    engine = Recommender()
    subjects = ("federated", "vision", "language", "physics")
    engine.add(
        made(subject, n, published=published, upvotes=20 * (subject == upvoted))
        for subject in subjects
        for n in range(60)
    )
    engine.add(made(subject, n, published=TODAY) for subject in subjects for n in range(100, 106))
    return engine


def best(
    engine: Recommender, feedback: list[Feedback], neighbours: list[Feedback], topics: tuple[str, ...] = ()
) -> str:
    return engine.rank(feedback, CANDIDATES, topics, NOW, neighbours)[0].paper_id.split("-")[0]


def test_a_new_channel_begins_with_what_the_sources_readers_like() -> None:
    assert best(engine("vision"), [], []) == "vision"
    assert best(engine("language"), [], []) == "language"


def test_a_new_channel_begins_with_what_its_neighbours_like() -> None:
    assert best(engine(), [], NEIGHBOURS) == "physics"


@pytest.mark.parametrize("silences", [0, 3])
def test_before_the_first_like_what_neighbours_like_weighs_more_than_the_draw(silences: int) -> None:
    begun, shown = engine(), [Feedback(f"vision-{n}", 0.0, NOW, None) for n in range(silences)]

    def first(seed: int, neighbours: list[Feedback]) -> str:
        [pick] = begun.pick(shown, CANDIDATES, 1, now=NOW, seed=seed, neighbours=neighbours)
        return pick.paper_id.split("-")[0]

    alone, beside = ([first(seed, given) for seed in range(20)] for given in ([], NEIGHBOURS))
    assert alone.count("physics") < 10 <= 15 < beside.count("physics")


def test_what_is_generally_liked_outweighs_no_topic_and_no_like_of_the_channel() -> None:
    assert best(engine("vision"), [], NEIGHBOURS, ("quantum",)) == "physics"
    assert best(engine("vision"), [], [], ("quantum",)) == "physics"
    assert best(engine("vision"), votes("language-1", "language-2"), NEIGHBOURS) == "language"


def test_it_fades_as_the_channel_votes() -> None:
    rich = engine("vision")

    def lead(count: int) -> float:
        own = [Feedback(f"language-{n}", 1.0, NOW, "ada") for n in range(count)]
        ranked = {r.paper_id: r.score for r in rich.rank(own, CANDIDATES, now=NOW)}
        plain = {r.paper_id: r.score for r in engine().rank(own, CANDIDATES, now=NOW)}
        return (ranked["vision-100"] - plain["vision-100"]) - (ranked["physics-100"] - plain["physics-100"])

    assert lead(1) > lead(10) > lead(50) > 0


@pytest.mark.parametrize("days", [0, 3])
def test_nothing_from_the_channels_first_day_on_is_looked_at(days: int) -> None:
    late = [Feedback(f"physics-{n}", 1.0, NOW + timedelta(days=days), "zoe") for n in range(40)]
    mine = votes("language-1")
    alone = engine().rank(mine, CANDIDATES, now=NOW)
    assert engine().rank(mine, CANDIDATES, now=NOW, neighbours=late) == alone
    upvoted, not_upvoted = (engine(name, published=TODAY + timedelta(days=days)) for name in ("vision", ""))
    first, second = (e.rank(mine, CANDIDATES, now=NOW) for e in (upvoted, not_upvoted))
    assert first == second


def test_neighbours_that_like_nothing_or_dislike_teach_nothing() -> None:
    against = [Feedback(f"physics-{n}", -1.0, NOW - timedelta(days=9), "zoe") for n in range(40)]
    few = NEIGHBOURS[:5]
    alone = engine().rank(votes("language-1"), CANDIDATES, now=NOW)
    for given in (against, few, [Feedback("stranger", 1.0, NOW - timedelta(days=9))] * 40):
        assert engine().rank(votes("language-1"), CANDIDATES, now=NOW, neighbours=given) == alone
