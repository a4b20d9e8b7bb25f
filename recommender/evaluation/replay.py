"""Offline evaluation: what the bot would have posted for past papers and feedback, and how it would have been liked.

Every channel of the feedback is replayed day by day. The day's papers are its candidates, and the engine picks those
above the bar. A pick counts as liked if the channel liked that paper at any time, and the taste learns from its own
picks. Feedback on words, and on papers that were never candidates, is used from its own time on. The day's most upvoted
papers are counted as the baseline. `compare_replays` lives the channels with two classifiers side by side.

Feedback with ignored papers tells which papers were shown. Nobody knows whether other papers would have been liked, so
these are not judged and teach nothing. Feedback of likes alone is taken as a judgement on every paper.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any

from recommender.engine import Recommender
from recommender.evaluation.statistics import MeanDifference, mean_difference
from recommender.formats import ChannelFeedback
from recommender.learning.labels import utc
from recommender.learning.threshold import PickOutcome, learned_threshold
from recommender.paper import Paper
from recommender.values import Feedback

HOUR = time(9, tzinfo=UTC)
WEEK = 7


@dataclass(frozen=True, slots=True)
class Week:
    """A week in the channels' lives (1 is the first after their first feedback): `posted` picks on `days` days, of
    which some were `quiet`. Of the picks so many can be `judged`, and were `liked`; `baseline_…` say the same of the
    most upvoted papers."""

    number: int
    days: int = 0
    quiet: int = 0
    posted: int = 0
    judged: int = 0
    liked: int = 0
    baseline_posted: int = 0
    baseline_judged: int = 0
    baseline_liked: int = 0

    @property
    def precision(self) -> float:
        """Share of the picks that can be judged that were liked."""
        return self.liked / self.judged if self.judged else 0.0

    @property
    def liked_per_day(self) -> float:
        """The number of liked picks a day."""
        return self.liked / self.days if self.days else 0.0

    @property
    def baseline_precision(self) -> float:
        """The same share for the most upvoted papers."""
        return self.baseline_liked / self.baseline_judged if self.baseline_judged else 0.0


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay's figures: by week of the channels' age, and all together (`total`, number 0)."""

    channels: int
    papers: int
    weeks: tuple[Week, ...]
    total: Week


@dataclass(frozen=True, slots=True)
class ReplayComparison:
    """The replays of two classifiers over the same days. `difference` says how many more liked picks a day the `custom`
    one has than the `built_in` one, as the mean over `pairs` weeks of channels. `failures` counts how often the custom
    one failed and the built-in one went on, by the sentence that says why."""

    built_in: Replay
    custom: Replay
    pairs: int
    difference: MeanDifference
    failures: Mapping[str, int]


def replay(
    papers: Iterable[Paper],
    feedback: Iterable[ChannelFeedback],
    limit: int = 5,
    seed: int = 0,
    bar: float = 0.8,
    progress: Callable[[date], None] | None = None,
) -> Replay:
    """Live the channels again with at most `limit` picks a day and a bar that begins at `bar`. Papers without a date
    are known from the start but never candidates; `progress` is told each day that begins. Pure: the same input gives
    the same figures."""
    return _live_again(papers, feedback, [None], limit, seed, bar, progress)[0].figures()


def compare_replays(
    papers: Iterable[Paper],
    feedback: Iterable[ChannelFeedback],
    estimator: Any,
    limit: int = 5,
    seed: int = 0,
    bar: float = 0.8,
    progress: Callable[[date], None] | None = None,
) -> ReplayComparison:
    """The replay, and beside it that of an unfitted `estimator` in the place of the built-in classifier."""
    built_in, custom = _live_again(papers, feedback, [None, estimator], limit, seed, bar, progress)
    differences = [custom.weeks[key].liked_per_day - built_in.weeks[key].liked_per_day for key in built_in.weeks]
    return ReplayComparison(
        built_in.figures(), custom.figures(), len(differences), mean_difference(differences), dict(custom.failures)
    )


@dataclass(slots=True)
class _Lives:
    """The channels' lives with one classifier: their weeks, by channel and number."""

    channels: Sequence[_Channel]
    papers: int
    weeks: dict[tuple[int, int], Week] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def figures(self) -> Replay:
        """The weeks of all channels together."""
        numbers = sorted({number for _, number in self.weeks})
        weeks = tuple(_sum(n, [week for (_, number), week in self.weeks.items() if number == n]) for n in numbers)
        return Replay(len(self.channels), self.papers, weeks, _sum(0, weeks))


