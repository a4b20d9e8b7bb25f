"""Reads and writes schedules as text: `09:00 weekdays Europe/Berlin 5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from bot.model.zones import UnknownZone, find_zone

_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = tuple(day[:3] for day in _FULL_DAYS)
_NAMED_DAYS = {
    "daily": frozenset(range(7)),
    "everyday": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekday": frozenset(range(5)),
    "workdays": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
    "weekend": frozenset((5, 6)),
}
_NAMED_HOURS = {"noon": time(12), "midday": time(12), "midnight": time(0)}
_HOUR = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2})|h)?\s*(am|pm)?", re.IGNORECASE)
_CLEARLY_HOUR = re.compile(rf"[0-9]{{1,2}}([:.h][0-9]{{2}}(am|pm)?|h|am|pm)|{'|'.join(_NAMED_HOURS)}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9.]+")
_WRITTEN_APART = (
    (re.compile(r"\b([ap])\.\s?m\.?(?=\s|$)", re.IGNORECASE), r"\1m"),  # 5 p.m.
    (re.compile(r"([0-9])\s+([ap]m)\b", re.IGNORECASE), r"\1\2"),
    (re.compile(r"([0-9])\s*(?:o['’]clock|uhr)\b", re.IGNORECASE), r"\1h"),
    (re.compile(r"\b(every|work|week)\s+(days?)\b", re.IGNORECASE), r"\1\2"),
    (re.compile(r"\b(utc|gmt)\s+([+-])", re.IGNORECASE), r"\1\2"),
)
_FILLERS = frozenset(
    {"at", "on", "every", "each", "and", "the", "in", "time", "cards", "card", "papers", "paper", "to"}
)
_BEFORE_HOUR = frozenset({"at", "@", "um"})
_NEVER = frozenset({"never", "off", "none", "stop"})
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
    if named_hour := _NAMED_HOURS.get(text.strip().lower()):
        return named_hour
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
    """The IANA name of the time zone that a text names. ValueError says what to write instead."""
    try:
        return find_zone(text)
    except UnknownZone as error:
        raise ValueError(f"{_quoted(text)} {error}") from None


def read_line(line: str) -> Change:
    """Read a whole line, its parts in any order. ValueError says which part is not understood.

    A number before the days or the zone of a line without any other hour is the hour, as in `9 weekdays`.
    """
    for pattern, replacement in _WRITTEN_APART:
        line = pattern.sub(replacement, line)
    words = line.replace(",", " ").split()
    if any(word.lower() in _NEVER for word in words):
        raise ValueError("`/papers pause` stops the digests, and `/papers resume` goes on")
    hours: list[time] = []
    numbers: list[str] = []
    days: set[int] = set()
    zone_words: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        if _CLEARLY_HOUR.fullmatch(word) or (before.lower() in _BEFORE_HOUR and word.isdecimal()):
            hours.append(read_hour(word))
        elif _NUMBER.fullmatch(word):
            numbers.append(word)
        elif word.lower() not in _FILLERS:
            try:
                days |= read_days(word)
            except ValueError:
                zone_words.append(word)
    if not hours and numbers[:1] == words[:1] and (days or zone_words):
        hours.append(read_hour(numbers.pop(0)))
    zone = _read_zone_words(zone_words) if zone_words else None
    if len(hours) > 1 or len(numbers) > 1:
        raise ValueError(f"A digest has one hour and one number of cards. {_LOOKS}")
    if not (hours or days or zone or numbers):
        raise ValueError(f"That says nothing about a schedule. {_LOOKS}")
    return Change(
        hours[0].strftime("%H:%M") if hours else None,
        write_days(frozenset(days)) if days else None,
        zone,
        read_count(numbers[0]) if numbers else None,
    )


def _read_zone_words(words: list[str]) -> str:
    """The zone that the words of a line name which are nothing else; a city's name may have several words."""
    name = " ".join(words)
    try:
        return find_zone(name)
    except UnknownZone as error:
        if "/" in name or error.offers:
            raise ValueError(f"{_quoted(name)} {error}") from None
        raise ValueError(f"I did not understand {_quoted(name)}. {_LOOKS}") from None


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
