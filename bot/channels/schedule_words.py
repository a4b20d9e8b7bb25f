"""Schedules as people write them: `09:00 weekdays Europe/Berlin 5`."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import time
from functools import cache
from zoneinfo import available_timezones

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED_DAYS = {
    "daily": frozenset(range(7)),
    "everyday": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
}
_HOUR = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
MOST_CARDS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a line of words changes of a schedule; None where it says nothing."""

    hour: str | None = None
    days: str | None = None
    zone: str | None = None
    count: int | None = None


def read_hour(text: str) -> time:
    """`09:00`, `9`, `9.30`, `5pm` as a time of day. ValueError says what is wrong."""
    found = _HOUR.fullmatch(text.strip())
    if found:
        hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise ValueError(f"“{text}” is no time of day; it looks like 09:00")


def read_days(text: str) -> frozenset[int]:
    """`daily`, `weekdays` or `mon,wed,fri` as day numbers, Monday 0. ValueError says what is wrong."""
    low = text.strip().lower()
    if low in _NAMED_DAYS:
        return _NAMED_DAYS[low]
    numbers = set()
    for part in re.split(r"[,+/]", low):
        day = part.strip()[:3]
        full = {"mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday"}
        full |= {"fri": "friday", "sat": "saturday", "sun": "sunday"}
        if day not in full or not full[day].startswith(part.strip().removesuffix("s")):
            raise ValueError(f"“{text}” names no days; they are daily, weekdays, or a list like mon,wed,fri")
        numbers.add(WEEKDAYS.index(day))
    return frozenset(numbers)


def write_days(days: frozenset[int]) -> str:
    """Day numbers in the words that `read_days` reads."""
    for name in ("daily", "weekdays"):
        if _NAMED_DAYS[name] == days:
            return name
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def read_zone(text: str) -> str:
    """The IANA name of a time zone, whatever its case. ValueError names the nearest ones."""
    zones = _zones()
    found = zones.get(text.strip().casefold().replace(" ", "_"))
    if found:
        return found
    city = text.strip().casefold().replace(" ", "_").rsplit("/", 1)[-1]
    close = difflib.get_close_matches(city, [name.rsplit("/", 1)[-1] for name in zones], 3, 0.7)
    names = sorted({zone for low, zone in zones.items() if low.rsplit("/", 1)[-1] in close})[:3]
    hint = f"; did you mean {' or '.join(names)}?" if names else "; it looks like Europe/Berlin"
    raise ValueError(f"“{text}” is no time zone I know{hint}")


def read_line(line: str) -> Change:
    """A whole line, its parts in any order. ValueError says which part nobody understood."""
    hour = days = zone = count = None
    for word in line.replace(", ", ",").split():
        if re.fullmatch(r"\d{1,2}[:.h]\d{2}(am|pm)?|\d{1,2}(am|pm)", word, re.IGNORECASE):
            hour = read_hour(word).strftime("%H:%M")
        elif word.isdigit():
            count = read_count(word)
        elif word.casefold() in _zones() or "/" in word:
            zone = read_zone(word)
        else:
            try:
                days = write_days(read_days(word))
            except ValueError:
                raise ValueError(
                    f"I did not understand “{word}”. It reads like `schedule 09:00 weekdays Europe/Berlin 5`"
                ) from None
    return Change(hour, days, zone, count)


def read_count(text: str) -> int:
    """How many cards a digest has at most. ValueError says what is wrong."""
    if text.strip().isascii() and text.strip().isdigit() and 1 <= int(text) <= MOST_CARDS:
        return int(text)
    raise ValueError(f"“{text}” is not a number of cards; it is from 1 to {MOST_CARDS}")


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}
