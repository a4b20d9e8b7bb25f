from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from recommender import Feedback, Paper
from recommender.evaluation.replay import HOUR, replay
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
