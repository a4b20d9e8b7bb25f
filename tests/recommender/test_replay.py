from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from recommender import Feedback, Paper, Recommender
from recommender.evaluation.ordering import compare_orders, order_days
from recommender.evaluation.replay import HOUR, compare_replays, replay
from recommender.evaluation.statistics import mean_difference
from recommender.formats import ChannelFeedback
from tests.recommender.papers import made

START = date(2025, 1, 1)
SUBJECTS = ["federated", "vision", "language", "physics"]


def stream(days: int, each: int = 3) -> list[Paper]:
    """`each` new papers of every subject on every day, the popular ones about physics."""
    return [
        made(subject, day * each + n, published=START + timedelta(days=day), upvotes=9 if subject == "physics" else 0)
        for day in range(days)
        for n in range(each)
        for subject in SUBJECTS
    ]


def likes(papers: list[Paper], subject: str, channel: str = "c") -> list[ChannelFeedback]:
    return [
        ChannelFeedback(channel, Feedback(p.id, 1.0, datetime.combine(p.published, HOUR), "ada"))
        for p in papers
        if p.published and p.id.startswith(subject)
    ]


def test_a_channel_lived_again_learns_and_beats_the_most_upvoted() -> None:
    papers = stream(21)
    figures = replay(papers, likes(papers, "federated"), limit=3)
    assert (figures.channels, figures.papers) == (1, len(papers))
    assert [week.number for week in figures.weeks] == [1, 2, 3]
    assert figures.weeks[2].precision > 0.6 > figures.weeks[2].baseline_precision == 0
    assert figures.total.posted == sum(week.posted for week in figures.weeks)
    assert figures.total.days == 21
    assert figures.total.precision == figures.total.liked / figures.total.posted


def test_a_replay_is_the_same_each_time_and_counts_each_channel() -> None:
    papers = stream(8)
    feedback = [*likes(papers, "federated", "a"), *likes(papers, "physics", "b")]
    figures = replay(papers, feedback, limit=3)
    assert figures == replay(papers, feedback[::-1], limit=3)
    assert figures.channels == 2
    assert figures.total.days == 16
    assert figures.total.baseline_liked == figures.total.baseline_posted / 2


def test_nothing_to_replay_gives_zeros() -> None:
    figures = replay([], [])
    assert (figures.channels, figures.papers, figures.weeks, figures.total.precision) == (0, 0, (), 0.0)
    assert replay([Paper("a", "undated")], likes(stream(2), "vision")).total.posted == 0


def test_progress_is_told_each_day() -> None:
    told: list[date] = []
    replay(stream(3), [], progress=told.append)
    assert told == [START, START + timedelta(days=1), START + timedelta(days=2)]


def test_where_the_feedback_tells_of_silence_only_what_was_shown_is_judged() -> None:
    papers = stream(14)
    logged = [
        ChannelFeedback("c", Feedback(p.id, float(p.id.startswith("federated")), datetime.combine(p.published, HOUR)))
        for p in papers
        if p.published and int(p.id.split("-")[1]) % 3 == 0
    ]
    figures = replay(papers, logged, limit=3).total
    everything = replay(papers, likes(papers, "federated"), limit=3).total
    assert 0 < figures.judged < figures.posted
    assert figures.liked <= figures.judged
    assert figures.baseline_judged < figures.baseline_posted
    assert (everything.judged, everything.baseline_judged) == (everything.posted, everything.baseline_posted)
    assert figures.precision == figures.liked / figures.judged


def test_what_was_said_of_older_papers_and_of_words_is_heard_from_the_first_day_on() -> None:
    papers = stream(3)
    old = made("physics", 50, published=START - timedelta(days=100))
    before = datetime.combine(START, HOUR) - timedelta(hours=1)
    taught = Feedback("physics-50", 1.0, before, "ada")
    asked = Feedback.on_words("quantum lattice", 1.0, before, "ada")
    for said in (taught, asked):
        given = [ChannelFeedback("c", said), *likes(papers, "physics")]
        [week] = replay([old, *papers], given, limit=3).weeks
        [ignorant] = replay([old, *papers], likes(papers, "physics"), limit=3).weeks
        assert week.liked > ignorant.liked


def test_a_day_with_nothing_above_the_bar_is_quiet() -> None:
    # For three days there is nothing but physics.
    last = START + timedelta(days=9)
    papers = [p for p in stream(12) if (p.published or START) < last or p.id.startswith("physics")]
    figures = replay(papers, likes(stream(12), "federated"), limit=3).total
    assert figures.quiet > 0
    assert figures.posted < 3 * figures.days


def test_papers_without_upvotes_make_no_most_upvoted_list() -> None:
    papers = [replace(paper, upvotes=0) for paper in stream(3)]
    assert replay(papers, likes(papers, "federated")).total.baseline_posted == 0


# Two classifiers on the same history


def test_two_classifiers_live_the_same_days_and_differ_by_pairs_of_weeks() -> None:
    papers = stream(21)
    feedback = [*likes(papers, "federated", "a"), *likes(papers, "physics", "b")]
    compared = compare_replays(papers, feedback, LogisticRegression(C=3.0), limit=3)
    assert compared.built_in == replay(papers, feedback, limit=3)
    assert compared.custom.total.days == compared.built_in.total.days == 42
    assert compared.custom.total.liked > 0
    assert compared.pairs == 6
    liked = [each.total.liked for each in (compared.custom, compared.built_in)]
    assert compared.difference.mean == pytest.approx((liked[0] - liked[1]) / 42)
    assert not compared.failures


def test_a_classifier_that_always_fails_is_the_built_in_one_and_each_failure_is_counted() -> None:
    papers = stream(8)
    compared = compare_replays(papers, likes(papers, "federated"), KNeighborsClassifier(), limit=3)
    assert compared.custom == compared.built_in
    assert compared.difference == (0.0, 0.0)
    [(why, times)] = compared.failures.items()
    assert why == "KNeighborsClassifier has no method fit(X, y, sample_weight)."
    assert times > 0


def test_the_order_of_what_was_shown_is_judged_by_the_feedback_of_the_days_before() -> None:
    papers = stream(10, each=1)
    feedback = [
        Feedback(paper.id, float(paper.id.startswith("federated")), datetime.combine(paper.published, HOUR))
        for paper in papers
        if paper.published
    ]
    engine = Recommender()
    engine.add(papers[:-4])
    days, failures = order_days(engine, LogisticRegression(C=3.0), feedback)
    assert [day.day for day in days] == [START + timedelta(days=n) for n in range(1, 9)], "and no day without papers"
    assert all(0 < day.built_in <= 1 for day in days)
    assert [day.built_in for day in days[3:]] == [1.0] * 5
    compared = compare_orders(days, failures)
    assert (compared.days, compared.failures) == (8, {})
    assert compared.difference.mean == pytest.approx(compared.custom - compared.built_in)
    assert order_days(engine, None, feedback[::-1])[0] == [replace(day, custom=day.built_in) for day in days]


def test_a_mean_of_differences_has_a_standard_error_from_two_pairs_on() -> None:
    assert mean_difference([]) == (0.0, None)
    assert str(mean_difference([0.5])) == "+0.500 ± ?"
    assert mean_difference([1.0, 3.0]) == pytest.approx((2.0, 1.0))
    assert str(mean_difference([-1.0, -1.0])) == "-1.000 ± 0.000"
