"""Titles for a glance: the next best beside the picks, a little spread, and none that is there already."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Paper, PickOptions, Profile, Ranked, Recommender
from tests.recommender.papers import NOW, library, made, votes
from tests.support.harness import demo_papers

PAPERS = demo_papers()[:60]
IDS = [paper.id for paper in PAPERS]
LIKED = [paper.id for paper in PAPERS[:22] if "ederated" in paper.title]


@pytest.fixture(scope="module")
def real() -> Recommender:
    """Sixty papers of three days."""
    engine = Recommender()
    engine.add(PAPERS)
    return engine


def ids(titles: list[Ranked]) -> list[str]:
    return [title.paper_id for title in titles]


def test_the_titles_are_among_the_best_that_were_not_picked(real: Recommender) -> None:
    feedback, candidates = votes(*LIKED), IDS[22:]
    picked = [pick.paper_id for pick in real.pick(feedback, candidates, 5, now=NOW)]
    titles = real.list_titles(feedback, candidates, picked, 10, now=NOW)
    ranked = [one.paper_id for one in real.rank(feedback, candidates, now=NOW) if one.paper_id not in picked]
    assert len(titles) == 10
    assert ids(titles)[0] == ranked[0]
    assert len(set(ids(titles)) & set(ranked[:15])) >= 8, "spread a little, not at random"
    assert [one.score for one in titles] == sorted((one.score for one in titles), reverse=True)


def test_titles_are_spread_over_what_is_about_as_good(engine: Recommender) -> None:
    both = votes("federated-1", "federated-2", "vision-1", "vision-2")
    candidates = [f"{subject}-{number}" for subject in ("federated", "vision") for number in range(20, 40)]
    titles = ids(engine.list_titles(both, candidates, [], 8, now=NOW))
    assert {title.split("-")[0] for title in titles} == {"federated", "vision"}


def test_what_was_picked_and_what_is_nearly_that_is_no_title() -> None:
    engine = Recommender()
    engine.add(library())
    twins = [made("physics", 90, id=f"twin-{n}", title=f"Spin and lattice study90 {'again ' * n}") for n in range(3)]
    engine.add(twins)
    candidates = [*(paper.id for paper in twins), "federated-30", "vision-30"]
    titles = ids(engine.list_titles(votes("physics-1"), candidates, ["twin-0"], 10, now=NOW))
    assert sorted(titles) == ["federated-30", "vision-30"]
    both = ids(engine.list_titles(votes("physics-1"), candidates, ["federated-30"], 10, now=NOW))
    assert len([title for title in both if title.startswith("twin")]) == 1, "of near-duplicates one stands there"


def test_what_is_muted_is_no_title(engine: Recommender) -> None:
    candidates = ["vision-29", "physics-29", "language-29"]
    assert "physics-29" in ids(engine.list_titles([], candidates, [], 10, now=NOW))
    assert "physics-29" not in ids(engine.list_titles([], candidates, [], 10, topics=["-lattice"], now=NOW))


def test_a_channel_that_said_nothing_gets_titles_drawn_by_the_seed(real: Recommender) -> None:
    one, again, other = (ids(real.list_titles([], IDS, IDS[:5], 10, now=NOW, seed=seed)) for seed in (1, 1, 2))
    assert one == again != other
    assert len(one) == 10


def test_without_candidates_or_places_there_are_no_titles(real: Recommender) -> None:
    assert real.list_titles(votes(*LIKED), [], [], 10, now=NOW) == []
    assert real.list_titles(votes(*LIKED), IDS[:5], IDS[:5], 10, now=NOW) == []
    assert real.list_titles(votes(*LIKED), IDS, [], 0, now=NOW) == []


def test_papers_without_a_word_are_titles_too() -> None:
    engine = Recommender()
    engine.add([*library(), Paper("bare-1", ""), Paper("bare-2", "")])
    assert len(engine.list_titles(votes("physics-1"), ["bare-1", "bare-2"], [], 10, now=NOW)) == 2


def test_an_unknown_candidate_is_refused(engine: Recommender) -> None:
    for candidates, picked in ((["stranger"], []), (["vision-1"], ["stranger"])):
        with pytest.raises(ValueError, match="stranger"):
            engine.list_titles([], candidates, picked, 5)


@settings(max_examples=40, deadline=None)
@given(
    liked=st.lists(st.sampled_from(IDS), max_size=6),
    candidates=st.lists(st.sampled_from(IDS), max_size=60),
    count=st.integers(0, 10),
    limit=st.integers(0, 12),
    turned=st.integers(0, 60),
)
def test_titles_are_new_apart_and_the_same_for_the_same_input(
    real: Recommender, liked: list[str], candidates: list[str], count: int, limit: int, turned: int
) -> None:
    feedback = votes(*dict.fromkeys(liked))
    picked = [pick.paper_id for pick in real.pick(feedback, candidates, count, now=NOW, seed=7)]
    titles = ids(real.list_titles(feedback, candidates, picked, limit, now=NOW, seed=7))
    assert len(titles) == len(set(titles)) <= limit
    assert set(titles) <= set(candidates) - set(picked)
    near = {frozenset((one, hit.paper_id)) for one in titles for hit in real.similar(one, 60) if hit.score >= 0.95}
    assert not any(frozenset(pair) in near for pair in combinations([*picked, *titles], 2) if pair[1] in titles)
    shuffled = candidates[turned:] + candidates[:turned]
    assert ids(real.list_titles(list(reversed(feedback)), shuffled, picked, limit, now=NOW, seed=7)) == titles


def test_one_recommendation_holds_the_same_picks_and_titles_as_two_questions(real: Recommender) -> None:
    feedback, candidates = votes(*LIKED), IDS[22:]
    picks = real.pick(feedback, candidates, 5, now=NOW, seed=3)
    titles = real.list_titles(feedback, candidates, [pick.paper_id for pick in picks], 10, now=NOW, seed=3)
    profile, options = Profile(tuple(feedback)), PickOptions(5, seed=3)
    both = real.recommend(profile, candidates, options, titles=10, now=NOW)
    assert (list(both.picks), list(both.titles)) == (picks, ids(titles))
    assert any(pick.guess for pick in picks)
    more = [pick for pick in real.pick(feedback, candidates, 6, now=NOW, seed=3) if not pick.guess]
    assert list(real.recommend(profile, candidates, replace(options, guess=False), now=NOW).picks) == more


def test_a_recommendation_without_picks_says_whether_a_lower_bar_would_bring_any(engine: Recommender) -> None:
    profile = Profile(tuple(votes("physics-1")), ("-federated",))
    muted, far = ["federated-25"], ["vision-25"]
    for candidates, helps in ((muted, False), (far, True), ([], False)):
        found = engine.recommend(profile, candidates, PickOptions(5, bar=1.0), titles=5, now=NOW)
        assert (found.picks, found.titles, found.lower_bar_would_help) == ((), (), helps)
