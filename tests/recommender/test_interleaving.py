"""Two learners at one digest: a fair draft, and a count that claims no more than was seen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from recommender import TASTE_ARM, Baseline, Paper, PickOptions, Profile, Recommender
from recommender.picking.interleaving import ArmComparison, compare_arms, team_draft
from tests.recommender.papers import NOW, library, made, votes

CANDIDATES = [paper.id for paper in library() if int(paper.id.split("-")[1]) >= 20]
LIKES = votes("federated-1", "federated-2", "federated-3")
ranking = st.permutations("abcdefgh").flatmap(lambda order: st.integers(0, 8).map(lambda n: order[:n]))


@given(ours=ranking, theirs=ranking, limit=st.integers(0, 10), seed=st.integers(0, 99))
def test_a_draft_is_fair_whole_and_the_same_for_the_same_seed(
    ours: list[str], theirs: list[str], limit: int, seed: int
) -> None:
    drafted = team_draft((ours, theirs), limit, seed)
    items = [item for item, _ in drafted]
    assert drafted == team_draft((ours, theirs), limit, seed)
    assert len(items) == len(set(items)) == min(limit, len({*ours, *theirs}))
    took = Counter(team for _, team in drafted)
    assert abs(took[0] - took[1]) <= 1, "nobody drafts twice before the other has drafted once"
    for place, (item, team) in enumerate(drafted):
        if team is not None:
            left = [one for one in (ours, theirs)[team] if one not in items[:place]]
            assert item == left[0], "each takes the best of its own that is free"
            assert {0: theirs, 1: ours}[team], "what one takes alone is nobody's"


@given(order=ranking, limit=st.integers(0, 8), seed=st.integers(0, 99))
def test_two_of_one_mind_draft_their_common_order(order: list[str], limit: int, seed: int) -> None:
    assert [item for item, _ in team_draft((order, order), limit, seed)] == order[:limit]


@given(seed=st.integers(0, 99))
def test_twins_are_drafted_once(seed: int) -> None:
    pairs = {"a": "Aa", "A": "Aa", "b": "b", "c": "c"}
    drafted = [item for item, _ in team_draft(("abc", "Acb"), 4, seed, lambda item: pairs[item])]
    assert len({*drafted} & {"a", "A"}) == 1
    assert len(drafted) == 3


def test_over_many_days_both_have_the_first_place_as_often() -> None:
    first = Counter(team_draft(("abcde", "vwxyz"), 5, seed)[0][1] for seed in range(1000))
    more = Counter(sum(team == 0 for _, team in team_draft(("abcde", "vwxyz"), 5, seed)) for seed in range(1000))
    assert 430 < first[0] < 570
    assert 430 < more[3] < 570, "of five cards each side has three on half of the days"


digest = st.lists(st.tuples(st.sampled_from([0, 1]), st.booleans()), max_size=6)


@given(digests=st.lists(digest, max_size=30))
def test_a_contest_counts_digests_that_both_shared_and_tests_their_signs(digests: list[list[tuple[int, bool]]]) -> None:
    told = compare_arms(digests)
    shared = [some for some in digests if {team for team, _ in some} == {0, 1}]
    assert sum(told.won) + told.tied == len(shared)
    assert sum(told.shown) == sum(map(len, shared))
    assert all(liked <= shown for liked, shown in zip(told.liked, told.shown, strict=True))
    turned = compare_arms([[(1 - team, liked) for team, liked in some] for some in digests])
    assert (turned.won, turned.liked, turned.p) == (told.won[::-1], told.liked[::-1], told.p)
    if sum(told.won):
        assert told.p == pytest.approx(binomtest(told.won[0], sum(told.won)).pvalue)
    else:
        assert told.p == 1


def test_a_difference_shows_in_p_only_when_it_is_one() -> None:
    assert ArmComparison((9, 1)).p == pytest.approx(22 / 1024)
    assert ArmComparison((5, 5)).p == 1
    assert ArmComparison((1, 0)).p == 1


@pytest.mark.parametrize("baseline", [Baseline.UPVOTES, Baseline.ROCCHIO])
def test_a_shared_digest_has_both_teams_and_says_whose_each_card_is(engine: Recommender, baseline: Baseline) -> None:
    alone = engine.pick(LIKES, CANDIDATES, 4, now=NOW, bar=0.5)
    assert {pick.arm for pick in alone} == {""}
    shared = engine.pick(LIKES, CANDIDATES, 4, now=NOW, bar=0.5, seed=3, baseline=baseline)
    assert Counter(pick.arm for pick in shared) == {TASTE_ARM: 2, baseline: 2}
    assert not any(pick.guess for pick in shared)
    assert all(pick.percentile >= 0.5 for pick in shared if pick.arm == TASTE_ARM)
    assert shared == engine.pick(LIKES, CANDIDATES[::-1], 4, now=NOW, bar=0.5, seed=3, baseline=baseline)
    for pick in shared:
        options = PickOptions(4, seed=3, bar=0.5, baseline=baseline)
        _, standing = engine.assess(pick.paper_id, Profile(tuple(LIKES)), CANDIDATES, options, NOW)
        assert standing.picked
        if pick.arm == baseline:
            assert all(reason.because is None and reason.topic is None for reason in pick.reasons)


def test_the_rival_brings_what_the_world_likes_but_nothing_muted_and_nothing_on_a_quiet_day() -> None:
    engine = Recommender()
    engine.add([*library(), *(made("physics", 90 + n, upvotes=100 - n) for n in range(8))])
    ids = [*CANDIDATES, *(f"physics-{90 + n}" for n in range(8))]
    shared = engine.pick(LIKES, ids, 4, now=NOW, baseline=Baseline.UPVOTES)
    assert [pick.paper_id for pick in shared if pick.arm == Baseline.UPVOTES] == ["physics-90", "physics-91"]
    muted = engine.pick(LIKES, ids, 4, topics=["-cat:x.PH"], now=NOW, baseline=Baseline.UPVOTES)
    assert not any(pick.paper_id.startswith("physics") for pick in muted)
    foreign = [i for i in ids if i.startswith("physics")]
    assert engine.pick(LIKES, foreign, 5, now=NOW, bar=0.99, baseline=Baseline.UPVOTES) == []


def test_before_there_is_a_taste_nothing_is_shared(engine: Recommender) -> None:
    picks = engine.pick([], CANDIDATES, 5, now=NOW, baseline=Baseline.UPVOTES)
    assert picks == engine.pick([], CANDIDATES, 5, now=NOW)


def test_rocchio_ranks_by_nearness_to_the_likes(engine: Recommender) -> None:
    shared = engine.pick([*LIKES, *votes("vision-1", value=-1.0)], CANDIDATES, 6, now=NOW, baseline=Baseline.ROCCHIO)
    theirs = [pick.paper_id for pick in shared if pick.arm == Baseline.ROCCHIO]
    assert len(theirs) == 3
    assert all(paper_id.startswith("federated") for paper_id in theirs)


def test_a_paper_without_any_feature_breaks_no_rival() -> None:
    engine = Recommender()
    engine.add([*library(), Paper("empty", "")])
    for baseline in Baseline:
        picks = engine.pick(LIKES, ["empty", "federated-25"], 2, now=NOW, baseline=baseline)
        assert all(np.isfinite(pick.score) for pick in picks)
