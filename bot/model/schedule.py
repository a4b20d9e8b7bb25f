"""When a channel's hour comes: a wall-clock hour in its zone, once each local day, also across daylight saving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.model.schedule_text import read_days, read_hour


@dataclass(frozen=True, slots=True)
class Hour:
    """One occurrence of the hour: the local day it is for, and the instant. An hour that daylight saving skips may fall
    on the next day."""

    local_date: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """A channel's schedule: a wall-clock hour, the days of the week (Monday is 0), and the zone."""

    hour: time
    days: frozenset[int]
    zone: ZoneInfo

    @classmethod
    def of(cls, hour: str, days: str, zone: str) -> Rule:
        """The rule from the texts in a channel's row."""
        return cls(read_hour(hour), read_days(days), ZoneInfo(zone))

    @property
    def longest_gap(self) -> timedelta:
        """The most days between two hours: a week for a rule with one day of the week."""
        days = sorted(self.days)
        return timedelta(days=max(later - day for day, later in zip(days, [*days[1:], days[0] + 7], strict=True)))

    def on(self, day: date) -> datetime:
        """The instant, in UTC, of the rule's hour on a local day.

        Of an hour that comes twice the first is taken; for an hour that is skipped, the first moment after the gap.
        """
        wall = datetime.combine(day, self.hour, self.zone)
        first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
        if second >= first:  # an ordinary hour, or one that comes twice
            return first
        # In a gap the two readings lie on both sides of the moment at which the clocks jump: find it (PEP 495).
        before, after = second, first
        offset = before.astimezone(self.zone).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            if middle.astimezone(self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after.replace(microsecond=0)

    def after(self, moment: datetime) -> Hour:
        """The first hour that comes after a moment."""
        return next(
            hour for hour in self.from_day(moment.astimezone(self.zone).date() - timedelta(days=1)) if hour.at > moment
        )

    def from_day(self, day: date) -> Iterator[Hour]:
        """Every hour from a local day on; the iterator never ends."""
        while True:
            if day.weekday() in self.days:
                yield Hour(day, self.on(day))
            day += timedelta(days=1)

    def missed(self, due: Hour, now: datetime) -> list[Hour]:
        """The hour that was due, and all later hours until now, the oldest first."""
        hours: list[Hour] = []
        for hour in self.from_day(due.local_date):
            if hour.at > now:
                return hours
            if hour.at >= due.at:
                hours.append(hour)
        raise AssertionError("a rule has no end")
