"""Offline evaluation: what the bot would have posted for past papers and feedback, and how it would have been liked.

Every channel of the feedback is replayed day by day. The day's papers are its candidates, and the engine picks those
above the bar. A pick counts as liked if the channel liked that paper at any time, and the taste learns from its own
picks. Feedback on words, and on papers that were never candidates, is used from its own time on. The day's most upvoted
papers are counted as the baseline.

Feedback with ignored papers tells which papers were shown. Nobody knows whether other papers would have been liked, so
these are not judged and teach nothing. Feedback of likes alone is taken as a judgement on every paper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time

from recommender.engine import Recommender
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
    by_day: dict[date, list[Paper]] = defaultdict(list)
    undated = []
    latest = {paper.id: paper for paper in papers}
    for paper in latest.values():
        if paper.published:
            by_day[paper.published].append(paper)
        else:
            undated.append(paper)
    channels = _channels(feedback, {paper.id: paper.published for some in by_day.values() for paper in some})
    engine = Recommender()
    engine.add(undated)
    weeks: dict[int, Week] = {}
    for day in sorted(by_day):
        if progress:
            progress(day)
        engine.add(by_day[day])
        for channel in channels:
            if channel.since <= day <= channel.until:
                number = (day - channel.since).days // WEEK + 1
                lived = channel.live(engine, by_day[day], day, limit, seed, bar)
                weeks[number] = _sum(number, [weeks.get(number, Week(number)), lived])
    ordered = tuple(weeks[number] for number in sorted(weeks))
    return Replay(len(channels), len(latest), ordered, _sum(0, ordered))


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
