"""The charts of a channel show its taste and its stats, and tell them in words."""

from __future__ import annotations

from datetime import date

from bot.model.charts import Share
from bot.reports.charts import stats_chart, taste_chart
from bot.reports.stats import Record, Stats, Week
from recommender import Taste, Word


def test_a_taste_has_a_bar_for_each_word_with_its_weight_likes_first() -> None:
    taste = Taste(
        liked=(Word("federated learning", 0.5), Word("`privacy`", 0.25)),
        disliked=(Word("survey", -0.4),),
        disliked_categories=(Word("cs.CL", -0.1),),
    )
    chart = taste_chart(taste)
    assert chart is not None
    shown = {group.name: [(bar.label, bar.value) for bar in group.bars] for group in chart.groups}
    assert shown == {
        "Words": [("federated learning", 0.5), ("'privacy'", 0.25), ("survey", -0.4)],
        "Categories": [("cs.CL", -0.1)],
    }
    assert chart.text == (
        "Bars for what this channel likes and avoids, the strongest first. Words it likes: federated learning, "
        "'privacy'. Words it avoids: survey. Categories it avoids: cs.CL."
    )


def test_the_strongest_words_of_each_side_are_shown() -> None:
    many = tuple(Word(f"word {n}", 1 / n) for n in range(1, 13))
    chart = taste_chart(Taste(liked=many, disliked=tuple(Word(word.text, -word.weight) for word in many)))
    assert chart is not None
    [group] = chart.groups
    assert [bar.label for bar in group.bars] == [f"word {n}" for n in (*range(1, 9), *range(1, 9))]


def test_an_empty_taste_has_no_chart() -> None:
    assert taste_chart(Taste()) is None


def test_stats_have_columns_of_picks_beside_the_most_upvoted_that_came_here() -> None:
    weeks = (
        Week(date(2026, 2, 23), Record(5, 2, 1, 4, 0, 0, 2)),
        Week(date(2026, 3, 2), Record(3, 3, 0, 4, 2, 1, 2)),
    )
    chart = stats_chart(Stats(weeks, weeks[1].record))
    assert chart.labels == ("23 Feb", "2 Mar")
    picks, upvoted = chart.series
    assert picks.shares == (Share(2, 5), Share(3, 3))
    assert upvoted.shares == (Share(0, 0), Share(1, 2))
    assert chart.text == (
        "Columns for the liked share of the picks, week by week. Week of 23 Feb: 2 of 5 picks liked. Week of 2 Mar: 3 "
        "of 3 picks liked, and 1 of 2 most upvoted papers that came here too."
    )


def test_where_no_most_upvoted_paper_came_there_is_one_series() -> None:
    week = Week(date(2026, 3, 2), Record(3, 1, 0, 4, 0, 0, 1))
    assert [series.name for series in stats_chart(Stats((week,), week.record)).series] == ["picks that somebody liked"]
