"""When a channel's hour comes: wall-clock hours in its zone, once each local day, whatever daylight saving does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.model.schedule_text import read_days, read_hour


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour that comes: the local day it is for, and the instant, which a skipped hour may move past that day."""

    local_date: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """A channel's schedule: an hour on the wall, the days of the week (Monday 0), and the zone."""

    hour: time
    days: frozenset[int]
    zone: ZoneInfo

    @classmethod
    def of(cls, hour: str, days: str, zone: str) -> Rule:
        """The rule from its words, as stored with a channel."""
        return cls(read_hour(hour), read_days(days), ZoneInfo(zone))

    def on(self, day: date) -> datetime:
        """The instant, in UTC, of the rule's hour on a local day.

        An hour that comes twice is the first one; one that daylight saving skips is the first moment after the gap.
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
        """Every hour from a local day on, without end."""
        while True:
            if day.weekday() in self.days:
                yield Hour(day, self.on(day))
            day += timedelta(days=1)

    def missed(self, due: Hour, now: datetime) -> list[Hour]:
        """The hour that was due and all that came after it until now, the oldest first."""
        hours: list[Hour] = []
        for hour in self.from_day(due.local_date):
            if hour.at > now:
                return hours
            if hour.at >= due.at:
                hours.append(hour)
        raise AssertionError("a rule has no end")
