"""Finds the time zone that a person means: by its IANA name, a city, a country, an abbreviation or an offset.

An abbreviation (`EST`) or an offset (`UTC-5`) can stand for zones whose clocks change in summer and for others. It is
taken only where all of its zones keep the same time all year; otherwise the error offers them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

_NO_ZONES = frozenset({"factory", "localtime", "posixrules", "leapseconds"})
"""Files among the zones of some systems that name no place."""
_ABBREVIATIONS = frozenset({"est", "mst", "hst"})
"""The tz database keeps these names for old programs, without summer time. A person who writes one means the clock of a
place."""
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])\s*([0-9]{1,2})(?::?([0-5][0-9]))?", re.IGNORECASE)
_COUNTRIES = {"uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "usa": "US", "america": "US",
              "united states of america": "US", "korea": "KR", "uae": "AE", "holland": "NL", "turkey": "TR",
              "russia": "RU", "vietnam": "VN", "czechia": "CZ", "taiwan": "TW", "iran": "IR", "tanzania": "TZ",
              "bolivia": "BO", "venezuela": "VE", "syria": "SY", "laos": "LA", "moldova": "MD"}  # fmt: skip
"""Countries by names that the ISO list does not have."""
_OLD_NAMES = {"bombay": "mumbai", "bangalore": "bengaluru", "calcutta": "kolkata", "madras": "chennai",
              "saigon": "ho chi minh city", "peking": "beijing", "nyc": "new york city", "sf": "san francisco",
              "la": "los angeles", "dc": "washington", "muenchen": "munich", "munchen": "munich", "koln": "cologne",
              "wien": "vienna", "genf": "geneva", "praha": "prague", "warszawa": "warsaw", "roma": "rome",
              "milano": "milan", "lisboa": "lisbon", "kobenhavn": "copenhagen", "tel aviv": "jerusalem"}  # fmt: skip
"""Cities by other names in use."""
_OFFERED = 3
_COMPLETED = 8
_LONGEST = 60


class UnknownZone(ValueError):
    """A text names no time zone, or several. The message goes on from the text: "is no time zone I know; perhaps
    Europe/Berlin". `offers` are the zones that may be meant."""

    def __init__(self, message: str, offers: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.offers = tuple(offers[:_OFFERED])


def find_zone(text: str) -> str:
    """The IANA name of the zone that a text names. Raises UnknownZone."""
    name = _fold(text)
    if len(name) > _LONGEST:
        raise UnknownZone("is no time zone I know; it looks like Europe/Berlin")
    path = name.replace(" ", "_")
    if path in _zones() and path not in _ABBREVIATIONS:
        return _zones()[path]
    zones = _places(name) or _abbreviations().get(name, ()) or _zones_at_offset(name)
    distinct = _distinct(zones)
    if len(distinct) == 1:
        return distinct[0]
    if distinct:
        some_fixed = len({len(set(_year(zone))) > 1 for zone in distinct}) > 1
        note = ", some without summer time" if some_fixed else ""
        raise UnknownZone(f"stands for several time zones{note}; say {_or(distinct)}", distinct)
    near = [] if name in _NO_ZONES else _near(name)
    hint = f"; perhaps {_or(near)}" if near else "; it looks like Europe/Berlin"
    raise UnknownZone(f"is no time zone I know{hint}", near)


def zones_beginning(text: str) -> list[str]:
    """The zones, most people first, whose names, or the names of whose cities, begin with a text."""
    start = _fold(text).replace(" ", "_")
    by_name = [
        zone
        for zone in populated_zones()
        if zone.casefold().startswith(start) or zone.casefold().rpartition("/")[2].startswith(start)
    ]
    by_city = [
        zone
        for zone, cities in populated_zones().items()
        if any(_fold(city).replace(" ", "_").startswith(start) for city in cities)
    ]
    others = [zone for name, zone in _zones().items() if name.startswith(start)]
    return list(dict.fromkeys([*by_name, *by_city, *others]))[:_COMPLETED]


def _distinct(zones: Iterable[str]) -> list[str]:
    """The first of all zones that keep the same time all year."""
    by_year: dict[tuple[timedelta, ...], str] = {}
    for zone in zones:
        by_year.setdefault(_year(zone), zone)
    return list(by_year.values())


def _zones_at_offset(name: str) -> tuple[str, ...]:
    """The zones that have an offset such as `UTC+5:30` at any time of the year, most people first."""
    offset = _OFFSET.fullmatch(name)
    if not offset:
        return ()
    size = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    return tuple(zone for zone in populated_zones() if (-size if offset[1] == "-" else size) in _year(zone))


def _or(zones: Iterable[str]) -> str:
    *others, last = list(zones)[:_OFFERED]
    return f"{', '.join(others)} or {last}" if others else last


def _fold(text: str) -> str:
    """The text in small letters, without accents, its words apart by one space."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(plain.replace("_", " ").split()).casefold()


@cache
def _zones() -> Mapping[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones()) if name.casefold() not in _NO_ZONES}


@cache
def populated_zones() -> Mapping[str, tuple[str, ...]]:
    """The zones that people live in, most people first, each with its large cities."""
    zones: list[tuple[int, str, tuple[str, ...]]] = []
    for line in files("bot.model").joinpath("cities.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            zone, thousands, cities = line.split("\t")
            if zone in _zones().values():
                zones.append((-int(thousands), zone, tuple(cities.split("; ")) if cities else ()))
    return {zone: cities for _, zone, cities in sorted(zones)}


def _places(name: str) -> tuple[str, ...]:
    """The zones of the city or country of a name, most people first."""
    name = _OLD_NAMES.get(name, name)
    return _cities_by_name().get(name) or _zones_by_country().get(name) or ()


@cache
def _cities_by_name() -> Mapping[str, tuple[str, ...]]:
    """Zones by city: by the last part of their IANA names, else by the large cities in them. Zones of Etc are left out,
    because their signs are reversed: Etc/GMT+5 is five hours behind UTC."""
    named: dict[str, list[str]] = {}
    for folded_name, zone in _zones().items():
        if "/" in folded_name and not folded_name.startswith(("etc/", "us/", "systemv/")):
            named.setdefault(folded_name.rsplit("/", 1)[-1].replace("_", " "), []).append(zone)
    others: dict[str, list[str]] = {}
    for zone, cities in populated_zones().items():
        for city in cities:
            others.setdefault(city.casefold(), []).append(zone)
    return {name: tuple(zones) for name, zones in (others | named).items()}


@cache
def _zones_by_country() -> Mapping[str, tuple[str, ...]]:
    """The populated zones of each country, by its English name (ISO 3166 and zone.tab of the tz database)."""
    folder = files("tzdata").joinpath("zoneinfo")
    rows = [
        line.split("\t") for line in folder.joinpath("iso3166.tab").read_text("utf-8").splitlines() if line[:1] != "#"
    ]
    codes = {_fold(name.partition(" (")[0]): code for code, name in rows} | _COUNTRIES
    zones: dict[str, set[str]] = {}
    for line in folder.joinpath("zone.tab").read_text("utf-8").splitlines():
        if line[:1] != "#":
            code, _, zone = line.split("\t")[:3]
            zones.setdefault(code, set()).add(zone)
    return {
        name: tuple(zone for zone in populated_zones() if zone in zones.get(code, ())) for name, code in codes.items()
    }


@cache
def _abbreviations() -> Mapping[str, tuple[str, ...]]:
    """The zones where an abbreviation stands on the clock in January or July, most people first. `pt` stands for the
    zones that have both `pst` and `pdt`."""
    zones: dict[str, dict[str, None]] = {}
    for zone in populated_zones():
        winter, summer = (
            (datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).tzname() or "").casefold()
            for month in (1, 7)
        )
        both = (
            winter[:1] + winter[2:] if winter[:1] + winter[2:] == summer[:1] + summer[2:] and winter != summer else ""
        )
        for name in filter(str.isalpha, (winter, summer, both)):
            zones.setdefault(name, {})[zone] = None
    return {name: tuple(places) for name, places in zones.items()}


@cache
def _year(zone: str) -> tuple[timedelta, ...]:
    """A zone's UTC offsets through a year. Two zones with the same offsets are not ambiguous."""
    moments = (datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)) for month in range(1, 13))
    return tuple(moment.utcoffset() or timedelta() for moment in moments)


def _near(name: str) -> list[str]:
    """Zones of cities whose names are near to a name that is none."""
    close = difflib.get_close_matches(name.rsplit("/", 1)[-1], _cities_by_name(), _OFFERED, 0.7)
    return _distinct(zone for city in close for zone in _cities_by_name()[city])
