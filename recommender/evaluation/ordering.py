"""How well two classifiers order the papers that a channel was shown, on the channel's own feedback.

On each day both learn from all feedback of the days before, and score the papers that were shown or voted on that day.
The measure is the average precision of the liked ones. Both learn from the same feedback, so no chance of their own
picks comes in; but only papers are scored that were chosen to be shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from recommender.engine import Recommender
from recommender.evaluation.statistics import MeanDifference, mean_difference
from recommender.learning.labels import utc
from recommender.values import Feedback


@dataclass(frozen=True, slots=True)
class DayOrder:
    """The average precision of the built-in classifier and of the custom one on one day."""

    day: date
    built_in: float
    custom: float


@dataclass(frozen=True, slots=True)
class OrderComparison:
    """The mean average precision of two classifiers over some days. `difference` is that of the custom one less that of
    the built-in one. `failures` counts how often the custom one failed, by the sentence that says why."""

    days: int
    built_in: float
    custom: float
    difference: MeanDifference
    failures: Mapping[str, int]


def order_days(
    engine: Recommender, estimator: Any, feedback: Sequence[Feedback], topics: Sequence[str] = ()
) -> tuple[list[DayOrder], Counter[str]]:
    """Both classifiers on each day that has liked papers and others, after the first like; and the failures of the
    custom one. `engine` has the papers; ids that it does not know are left out."""
    from sklearn.metrics import average_precision_score

    failures: Counter[str] = Counter()
    custom = engine.with_estimator(estimator, lambda why: failures.update([why]))
    by_day: dict[date, list[Feedback]] = defaultdict(list)
    for item in feedback:
        by_day[utc(item.at).astimezone(UTC).date()].append(item)
    days, earlier = [], list[Feedback]()
    for day in sorted(by_day):
        liked = {item.paper_id for item in by_day[day] if item.value > 0}
        papers = engine.known(sorted({item.paper_id for item in by_day[day]}))
        if any(item.value > 0 for item in earlier) and 0 < len(liked.intersection(papers)) < len(papers):
            now = datetime.combine(day, time(), UTC)
            precision = []
            for learner in (engine, custom):
                ranked = learner.rank(earlier, papers, topics, now)
                labels, scores = [each.paper_id in liked for each in ranked], [each.score for each in ranked]
                precision.append(float(average_precision_score(labels, scores)))
            days.append(DayOrder(day, *precision))
        earlier += by_day[day]
    return days, failures


def compare_orders(days: Sequence[DayOrder], failures: Mapping[str, int]) -> OrderComparison:
    """The means over the days of one channel or of several."""
    count = max(len(days), 1)
    return OrderComparison(
        len(days),
        sum(day.built_in for day in days) / count,
        sum(day.custom for day in days) / count,
        mean_difference([day.custom - day.built_in for day in days]),
        dict(failures),
    )
