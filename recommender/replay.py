"""What the bot would have posted, and how it would have been liked: offline evaluation on past papers and feedback.

Every channel of the feedback is lived again, day by day: the day's papers are its candidates, the engine picks, a pick
counts as liked when the channel liked that paper at any time, and the taste learns from its own picks alone. Beside it
stands what the day's most upvoted (then newest) papers would have got.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from recommender.engine import Recommender
from recommender.formats import ChannelFeedback
from recommender.paper import Paper
from recommender.values import Feedback

HOUR = time(9, tzinfo=UTC)
WEEK = 7


@dataclass(frozen=True, slots=True)
class Week:
    """A week in the channels' lives (1 is the first after their first feedback). `posted` picks on `days` days, of
    which `liked` were; `baseline_posted` and `baseline_liked` say the same of the most upvoted papers."""

    number: int
    days: int = 0
    posted: int = 0
    liked: int = 0
    baseline_posted: int = 0
    baseline_liked: int = 0

    @property
    def precision(self) -> float:
        """Share of picks that were liked."""
        return self.liked / self.posted if self.posted else 0.0

    @property
    def baseline_precision(self) -> float:
        """The same share for the most upvoted papers."""
        return self.baseline_liked / self.baseline_posted if self.baseline_posted else 0.0


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
    progress: Callable[[date], None] | None = None,
) -> Replay:
    """Live the channels again with `limit` picks a day. Papers without a date are known from the start but never
    candidates; `progress` is told each day that begins. Pure: the same input gives the same figures."""
    by_day: dict[date, list[Paper]] = defaultdict(list)
    undated = []
    latest = {paper.id: paper for paper in papers}
    for paper in latest.values():
        if paper.published:
            by_day[paper.published].append(paper)
        else:
            undated.append(paper)
    channels = _channels(feedback)
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
                lived = channel.live(engine, by_day[day], day, limit, seed)
                weeks[number] = _sum(number, [weeks.get(number, Week(number)), lived])
    ordered = tuple(weeks[number] for number in sorted(weeks))
    return Replay(len(channels), len(latest), ordered, _sum(0, ordered))


class _Channel:
    """One channel's real likes, and the feedback it has given in the replay."""

    def __init__(self, given: Sequence[Feedback]) -> None:
        self.since = min(item.at for item in given).date()
        self.until = max(item.at for item in given).date()
        self._likes: dict[str, set[str | None]] = defaultdict(set)
        self._dislikes: dict[str, set[str | None]] = defaultdict(set)
        for item in given:
            if item.value:
                (self._likes if item.value > 0 else self._dislikes)[item.paper_id].add(item.member)
        self._stream: list[Feedback] = []

    def live(self, engine: Recommender, papers: Sequence[Paper], day: date, limit: int, seed: int) -> Week:
        """One day: pick, be liked or not, learn."""
        now = datetime.combine(day, HOUR)
        candidates = [paper.id for paper in papers]
        picks = [p.paper_id for p in engine.pick(self._stream, candidates, limit, now=now, seed=seed + day.toordinal())]
        popular = sorted(papers, key=lambda paper: (-paper.upvotes, paper.id))[:limit]
        for paper_id in picks:
            reacted = [
                *(Feedback(paper_id, 1.0, now, member) for member in sorted(self._likes[paper_id], key=str)),
                *(Feedback(paper_id, -1.0, now, member) for member in sorted(self._dislikes[paper_id], key=str)),
            ]
            self._stream += reacted or [Feedback(paper_id, 0.0, now)]
        liked = sum(bool(self._likes[paper_id]) for paper_id in picks)
        return Week(0, 1, len(picks), liked, len(popular), sum(bool(self._likes[paper.id]) for paper in popular))


def _channels(feedback: Iterable[ChannelFeedback]) -> list[_Channel]:
    given: dict[str, list[Feedback]] = defaultdict(list)
    for item in feedback:
        given[item.channel].append(item.feedback)
    return [_Channel(given[name]) for name in sorted(given)]


def _sum(number: int, weeks: Sequence[Week]) -> Week:
    return Week(
        number,
        sum(week.days for week in weeks),
        sum(week.posted for week in weeks),
        sum(week.liked for week in weeks),
        sum(week.baseline_posted for week in weeks),
        sum(week.baseline_liked for week in weeks),
    )
