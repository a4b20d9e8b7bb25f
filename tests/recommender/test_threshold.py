"""The bar that a channel's own likes set."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recommender.learning.threshold import MAX_LIKES_LOST, MEMORY, PickOutcome, learned_threshold

TODAY = date(2026, 3, 2)


def days(many: int, *papers: tuple[float, bool], ago: int = 1) -> list[PickOutcome]:
    """So many digests of the same papers (percentile, liked), one a day, the last of them some days ago; none stands
    first."""
    return [
        PickOutcome(TODAY - timedelta(days=ago + n), percentile, liked, 2)
        for n in range(many)
        for percentile, liked in papers
    ]


def test_without_outcomes_or_without_a_like_the_bar_stays_where_it_began() -> None:
    assert learned_threshold([], 0.8, TODAY) == 0.8
    assert learned_threshold(days(40, (0.9, False), (0.99, False)), 0.8, TODAY) == 0.8


def test_one_bad_day_proves_nothing() -> None:
    assert learned_threshold(days(1, (0.82, False), (0.99, True)), 0.8, TODAY) == 0.8
    assert learned_threshold(days(3, (0.82, False), (0.99, True)), 0.8, TODAY) == 0.8


def test_what_fits_worst_and_is_never_liked_comes_to_lie_below_the_bar() -> None:
    outcomes = days(30, (0.82, False), (0.9, False), (0.98, True), (0.99, True))
    assert learned_threshold(outcomes, 0.8, TODAY) == 0.98


def test_where_all_fits_are_liked_alike_the_bar_stays() -> None:
    mixed = days(20, (0.82, True), (0.99, False)) + days(20, (0.82, False), (0.99, True), ago=21)
    assert learned_threshold(mixed, 0.8, TODAY) == 0.8
    assert learned_threshold(days(40, (0.82, True), (0.99, True)), 0.8, TODAY) == 0.8


def test_what_is_long_ago_is_forgotten_so_that_no_channel_falls_silent_for_good() -> None:
    once = days(30, (0.82, False), (0.98, True))
    assert learned_threshold(once, 0.8, TODAY) == 0.98
    assert learned_threshold(once, 0.8, TODAY + MEMORY) == 0.8


def test_what_is_liked_for_standing_first_teaches_nothing() -> None:
    others = days(30, (0.82, False), (0.83, False), (0.84, True))
    first = [PickOutcome(one.day, 0.99, liked=True, place=1) for one in others]
    assert learned_threshold([*others, *first], 0.8, TODAY) == learned_threshold(others, 0.8, TODAY) == 0.84
    assert learned_threshold([*days(30, (0.82, False), (0.83, False)), *first], 0.8, TODAY) == 0.8


def test_a_bar_set_higher_by_hand_is_where_it_begins() -> None:
    assert learned_threshold(days(30, (0.82, False), (0.98, True)), 0.99, TODAY) == 0.99


outcome = st.builds(
    PickOutcome,
    st.integers(1, 120).map(lambda n: TODAY - timedelta(days=n)),
    st.sampled_from([0.0, 0.5, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0]),
    st.booleans(),
    st.integers(1, 5),
)


@given(outcomes=st.lists(outcome, max_size=120), start=st.sampled_from([0.0, 0.5, 0.8, 0.95]), seed=st.integers(0, 9))
def test_a_learned_bar_costs_few_likes_and_leaves_half_of_the_digests_something(
    outcomes: list[PickOutcome], start: float, seed: int
) -> None:
    bar = learned_threshold(outcomes, start, TODAY)
    assert bar >= start
    assert learned_threshold(random.Random(seed).sample(outcomes, len(outcomes)), start, TODAY) == bar
    if bar > start:
        known = [one for one in outcomes if one.day > TODAY - MEMORY]
        liked = [one.percentile for one in known if one.liked and one.place > 1]
        assert sum(percentile < bar for percentile in liked) <= MAX_LIKES_LOST * len(liked)
        best = {one.day: max(other.percentile for other in known if other.day == one.day) for one in known}
        assert 2 * sum(percentile >= bar for percentile in best.values()) >= len(best)
