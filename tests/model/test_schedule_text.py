"""Schedules as people type them, and nothing but a helpful word for what is none."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model.schedule_text import Change, read_count, read_days, read_hour, read_line, read_zone, write_days
from bot.model.zones import find_zone, populated_zones


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("09:00 weekdays Europe/Berlin 5", Change("09:00", "weekdays", "Europe/Berlin", 5)),
        ("5 Europe/Berlin weekdays 09:00", Change("09:00", "weekdays", "Europe/Berlin", 5)),
        ("10:00 Berlin", Change("10:00", None, "Europe/Berlin", None)),
        ("10:00, weekdays, berlin, 4", Change("10:00", "weekdays", "Europe/Berlin", 4)),
        ("9 am New York mon, wed ,fri", Change("09:00", "mon,wed,fri", "America/New_York", None)),
        ("12am utc", Change("00:00", None, "UTC", None)),
        ("12pm", Change("12:00")),
        ("5.30PM", Change("17:30")),
        ("17h45", Change("17:45")),
        ("mon-fri", Change(days="weekdays")),
        ("Fri-Mon", Change(days="mon,fri,sat,sun")),
        ("Tuesdays Thursdays", Change(days="tue,thu")),
        ("weekend", Change(days="sat,sun")),
        ("daily", Change(days="daily")),
        ("3", Change(count=3)),
        ("Hong Kong", Change(zone="Asia/Hong_Kong")),
        ("buenos aires", Change(zone="America/Argentina/Buenos_Aires")),
        ("america/argentina/buenos_aires", Change(zone="America/Argentina/Buenos_Aires")),
        ("noon", Change("12:00")),
        ("midnight UTC", Change("00:00", zone="UTC")),
        ("9 weekdays", Change("09:00", "weekdays")),
        ("9 weekdays Berlin 5", Change("09:00", "weekdays", "Europe/Berlin", 5)),
        ("weekdays 5", Change(days="weekdays", count=5)),
        ("every day at 5 p.m.", Change("17:00", "daily")),
        ("every monday and friday at 9 o'clock, 4 cards", Change("09:00", "mon,fri", count=4)),
        ("9h", Change("09:00")),
        ("in berlin at 8", Change("08:00", zone="Europe/Berlin")),
        ("3 cards at 8 on weekdays", Change("08:00", "weekdays", count=3)),
        ("9am Mumbai", Change("09:00", zone="Asia/Kolkata")),
        ("9am UTC+5:30", Change("09:00", zone="Asia/Kolkata")),
        ("9am GMT+5", Change("09:00", zone="Asia/Karachi")),
        ("9am UTC -3:30", Change("09:00", zone="America/St_Johns")),
        ("9am PT", Change("09:00", zone="America/Los_Angeles")),
        ("9am EDT", Change("09:00", zone="America/New_York")),
        ("9am JST", Change("09:00", zone="Asia/Tokyo")),
        ("CET", Change(zone="CET")),
        ("Zürich", Change(zone="Europe/Zurich")),
        ("São Paulo", Change(zone="America/Sao_Paulo")),
        ("san francisco", Change(zone="America/Los_Angeles")),
        ("9am India", Change("09:00", zone="Asia/Kolkata")),
        ("uk", Change(zone="Europe/London")),
    ],
)
def test_a_schedule_line_is_parsed(line: str, meant: Change) -> None:
    assert read_line(line) == meant


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("25:00", "it looks like 09:00"),
        ("13pm", "it looks like 09:00"),
        ("11", "from 1 to 10"),
        ("0", "from 1 to 10"),
        ("-3", "from 1 to 10"),
        ("2.5", "from 1 to 10"),
        ("9" * 5_000, "from 1 to 10"),
        ("Berln", "; perhaps Europe/Berlin"),
        ("Europe/Berln", "; perhaps Europe/Berlin"),
        ("Mars/Olympus_Mons_Base", "it looks like Europe/Berlin"),
        ("Lisbn", "; perhaps Europe/Lisbon"),
        ("9am EST", "some without summer time; say America/New_York or America/Jamaica"),
        ("CST", "say Asia/Shanghai, America/Mexico_City or America/Chicago"),
        ("9am UTC-5", "say America/"),
        ("9am USA", "say America/New_York, America/Chicago or America/Los_Angeles"),
        ("localtime", "It reads like"),
        ("Factory", "It reads like"),
        ("UTC+25", "It reads like"),
        ("never", "`/papers pause` stops"),
        ("9am 10am", "one hour"),
        ("9am 3 4", "one number of cards"),
        ("tomorrow please", "It reads like"),
        (" , ", "It reads like"),
        ("", "It reads like"),
        ("²", "It reads like"),
    ],
)
def test_an_unreadable_schedule_line_is_refused_with_advice(line: str, mend: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        read_line(line)
    assert mend in str(told.value)
    assert len(str(told.value)) < 250


_WORDS = st.sampled_from(
    ["9", "09:00", "am", "pm", "mon", "-", ",", "fri", "/", "Berlin", "weekdays", "=", "٣", "`", "\x00", "\u202e", "+"]
)


@given(st.one_of(st.text(), st.lists(_WORDS).map("".join), st.lists(_WORDS).map(" ".join)))
@example("`" * 1_000)
def test_any_schedule_line_is_parsed_or_refused_with_a_short_error(line: str) -> None:
    told = ""
    try:
        assert read_line(line) != Change()
    except ValueError as error:
        told = str(error)
    assert not told or 20 < len(told) < 250
    assert "`" not in re.sub("`schedule 09:00 weekdays Europe/Berlin 5`|`/papers (pause|resume)`", "", told)


@given(st.sets(st.integers(0, 6), min_size=1).map(frozenset))
def test_days_are_read_as_they_are_written(days: frozenset[int]) -> None:
    assert read_days(write_days(days)) == days


@given(st.times().map(lambda time: time.replace(second=0, microsecond=0)))
def test_hours_are_read_as_they_are_written(hour: object) -> None:
    assert read_hour(f"{hour:%H:%M}") == hour
    assert read_hour(f"{hour:%I:%M %p}") == hour


def test_every_zone_is_read_in_any_case_with_spaces_for_underscores() -> None:
    without_place = {"localtime", "Factory", "EST", "MST", "HST"}
    for zone in available_timezones() - without_place:
        assert read_zone(zone.lower().replace("_", " ")) == zone


def test_cities_name_zones_that_exist_and_none_is_listed_twice() -> None:
    zones = list(populated_zones())
    assert len(zones) > 300
    assert len(set(zones)) == len(zones)
    assert set(zones) <= available_timezones()
    assert find_zone("munich") == "Europe/Berlin"


@pytest.mark.parametrize("text", ["1", " 10 "])
def test_a_count_is_from_one_to_ten(text: str) -> None:
    assert read_count(text) == int(text)
