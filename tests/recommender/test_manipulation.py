"""What members and sources who mean ill can move a channel's picks by, and what the others lose at most.

A team of eight likes papers on one subject of four, as `team` has it; each attack adds its own votes or papers. Of ten
cards the team gets ten of its subject where nobody attacks.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from recommender import Feedback, Paper, PickOptions, Profile, Recommender
from recommender.learning.labels import MAX_MEMBER_TO_NEXT, MAX_THIRD_TO_REST, UNCAPPED_VOTES, aggregate_labels
from recommender.learning.learner import MAX_WORDS_BOOST
from tests.recommender.papers import NOW

SUBJECTS = ("tides", "bees", "glass", "chess")
OURS, THEIRS = "tides", "bees"
TEAM, LIKES, CARDS = 8, 6, 10
_COMMON = [f"common{n}" for n in range(60)]


def words_of(subject: str) -> list[str]:
    return [f"{subject}{n}" for n in range(40)]


def written(paper_id: str, subject: str, seed: object, **fields: object) -> Paper:
    """A paper of a hundred words: thirty-five of its subject's, the others are anybody's."""
    rng = random.Random(f"{seed}")
    words = [*rng.choices(words_of(subject), k=35), *rng.choices(_COMMON, k=65)]
    rng.shuffle(words)
    held = {
        "title": " ".join(rng.sample(words_of(subject), 4)),
        "abstract": " ".join(words),
        "authors": (f"Author {seed}",),
        "categories": ("cs.LG",),
        "published": NOW.date(),
    }
    return Paper(paper_id, **{**held, **fields})  # type: ignore[arg-type]


def papers_of(subject: str, count: int, kind: str = "") -> list[Paper]:
    return [written(f"{subject}-{kind}{n}", subject, f"{subject}{kind}{n}") for n in range(count)]


def ids(papers: Iterable[Paper]) -> list[str]:
    return [paper.id for paper in papers]


OLD = {subject: papers_of(subject, 90) for subject in SUBJECTS}
TODAY = {subject: papers_of(subject, 15, "today") for subject in SUBJECTS}
CANDIDATES = [paper_id for papers in TODAY.values() for paper_id in ids(papers)]
EVERYTHING = [paper for shelf in (OLD, TODAY) for papers in shelf.values() for paper in papers]


@pytest.fixture(scope="module")
def engine() -> Recommender:
    engine = Recommender()
    engine.add(EVERYTHING)
    return engine


def votes(member: str, papers: Iterable[str], value: float = 1.0) -> list[Feedback]:
    return [Feedback(paper_id, value, NOW - timedelta(minutes=n), member) for n, paper_id in enumerate(papers)]


def team() -> list[Feedback]:
    """Eight members with six likes each, on papers of their subject."""
    liked = ids(OLD[OURS])
    return [vote for n in range(TEAM) for vote in votes(f"member{n}", liked[n * LIKES : (n + 1) * LIKES])]


LOVED = [vote.paper_id for vote in team()]


def distinct(engine: Recommender, candidates: Sequence[str]) -> list[str]:
    """The candidates as a digest has them: each work once."""
    copies = engine.copies_among(candidates)
    return [paper_id for paper_id in candidates if paper_id not in copies]


def ours(engine: Recommender, feedback: Sequence[Feedback], candidates: Sequence[str] = CANDIDATES) -> int:
    """How many of ten cards are on the team's subject."""
    picks = engine.pick([*feedback], candidates, CARDS, now=NOW)
    assert len(picks) == CARDS
    return sum(pick.paper_id.startswith(OURS) for pick in picks)


def test_a_team_that_nobody_disturbs_gets_its_subject(engine: Recommender) -> None:
    assert ours(engine, team()) == CARDS


# -- the formula


