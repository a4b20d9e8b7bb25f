from __future__ import annotations

from datetime import date, datetime, timedelta

from recommender import Feedback, Paper
from recommender.formats import ChannelFeedback
from recommender.replay import HOUR, replay
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
