"""Schedules as people type them, and nothing but a helpful word for what is none."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model.schedule_text import Change, read_count, read_days, read_hour, read_line, read_zone, write_days


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
    ],
)
def test_a_line_is_read_as_it_is_meant(line: str, meant: Change) -> None:
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
        ("West", "; perhaps "),
        ("GMT+5", "It reads like"),
        ("tomorrow please", "It reads like"),
        (" , ", "It reads like"),
        ("", "It reads like"),
        ("²", "It reads like"),
    ],
)
def test_what_cannot_be_read_is_answered_with_the_mend(line: str, mend: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        read_line(line)
    assert mend in str(told.value)
    assert len(str(told.value)) < 250


_WORDS = st.sampled_from(
    ["9", "09:00", "am", "pm", "mon", "-", ",", "fri", "/", "Berlin", "weekdays", "=", "٣", "`", "\x00", "\u202e", "+"]
)


@given(st.one_of(st.text(), st.lists(_WORDS).map("".join), st.lists(_WORDS).map(" ".join)))
@example("`" * 1_000)
def test_no_line_raises_anything_but_a_short_helpful_word(line: str) -> None:
    told = ""
    try:
        assert read_line(line) != Change()
    except ValueError as error:
        told = str(error)
    assert not told or 20 < len(told) < 250
    assert "`" not in told.replace("`schedule 09:00 weekdays Europe/Berlin 5`", "")


@given(st.sets(st.integers(0, 6), min_size=1).map(frozenset))
def test_days_are_read_as_they_are_written(days: frozenset[int]) -> None:
    assert read_days(write_days(days)) == days


@given(st.times().map(lambda time: time.replace(second=0, microsecond=0)))
def test_hours_are_read_as_they_are_written(hour: object) -> None:
    assert read_hour(f"{hour:%H:%M}") == hour
    assert read_hour(f"{hour:%I:%M %p}") == hour


def test_every_zone_is_read_in_any_case_with_spaces_for_underscores() -> None:
    for zone in available_timezones():
        assert read_zone(zone.lower().replace("_", " ")) == zone


@pytest.mark.parametrize("text", ["1", " 10 "])
def test_a_count_is_from_one_to_ten(text: str) -> None:
    assert read_count(text) == int(text)