@pytest.mark.parametrize("seed", range(40))
def test_no_member_outweighs_the_next_one_twice_and_no_third_outweighs_the_others(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cast = [*(rng.pareto(0.6, int(rng.integers(2, 30))) * 8 + 1).clip(max=2_000).astype(int).tolist(), 1]
    feedback = [Feedback(f"{n} {k}", 1.0, NOW, f"member{n}") for n, count in enumerate(cast) for k in range(count)]
    labels = aggregate_labels(feedback, NOW)
    weights = np.bincount([int(paper_id.split()[0]) for paper_id in labels.paper_ids], labels.like)
    # In votes of the last member, who cast one.
    first, second, *others = sorted(weights / weights[-1], reverse=True)
    third = len(cast) // 3
    most_active, rest = np.split(np.array([first, second, *others]), [third])
    assert first <= max(MAX_MEMBER_TO_NEXT * second, UNCAPPED_VOTES) + 1e-6
    assert most_active.sum() <= max(MAX_THIRD_TO_REST * rest.sum(), UNCAPPED_VOTES) + 1e-6


# -- a flood of votes by one member


def everything_else(member: str) -> list[Feedback]:
    return votes(member, [paper.id for subject in SUBJECTS if subject != OURS for paper in OLD[subject]])


@pytest.mark.parametrize(
    ("attack", "kept"),
    [
        (everything_else("loud"), 9),
        (votes("loud", ids(OLD[THEIRS])), 8),
        (votes("loud", ids(OLD[THEIRS])) * 100, 8),
        (votes("loud", ids(OLD[OURS]), -1.0), 9),
        (votes("loud", LOVED[:12], -1.0), 9),
        (votes("loud", LOVED[:24], -1.0), 9),
    ],
    ids=["likes all else", "likes another subject", "votes again and again", "dislikes all", "a quarter", "a half"],
)
def test_one_member_takes_at_most_two_of_ten_cards(engine: Recommender, attack: list[Feedback], kept: int) -> None:
    assert ours(engine, [*team(), *attack]) >= kept


@pytest.mark.parametrize("count", [1, 5, 40])
def test_one_members_votes_on_words_take_at_most_two_of_ten_cards(engine: Recommender, count: int) -> None:
    less = [Feedback.on_words(word, -1.0, NOW, "loud") for word in words_of(OURS)[:count]]
    more = [Feedback.on_words(word, 1.0, NOW, "loud") for word in words_of(THEIRS)[:count]]
    for attack in (less, more, [*less, *more]):
        assert ours(engine, [*team(), *attack]) >= 8


def test_votes_on_words_move_no_paper_further_than_one_of_them_can(engine: Recommender) -> None:
    paper = TODAY[OURS][0]
    less = [Feedback.on_words(word, -1.0, NOW, "loud") for word in dict.fromkeys(paper.abstract.split())]
    plain, *reduced = (
        engine.explain(paper.id, [*team(), *votes_on_words], now=NOW).score
        for votes_on_words in ([], less[:3], less[:10], less)
    )
    assert all(plain - 2 * MAX_WORDS_BOOST < score < plain for score in reduced)


# -- votes that are taken back


def test_votes_that_were_taken_back_leave_no_trace(engine: Recommender) -> None:
    """The store hands over no vote that was taken back; a changed one counts as it is now."""
    there_and_back = [
        Feedback(paper_id, value, NOW - timedelta(minutes=minute), "loud")
        for paper_id in ids(OLD[THEIRS])
        for minute, value in ((3, 1.0), (2, -1.0), (1, 0.0))
    ]
    assert engine.rank([*team(), *there_and_back], CANDIDATES, now=NOW) == engine.rank(
        [*team(), *(Feedback(paper_id, 0.0, NOW - timedelta(minutes=1)) for paper_id in ids(OLD[THEIRS]))],
        CANDIDATES,
        now=NOW,
    )


# -- a third of the members


def third(papers: Sequence[str], value: float = 1.0) -> list[Feedback]:
    """Four of twelve members, who vote as one."""
    return [vote for n in range(TEAM // 2) for vote in votes(f"ally{n}", papers, value)]


@pytest.mark.parametrize(
    ("attack", "kept"),
    [
        (third(ids(OLD[THEIRS])), 6),
        (third([paper.id for subject in SUBJECTS if subject != OURS for paper in OLD[subject]]), 9),
        (third(LOVED, -1.0), 9),
        (third(LOVED[:12], -1.0), 7),
        (third(LOVED[:24], -1.0), 7),
        ([*third(ids(OLD[THEIRS])), *third(LOVED, -1.0)], 5),
    ],
    ids=["likes another subject", "likes all else", "dislikes all", "a quarter", "a half", "both"],
)
def test_a_third_of_the_members_takes_at_most_half_of_the_cards(
    engine: Recommender, attack: list[Feedback], kept: int
) -> None:
    assert ours(engine, [*team(), *attack]) >= kept


def test_those_who_agree_are_heard(engine: Recommender) -> None:
    other_half = [
        vote for n in range(TEAM) for vote in votes(f"other{n}", ids(OLD[THEIRS])[n * LIKES : (n + 1) * LIKES])
    ]
    assert 2 <= ours(engine, [*team(), *other_half]) <= 8


def test_one_member_of_another_channel_does_not_decide_how_a_new_one_begins(engine: Recommender) -> None:
    before = NOW - timedelta(days=3)
    flood = [vote._replace(at=before) for vote in everything_else("loud")]
    others = [vote._replace(at=before) for vote in team()]
    dated = Recommender()
    dated.add([replace(paper, published=date(2025, 1, 1)) for paper in EVERYTHING])
    picks = dated.recommend(Profile((), (), (*others, *flood)), CANDIDATES, PickOptions(CARDS), now=NOW).picks
    assert sum(pick.paper_id.startswith(OURS) for pick in picks) >= 5


# -- a stuffed source


def one_work(count: int, subject: str = THEIRS) -> list[Paper]:
    """One work under many ids and titles, by authors of many names."""
    work = written("", subject, "work")
    return [
        written(f"copy-{n}", subject, f"title{n}", abstract=work.abstract, authors=(f"Author {n}", "E. Vil"))
        for n in range(count)
    ]


def stuffed(count: int, subjects: Sequence[str]) -> list[Paper]:
    """Papers made of nothing but the words of these subjects, three times each, with dates to come."""
    words = [word for subject in subjects for word in words_of(subject)]
    return [
        Paper(
            f"copy-{n}",
            " ".join(random.Random(n).sample(words, 12)),
            " ".join(random.Random(n).sample(words, len(words)) * 3),
            ("E. Vil",),
            ("cs.LG",),
            date(2099, 1, 1),
        )
        for n in range(count)
    ]


STUFFED = {
    "one work 400 times": one_work(400, OURS),
    "one work of another subject": one_work(400),
    "one with every word of the subject": stuffed(1, [OURS]),
    "forty with every word of the subject": stuffed(40, [OURS]),
    "forty with every word": stuffed(40, SUBJECTS),
}


@pytest.mark.parametrize("attack", STUFFED)
def test_a_stuffed_source_takes_one_card_of_ten_and_one_title(attack: str) -> None:
    engine = Recommender()
    engine.add([*EVERYTHING, *STUFFED[attack]])
    candidates = distinct(engine, [*CANDIDATES, *ids(STUFFED[attack])])
    for feedback in (team(), []):
        for seed in range(3):
            found = engine.recommend(Profile(tuple(feedback)), candidates, PickOptions(CARDS, seed), 10, NOW)
            copies = [
                paper_id for paper_id in (*(pick.paper_id for pick in found.picks), *found.titles) if "copy" in paper_id
            ]
            assert len(found.picks) == CARDS
            assert len(found.titles) == 10, "the copies keep no other title out"
            assert len(copies) <= 1


def test_a_stuffed_source_is_not_what_a_day_is_about() -> None:
    """A new channel is first shown what many papers of the day are about: a work listed 400 times is no such thing."""
    engine = Recommender()
    largest = papers_of("glass", 60, "more")
    engine.add([*EVERYTHING, *largest, *one_work(400)])
    candidates = distinct(engine, [*CANDIDATES, *ids(largest), *ids(one_work(400))])
    shown = [pick for seed in range(5) for pick in engine.pick([], candidates, CARDS, now=NOW, seed=seed)]
    assert sum(pick.paper_id.startswith("glass") for pick in shown) >= len(shown) / 2


def test_an_index_full_of_copies_leaves_the_taste_and_its_bar_as_they_are() -> None:
    engine = Recommender()
    engine.add([*EVERYTHING, *one_work(2_000, OURS)])
    assert ours(engine, team()) == CARDS
    found = engine.recommend(Profile(tuple(team())), CANDIDATES, PickOptions(CARDS, bar=0.8), now=NOW)
    assert len(found.picks) >= CARDS // 2, "random papers are not all alike now"


def test_a_date_to_come_puts_no_paper_before_todays(engine: Recommender) -> None:
    twin = TODAY[OURS][0]
    fresh = Recommender()
    fresh.add([*EVERYTHING, replace(twin, id="later", title=f"{twin.title} later", published=date(2099, 1, 1))])
    scores = {ranked.paper_id: ranked.score for ranked in fresh.rank(team(), [twin.id, "later"], now=NOW)}
    assert scores["later"] <= scores[twin.id] + 0.05
