"""The reasons of picks in a channel that has liked nothing: true ones, or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recommender import Feedback, Paper, PickOptions, Profile, Reason, ReasonBasis, Recommender

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
SUBJECTS = {
    "federated": "federated clients average their updates on a server with private gradients",
    "robot": "a robot arm grasps objects after demonstrations from a camera",
    "protein": "folding of proteins by diffusion over residues and their angles",
}


def _paper(subject: str, number: int, upvotes: int = 0, days_ago: int = 0) -> Paper:
    published = (NOW - timedelta(days=days_ago)).date()
    words = f"We present {SUBJECTS[subject]}, which provides results. The code is at https://github.com/lab/{number}."
    return Paper(
        f"{subject}-{number}",
        f"On {subject} {number}",
        words,
        published=published,
        upvotes=upvotes,
        categories=("cs.LG",),
    )


def _reasons(engine: Recommender, ids: list[str], profile: Profile | None = None) -> dict[str, tuple[Reason, ...]]:
    picks = engine.recommend(profile or Profile(), ids, PickOptions(5, 1), 0, NOW).picks
    return {pick.paper_id: pick.reasons for pick in picks}


def test_papers_of_the_days_largest_subject_are_typical_and_say_its_words() -> None:
    engine = Recommender()
    day = [*(_paper("federated", n) for n in range(12)), *(_paper("robot", n) for n in range(2))]
    engine.add(day)
    reasons = _reasons(engine, [paper.id for paper in day])
    for paper_id, (reason, *rest) in ((i, r) for i, r in reasons.items() if r):
        assert (reason.basis, rest) == (ReasonBasis.TYPICAL, [])
        assert paper_id.startswith("federated")
        assert set(" ".join(reason.words).split()) <= set(SUBJECTS["federated"].split()) | {"federated"}
        assert not set(" ".join(reason.words).split()) & {"provides", "results", "https", "github", "com", "present"}
    assert any(reasons.values())


def test_the_most_upvoted_paper_is_popular() -> None:
    engine = Recommender()
    day = [_paper("robot", n, upvotes=900 if n == 3 else 0) for n in range(8)]
    engine.add(day)
    reason = engine.explain("robot-3", [], now=NOW).reasons
    assert reason == (), "one paper alone is popular beside nothing"
    assert [r.basis for r in _reasons(engine, [paper.id for paper in day])["robot-3"]] == [ReasonBasis.POPULAR]


@pytest.mark.parametrize("count", [1, 4])
def test_among_few_papers_nothing_is_typical(count: int) -> None:
    engine = Recommender()
    day = [_paper("federated", n) for n in range(count)]
    engine.add(day)
    assert set(_reasons(engine, [paper.id for paper in day]).values()) == {()}


def test_papers_that_share_no_words_have_no_reason() -> None:
    engine = Recommender()
    texts = ["graphs", "speech", "markets", "cells", "galaxies", "codes"]
    engine.add([Paper(str(n), f"{text} alone", f"{text} {text}ly") for n, text in enumerate(texts)])
    assert set(_reasons(engine, [str(n) for n in range(6)]).values()) == {()}


def test_neighbours_are_named_only_where_their_likes_took_part() -> None:
    engine = Recommender()
    old = [_paper(subject, n, days_ago=20) for subject in SUBJECTS for n in range(30)]
    day = [_paper(subject, n) for subject in SUBJECTS for n in range(100, 104)]
    engine.add([*old, *day])
    liked_at = NOW - timedelta(days=10)
    ids = [paper.id for paper in day]

    def recommended(likes: int) -> tuple[bool, set[ReasonBasis]]:
        votes = tuple(Feedback(f"protein-{n}", 1.0, liked_at, "someone") for n in range(likes))
        result = engine.recommend(Profile(neighbours=votes), ids, PickOptions(5, 1), 0, NOW)
        return result.from_neighbours, {reason.basis for pick in result.picks for reason in pick.reasons}

    few, many = recommended(4), recommended(30)
    assert (few[0], ReasonBasis.NEIGHBOURS in few[1]) == (False, False)
    assert (many[0], ReasonBasis.NEIGHBOURS in many[1]) == (True, True)


def test_one_like_ends_the_cold_reasons() -> None:
    engine = Recommender()
    day = [*(_paper("federated", n) for n in range(12)), *(_paper("robot", n) for n in range(4))]
    engine.add(day)
    profile = Profile((Feedback("robot-0", 1.0, NOW, "ada"),))
    reasons = _reasons(engine, [paper.id for paper in day[1:]], profile)
    assert {reason.basis for own in reasons.values() for reason in own} == {ReasonBasis.TASTE}


def test_a_taste_avoids_only_what_somebody_disliked() -> None:
    engine = Recommender()
    day = [_paper(subject, n) for subject in SUBJECTS for n in range(20)]
    engine.add(day)
    liked = [Feedback(f"federated-{n}", 1.0, NOW, "ada") for n in range(3)]
    ignored = [Feedback(f"robot-{n}", 0.0, NOW) for n in range(6)]
    taste = engine.taste([*liked, *ignored], ["federated"], now=NOW)
    assert (taste.disliked, taste.disliked_categories) == ((), ())
    assert taste.liked
    disliked = engine.taste([*liked, *ignored, Feedback("robot-9", -1.0, NOW, "ada")], now=NOW).disliked
    assert disliked
    words = set(f"{SUBJECTS['robot']} on robot 9 code lab".split())
    assert set(" ".join(word.text for word in disliked).split()) <= words