def _live_again(
    papers: Iterable[Paper],
    feedback: Iterable[ChannelFeedback],
    estimators: Sequence[Any],
    limit: int,
    seed: int,
    bar: float,
    progress: Callable[[date], None] | None,
) -> list[_Lives]:
    """The lives of all channels with each of the estimators, over one index. None is the built-in classifier."""
    by_day: dict[date, list[Paper]] = defaultdict(list)
    undated = []
    latest = {paper.id: paper for paper in papers}
    for paper in latest.values():
        if paper.published:
            by_day[paper.published].append(paper)
        else:
            undated.append(paper)
    days, history = {paper.id: paper.published for some in by_day.values() for paper in some}, list(feedback)
    engine = Recommender()
    engine.add(undated)
    all_lives = [_Lives(_channels(history, days), len(latest)) for _ in estimators]
    learners = [
        engine.with_estimator(estimator, partial(_count, lives.failures))
        for lives, estimator in zip(all_lives, estimators, strict=True)
    ]
    for day in sorted(by_day):
        if progress:
            progress(day)
        engine.add(by_day[day])
        for learner, lives in zip(learners, all_lives, strict=True):
            for at, channel in enumerate(lives.channels):
                if channel.since <= day <= channel.until:
                    key = at, (day - channel.since).days // WEEK + 1
                    lived = channel.live(learner, by_day[day], day, limit, seed, bar)
                    lives.weeks[key] = _sum(key[1], [lives.weeks.get(key, Week(key[1])), lived])
    return all_lives


def _count(failures: Counter[str], why: str) -> None:
    failures[why] += 1


class _Channel:
    """One channel's real likes, and the feedback it has given in the replay; `days` are the candidates' days."""

    def __init__(self, given: Sequence[Feedback], days: Mapping[str, date | None]) -> None:
        self.since = min(item.at for item in given).date()
        self.until = max(item.at for item in given).date()
        shown = {item.paper_id for item in given}
        self._judged = shown if any(item.value == 0 for item in given) else None
        self._likes: dict[str, set[str | None]] = defaultdict(set)
        self._dislikes: dict[str, set[str | None]] = defaultdict(set)
        self._other_feedback: list[Feedback] = []
        for item in given:
            if not self.since <= (days.get(item.paper_id) or date.min) <= self.until:
                self._other_feedback.append(item)
            elif item.value:
                (self._likes if item.value > 0 else self._dislikes)[item.paper_id].add(item.member)
        self._stream: list[Feedback] = []
        self._outcomes: list[PickOutcome] = []

    def live(self, engine: Recommender, papers: Sequence[Paper], day: date, limit: int, seed: int, bar: float) -> Week:
        """One day: pick, be liked or not, learn."""
        now = datetime.combine(day, HOUR)
        candidates = [paper.id for paper in papers]
        feedback = [*self._stream, *(item for item in self._other_feedback if utc(item.at) < now)]
        least = learned_threshold(self._outcomes, bar, day)
        picks = engine.pick(feedback, candidates, limit, now=now, seed=seed + day.toordinal(), bar=least)
        upvoted = sorted((paper for paper in papers if paper.upvotes), key=lambda paper: (-paper.upvotes, paper.id))
        posted, popular = [pick.paper_id for pick in picks], [paper.id for paper in upvoted[:limit]]
        has_likes = any(item.value > 0 for item in feedback)
        for place, pick in enumerate(picks, 1):
            if self._known(pick.paper_id):
                self._stream += self._reactions(pick.paper_id, now)
                if has_likes and not pick.guess:
                    self._outcomes.append(PickOutcome(day, pick.percentile, bool(self._likes[pick.paper_id]), place))
        return Week(0, 1, int(not picks), *self._count(posted), *self._count(popular))

    def _known(self, paper_id: str) -> bool:
        return self._judged is None or paper_id in self._judged

    def _reactions(self, paper_id: str, now: datetime) -> list[Feedback]:
        reacted = [
            *(Feedback(paper_id, 1.0, now, member) for member in sorted(self._likes[paper_id], key=str)),
            *(Feedback(paper_id, -1.0, now, member) for member in sorted(self._dislikes[paper_id], key=str)),
        ]
        return reacted or [Feedback(paper_id, 0.0, now)]

    def _count(self, paper_ids: Sequence[str]) -> tuple[int, int, int]:
        """(how many, how many of them can be judged, how many were liked)."""
        known = [paper_id for paper_id in paper_ids if self._known(paper_id)]
        return len(paper_ids), len(known), sum(bool(self._likes[paper_id]) for paper_id in known)


def _channels(feedback: Iterable[ChannelFeedback], days: Mapping[str, date | None]) -> list[_Channel]:
    given: dict[str, list[Feedback]] = defaultdict(list)
    for item in feedback:
        given[item.channel].append(item.feedback)
    return [_Channel(given[name], days) for name in sorted(given)]


def _sum(number: int, weeks: Sequence[Week]) -> Week:
    counts = zip(*(astuple(week)[1:] for week in weeks), strict=True)
    return Week(number, *map(sum, counts))
