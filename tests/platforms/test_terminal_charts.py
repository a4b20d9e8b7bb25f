"""Charts in the terminal fit any width, need no colour, and hold no control character."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bot.model.charts import Chart
from bot.model.messages import Reply
from bot.platforms.terminal.charts import DrawnChart
from bot.platforms.terminal.screen import Screen
from tests.charts.examples import STATS, TASTE, charts


def drawn(chart: Chart, width: int, encoding: str = "utf-8", *, terminal: bool = False) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=out, width=width, force_terminal=terminal, color_system="standard" if terminal else None).print(
        DrawnChart(chart)
    )
    out.seek(0)
    return out.read()


@given(charts, st.integers(1, 130))
def test_any_chart_fits_any_width(chart: Chart, width: int) -> None:
    lines = drawn(chart, width).split("\n")
    assert len(lines) <= 40
    for line in lines:
        assert cell_len(line) <= width
        assert line == line.rstrip()
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cs")]


def test_likes_and_dislikes_stand_on_two_sides() -> None:
    assert drawn(TASTE, 60) == (
        "\n"
        "What this channel likes and avoids\n"
        "                      avoids   likes\n"
        "Words\n"
        "          federated learning │█████████████████████████████\n"
        "                     privacy │██████████████\n"
        "       ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ survey\n"
        "Categories\n"
        "                       cs.LG │███████\n"
    )


def test_a_narrow_terminal_has_a_sign_before_each_label() -> None:
    assert drawn(TASTE, 30) == (
        "\n"
        "What this channel likes and a…\n"
        "Words\n"
        "+ federated le… ██████████████\n"
        "+ privacy       ███████\n"
        "- survey        ▒▒▒▒▒▒▒▒▒▒\n"
        "Categories\n"
        "+ cs.LG         ████\n"
    )


def test_two_series_stand_below_each_other_with_their_counts() -> None:
    assert drawn(STATS, 40) == (
        "\n"
        "Liked picks, week by week\n"
        "██ picks that somebody liked\n"
        "▒▒ most upvoted papers that came here t…\n"
        "2 Mar   ████████████████········  2 of 3\n"
        "        ▒▒▒▒▒▒▒▒▒▒▒▒············  1 of 2\n"
        "9 Mar   ························  0 of 3\n"
        "                                       -\n"
        "16 Mar  ████████████████████████  3 of 3\n"
        "        ▒▒▒▒▒▒··················  1 of 4\n"
    )


@pytest.mark.parametrize("chart", [TASTE, STATS])
def test_colours_are_for_terminals_and_blocks_for_unicode(chart: Chart) -> None:
    assert "\x1b[36m" in drawn(chart, 80, terminal=True)
    assert "\x1b" not in drawn(chart, 80)
    assert set(drawn(chart, 80, "ascii")) & set("█▒│·") == set()
    assert {"#", "="} <= set(drawn(chart, 80, "ascii"))


def test_an_answer_shows_its_text_and_then_its_charts(tmp_path: Path) -> None:
    out = io.StringIO()
    Screen(Console(file=out, width=80), tmp_path).reply(Reply("Learned from 3 votes.", charts=(TASTE, STATS)))
    text = out.getvalue()
    places = [text.index(each) for each in ("Learned from", TASTE.title, STATS.title)]
    assert places == sorted(places)
