"""The charts of a channel: its taste as bars, and the liked share of its picks by week."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.charts import Bar, BarChart, BarGroup, Series, Share, ShareChart
from bot.model.text import plain_text
from bot.reports.stats import Stats, Week
from recommender import Taste, Word

_MOST_WORDS, _MOST_CATEGORIES = 8, 4
"""The most bars to one side. More would make the picture higher than a phone's screen."""


def taste_chart(taste: Taste) -> BarChart | None:
    """The words and categories of a taste with their weights, None if it has none."""
    words = (taste.liked[:_MOST_WORDS], taste.disliked[:_MOST_WORDS])
    categories = (taste.liked_categories[:_MOST_CATEGORIES], taste.disliked_categories[:_MOST_CATEGORIES])
    sides = {"Words": words, "Categories": categories}
    groups = tuple(BarGroup(name, _bars(*side)) for name, side in sides.items() if any(side))
    if not groups:
        return None
    sentences = [
        f"{name} it {verb}: {', '.join(plain_text(word.text) for word in side)}."
        for name, both in sides.items()
        for verb, side in zip(("likes", "avoids"), both, strict=True)
        if side
    ]
    text = f"Bars for what this channel likes and avoids, the strongest first. {' '.join(sentences)}"
    return BarChart("What this channel likes and avoids", text, groups)


def stats_chart(stats: Stats) -> ShareChart:
    """The share of each week's picks that somebody liked, and that of the most upvoted papers that came here too."""
    picks = Series(
        "picks that somebody liked", tuple(Share(week.record.liked, week.record.posted) for week in stats.weeks)
    )
    upvoted = Series(
        "most upvoted papers that came here too",
        tuple(Share(week.record.upvoted_liked, week.record.upvoted_shown) for week in stats.weeks),
    )
    series = (picks, upvoted) if any(share.whole for share in upvoted.shares) else (picks,)
    text = f"Columns for the liked share of the picks, week by week. {' '.join(map(_sentence, stats.weeks))}"
    return ShareChart("Liked picks, week by week", text, tuple(map(_label, stats.weeks)), series)


def _bars(liked: Sequence[Word], disliked: Sequence[Word]) -> tuple[Bar, ...]:
    return tuple(Bar(plain_text(word.text), word.weight) for word in (*liked, *disliked))


def _label(week: Week) -> str:
    return f"{week.monday.day} {week.monday:%b}"


def _sentence(week: Week) -> str:
    record = week.record
    text = f"Week of {_label(week)}: {record.liked} of {record.posted} picks liked"
    if record.upvoted_shown:
        text += f", and {record.upvoted_liked} of {record.upvoted_shown} most upvoted papers that came here too"
    return f"{text}."
