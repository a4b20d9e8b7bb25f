"""The SVG of a chart is well formed whatever its texts are, needs no style, and tells its content in words."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given

from bot.charts.svg import svg
from bot.model.charts import BarChart, Chart
from tests.charts.examples import STATS, TASTE, charts

_NAMESPACE = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    assert root.tag == f"{_NAMESPACE}svg"
    return root


def shown(root: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{_NAMESPACE}text")]


@given(charts)
def test_any_chart_is_well_formed_without_style_and_script_and_inside_its_frame(chart: Chart) -> None:
    root = parsed(svg(chart, "a"))
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    assert (width, root.attrib["viewBox"].split()[2:]) == (400, [root.attrib["width"], root.attrib["height"]])
    assert height <= 800
    for each in root.iter():
        assert each.tag.removeprefix(_NAMESPACE) in {"svg", "title", "desc", "rect", "text"}
        assert not {name for name in each.attrib if name in ("style", "href") or name.startswith("on")}
        if each.tag == f"{_NAMESPACE}rect":
            x, y, w, h = (float(each.attrib[name]) for name in ("x", "y", "width", "height"))
            assert min(w, h) >= 0
            assert min(x, y) >= 0
            assert x + w <= width + 0.01
            assert y + h <= height + 0.01
        if each.tag == f"{_NAMESPACE}text":
            assert 0 <= float(each.attrib["x"]) <= width
            assert 0 <= float(each.attrib["y"]) <= height
            assert len(each.text or "") <= 300


def test_texts_are_escaped() -> None:
    hostile = "</text><script>alert(1)</script>\"'&"
    text = svg(replace(TASTE, title=hostile, text=hostile), 'x" onload="')
    assert "<script" not in text
    root = parsed(text)
    assert root.attrib["aria-labelledby"] == "x--onload---title"
    assert root[0].text == root[1].text == hostile


def test_screen_readers_get_the_title_and_the_words() -> None:
    root = parsed(svg(TASTE, "taste"))
    assert root.attrib["role"] == "img"
    ids = {each.attrib.get("id"): each.text for each in root}
    assert ids[root.attrib["aria-labelledby"]] == TASTE.title
    assert ids[root.attrib["aria-describedby"]] == TASTE.text


def test_likes_stand_right_of_the_axis_and_dislikes_left_of_it() -> None:
    root = parsed(svg(TASTE))
    bars = {kind: [each for each in root if each.get("class") == f"chart-{kind}" and each.tag.endswith("rect")]
            for kind in ("first", "second")}  # fmt: skip
    assert [float(bar.attrib["x"]) for bar in bars["first"]] == [200.0] * 3
    widths = [float(bar.attrib["width"]) for bar in bars["first"]]
    assert widths == [176.0, 88.0, 44.0], "in proportion to the strengths"
    [dislike] = bars["second"]
    assert float(dislike.attrib["x"]) + float(dislike.attrib["width"]) == 200.0
    assert {"federated learning", "privacy", "survey", "cs.LG", "Words", "Categories"} <= set(shown(root))


def test_columns_show_the_share_and_tell_the_counts() -> None:
    root = parsed(svg(STATS))
    texts = shown(root)
    assert [text for text in texts if re.fullmatch(r"\d/\d", text)] == ["2/3", "1/2", "0/3", "3/3", "1/4"]
    assert {"2 Mar", "9 Mar", "16 Mar", "0%", "50%", "100%"} <= set(texts)
    heights = [float(e.attrib["height"]) for e in root if e.tag.endswith("rect") and e.get("class") == "chart-first"]
    assert heights == [10.0, 100.0, 2.0, 150.0], "the mark of the legend, and a column for each week"


def test_a_chart_with_more_bars_than_fit_shows_the_first() -> None:
    [group, _] = TASTE.groups
    many = BarChart("", "", (replace(group, bars=group.bars * 100),))
    assert shown(parsed(svg(many))).count("privacy") == 8
