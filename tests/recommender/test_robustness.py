"""What odd channels and odd papers do to a taste: nothing worse than they deserve."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from recommender import Feedback, Paper, Recommender
from recommender.learning.labels import INACTIVE_WEIGHT
from tests.recommender.papers import NOW, library, made, paper_labels, votes

CANDIDATES = [f"{subject}-{n}" for subject in ("federated", "vision", "language", "physics") for n in range(30, 40)]
SEEN = [f"{subject}-{n}" for subject in ("federated", "vision", "language", "physics") for n in range(25)]


@pytest.fixture(scope="module")
def engine() -> Recommender:
    engine = Recommender()
    engine.add(library(40))
    return engine


def subjects(engine: Recommender, feedback: list[Feedback], limit: int = 5) -> list[str]:
    """What is picked, by subject; every number in it is finite."""
    picks = engine.pick(feedback, CANDIDATES, limit, now=NOW)
    assert all(math.isfinite(pick.score) and 0 <= pick.percentile <= 1 for pick in picks)
    assert len({pick.paper_id for pick in picks}) == limit
    return [pick.paper_id.split("-")[0] for pick in picks]


def test_a_channel_that_likes_everything_still_gets_its_picks(engine: Recommender) -> None:
    everything = votes(*SEEN)
    assert len(subjects(engine, everything)) == 5
    assert engine.pick(everything, CANDIDATES, 5, now=NOW) == engine.pick(everything, CANDIDATES, 5, now=NOW)


def test_a_channel_that_likes_nothing_still_gets_its_picks(engine: Recommender) -> None:
    silent = [Feedback(paper_id, 0.0, NOW - timedelta(days=n)) for n, paper_id in enumerate(SEEN)]
    assert len(subjects(engine, silent)) == 5
    assert len(subjects(engine, votes(*SEEN, value=-1.0))) == 5


def test_silence_about_one_subject_alone_turns_to_the_others(engine: Recommender) -> None:
    silent = [Feedback(f"vision-{n}", 0.0, NOW) for n in range(25)]
    assert "vision" not in subjects(engine, [*silent, *votes("physics-1", "language-1")], 4)


def test_one_paper_that_everybody_likes_teaches_its_subject_and_drowns_no_other(engine: Recommender) -> None:
    crowd = [Feedback("vision-1", 1.0, NOW, f"member{n}") for n in range(1_000)]
    own = votes("physics-1", "physics-2", "physics-3", member="ada")
    found = subjects(engine, [*crowd, *own], 10)
    assert {"vision", "physics"} <= set(found)


def test_one_member_who_likes_all_else_there_is_takes_no_channel_over(engine: Recommender) -> None:
    team = [vote for n in range(24) for vote in votes(f"physics-{n}", member=f"member{n % 6}")]
    rest = [paper_id for paper_id in SEEN if not paper_id.startswith("physics")]
    loud = [Feedback(rest[n % len(rest)], 1.0, NOW - timedelta(minutes=n), "loud") for n in range(10_000)]
    assert subjects(engine, [*team, *loud], 10).count("physics") >= 5
    allies = [vote._replace(member=f"ally{n}") for n in range(6) for vote in loud[: len(rest)]]
    assert subjects(engine, [*team, *loud, *allies], 10).count("physics") < 5, "those who agree are heard"


def test_a_silence_says_less_when_nobody_was_there() -> None:
    then, before = NOW - timedelta(days=5), NOW - timedelta(days=30)
    shown = [Feedback("vision-1", 0.0, then), Feedback("vision-2", 0.0, then - timedelta(days=9))]
    there = Feedback("physics-1", 1.0, then + timedelta(hours=20), "ada")
    first, second, _ = paper_labels([*shown, there], before)
    assert (first.ignored, second.ignored) == (1.0, INACTIVE_WEIGHT)
    late = Feedback("physics-1", 1.0, then + timedelta(hours=30), "ada")
    assert [one.ignored for one in paper_labels([*shown, late], before)[:2]] == [INACTIVE_WEIGHT] * 2
    assert paper_labels([late, *reversed(shown)], before)[1:] == [second, first._replace(ignored=INACTIVE_WEIGHT)]


def test_votes_that_contradict_each_other_cancel_out(engine: Recommender) -> None:
    torn = [*votes("vision-1", "vision-2", member="ada"), *votes("vision-1", "vision-2", value=-1.0, member="ben")]
    liked = votes("physics-1", "physics-2", member="ada")
    assert subjects(engine, [*torn, *liked]).count("physics") >= 4
    changed = [Feedback("vision-1", (-1.0) ** n, NOW - timedelta(minutes=n), "ada") for n in range(100)]
    assert engine.rank(changed, CANDIDATES, now=NOW) == engine.rank(changed[:1], CANDIDATES, now=NOW)


def test_votes_on_papers_nobody_knows_change_nothing(engine: Recommender) -> None:
    strangers = [Feedback(f"stranger-{n}", 1.0, NOW, "cy") for n in range(5)]
    liked = votes("physics-1", "physics-2")
    assert subjects(engine, [*strangers, *liked]) == subjects(engine, liked)
    assert len(subjects(engine, strangers)) == 5


def test_ten_thousand_votes_of_one_member_leave_the_others_their_say() -> None:
    engine = Recommender()
    engine.add([*library(40), *(made("vision", 1_000 + n) for n in range(1_500))])
    loud = [Feedback(f"vision-{1_000 + n % 1_500}", 1.0, NOW - timedelta(seconds=n), "loud") for n in range(10_000)]
    others = [*votes("physics-1", "physics-2", "physics-3", member="ada"), *votes("physics-2", "physics-4", member="b")]
    assert "physics" in subjects(engine, [*loud, *others], 10)


def test_one_text_under_several_ids_is_posted_once() -> None:
    engine = Recommender()
    engine.add(library(40))
    twins = [made("vision", 35, id=f"twin-{n}") for n in range(5)]
    engine.add(twins)
    candidates = [*(paper.id for paper in twins), *(f"physics-{n}" for n in range(30, 40))]
    picks = engine.pick(votes("vision-1", "vision-2"), candidates, 5, now=NOW)
    assert sum(pick.paper_id.startswith("twin") for pick in picks) == 1


@pytest.mark.parametrize(
    ("liked", "alike", "other"),
    [
        ("図書館における深層学習の応用", "図書館と深層学習", "量子力学の基礎"),
        ("глубокое обучение нейронных сетей", "обучение глубоких сетей", "квантовая механика частиц"),
        ("apprentissage profond des réseaux", "réseaux et apprentissage profond", "mécanique quantique"),
        ("التعلم العميق للشبكات العصبية", "الشبكات العصبية والتعلم العميق", "ميكانيكا الكم"),
    ],
)
def test_other_languages_are_learned_like_english(liked: str, alike: str, other: str) -> None:
    engine = Recommender()
    engine.add(library(20))
    texts = {"liked": liked, "alike": alike, "other": other}
    engine.add([Paper(f"{name}-{n}", f"{text} {n}", text) for name, text in texts.items() for n in range(3)])
    best, *_ = engine.rank(votes("liked-0", "liked-1"), ["alike-0", "other-0"], now=NOW)
    assert best.paper_id == "alike-0"


def test_papers_without_abstracts_are_learned_by_their_titles() -> None:
    engine = Recommender()
    engine.add([made(subject, n, abstract="") for n in range(40) for subject in ("vision", "physics")])
    ranked = engine.rank(votes("vision-1", "vision-2"), ["vision-30", "physics-30"], now=NOW)
    assert ranked[0].paper_id == "vision-30"


def test_feedback_in_any_order_teaches_the_same(engine: Recommender) -> None:
    given = [*votes("vision-1", "physics-3", "language-2"), *votes("federated-4", value=-1.0, days=3)]
    one, other = engine.rank(given, CANDIDATES, now=NOW), engine.rank(given[::-1], CANDIDATES, now=NOW)
    assert [item.paper_id for item in one] == [item.paper_id for item in other]
    assert [item.score for item in one] == pytest.approx([item.score for item in other], abs=1e-3)
