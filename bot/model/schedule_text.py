"""Reads and writes schedules as text: `09:00 weekdays Europe/Berlin 5`."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = tuple(day[:3] for day in _FULL_DAYS)
_NAMED_DAYS = {
    "daily": frozenset(range(7)),
    "everyday": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekday": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
    "weekend": frozenset((5, 6)),
}
_HOUR = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?\s*(am|pm)?", re.IGNORECASE)
_CLEARLY_HOUR = re.compile(r"[0-9]{1,2}[:.h][0-9]{2}(am|pm)?|[0-9]{1,2}(am|pm)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9.]+")
_LOOKS = "It reads like `schedule 09:00 weekdays Europe/Berlin 5`"
_SHOWN = 60
"""Characters of the member's text that an error repeats."""
MOST_CARDS, MOST_TITLES = 10, 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a line changes in a schedule; None for what it does not name."""

    hour: str | None = None
    days: str | None = None
    zone: str | None = None
    count: int | None = None


def read_hour(text: str) -> time:
    """`09:00`, `9`, `9.30`, `5pm` as a time of day. ValueError says what is wrong."""
    match = _HOUR.fullmatch(text.strip())
    if match:
        hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
        possible = 1 <= hour <= 12 if half else hour < 24
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        if possible and minute < 60:
            return time(hour, minute)
    raise ValueError(f"{_quoted(text)} is no time of day; it looks like 09:00")


def read_days(text: str) -> frozenset[int]:
    """`daily`, `weekdays`, `mon-thu` or `mon,wed,fri` as day numbers, Monday 0. ValueError says what is wrong."""
    numbers: set[int] = set()
    for part in re.split(r"[\s,+/]+", text.strip().lower()):
        first, dash, last = part.partition("-")
        ends = [_weekday(end) for end in ([first, last] if dash else [first])]
        if part in _NAMED_DAYS:
            numbers |= _NAMED_DAYS[part]
        elif None in ends:
            raise ValueError(f"{_quoted(text)} names no days; they are daily, weekdays, or a list like mon,wed,fri")
        else:
            begin, end = ends[0] or 0, ends[-1] or 0
            numbers |= {day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)}
    return frozenset(numbers)


def write_days(days: frozenset[int]) -> str:
    """Day numbers in the words that `read_days` reads."""
    for name in ("daily", "weekdays"):
        if _NAMED_DAYS[name] == days:
            return name
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def read_zone(text: str) -> str:
    """The IANA name of a time zone, in any case, or of the one that a city names. ValueError names the nearest."""
    folded_name = "_".join(text.split()).casefold()
    if folded_name in _zones():
        return _zones()[folded_name]
    city_zones = _cities().get(folded_name, ())
    if city_zones and len({_year(zone) for zone in city_zones}) == 1:
        return city_zones[0]
    names = _near(text)
    hint = f"; perhaps {' or '.join(names)}" if names else "; it looks like Europe/Berlin"
    raise ValueError(f"{_quoted(text)} is no time zone I know{hint}")


def read_line(line: str) -> Change:
    """Read a whole line, its parts in any order. ValueError says which part is not understood."""
    hour = zone = count = None
    days: set[int] = set()
    zone_words: list[str] = []
    for word in re.sub(r"([0-9])\s+([ap]m)\b", r"\1\2", line, flags=re.IGNORECASE).replace(",", " ").split():
        if _CLEARLY_HOUR.fullmatch(word):
            hour = read_hour(word).strftime("%H:%M")
        elif _NUMBER.fullmatch(word):
            count = read_count(word)
        else:
            try:
                days |= read_days(word)
            except ValueError:
                zone_words.append(word)
    if zone_words:  # what is left is the zone; a city's name may have several words
        try:
            zone = read_zone(" ".join(zone_words))
        except ValueError:
            if any("/" in word for word in zone_words) or _near(" ".join(zone_words)):
                raise
            raise ValueError(f"I did not understand {_quoted(' '.join(zone_words))}. {_LOOKS}") from None
    if not (hour or days or zone or count):
        raise ValueError(f"That says nothing about a schedule. {_LOOKS}")
    return Change(hour, write_days(frozenset(days)) if days else None, zone, count)


def read_count(text: str) -> int:
    """The most cards that a digest has. ValueError says what is wrong."""
    if re.fullmatch(r"[0-9]{1,3}", text.strip()) and 1 <= int(text) <= MOST_CARDS:
        return int(text)
    raise ValueError(f"{_quoted(text)} is not a number of cards; it is from 1 to {MOST_CARDS}")


def read_titles(text: str) -> int:
    """The number of further titles below the cards: a number, `off` or `on`. ValueError says what is wrong."""
    word = text.strip().casefold()
    if word in ("on", "off"):
        return MOST_TITLES if word == "on" else 0
    if re.fullmatch(r"[0-9]{1,3}", word) and int(word) <= MOST_TITLES:
        return int(word)
    raise ValueError(f"{_quoted(text)} is not a number of titles; it is from 0 (none) to {MOST_TITLES}")


def _quoted(text: str) -> str:
    """The member's text, cut and without backticks, for an error that repeats it."""
    words = " ".join(text.split()).replace("`", "'")
    return f"“{words if len(words) <= _SHOWN else words[: _SHOWN - 1] + '…'}”"


def _weekday(text: str) -> int | None:
    """The number of the day that a text names, in full or with its first three letters or more."""
    name = text.removesuffix("s")
    return next((n for n, full in enumerate(_FULL_DAYS) if len(name) >= 3 and full.startswith(name)), None)


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


@cache
def _cities() -> dict[str, tuple[str, ...]]:
    """Zones by the last part of their names. Zones of Etc are left out, because their signs are reversed: Etc/GMT+5 is
    five hours behind UTC."""
    cities: dict[str, tuple[str, ...]] = {}
    for folded_name, zone in _zones().items():
        if "/" in folded_name and not folded_name.startswith("etc/"):
            city = folded_name.rsplit("/", 1)[-1]
            cities[city] = (*cities.get(city, ()), zone)
    return cities


@cache
def _year(zone: str) -> tuple[object, ...]:
    """A zone's UTC offsets through a year. Two zones with the same offsets are not ambiguous."""
    return tuple(datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for month in range(1, 13))


def _near(text: str) -> list[str]:
    """Zones whose names are near to a text that names none."""
    city = "_".join(text.split()).casefold().rsplit("/", 1)[-1]
    if len(city) > _SHOWN:
        return []
    close = difflib.get_close_matches(city, _cities(), 3, 0.7)
    return sorted(zone for name in close for zone in _cities()[name])[:3]
