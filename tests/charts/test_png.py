"""The PNG of a chart is a small picture whatever its texts are, with letters from the package's own font."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from PIL import Image

from bot.charts.png import _OwnFont, png
from bot.model.charts import Bar, BarChart, BarGroup, Chart
from tests.charts.examples import STATS, TASTE, charts

LARGEST_FILE = 150_000


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    assert picture.format == "PNG"
    return picture.convert("RGB")


def of_label(label: str) -> bytes:
    return png(BarChart("", "", (BarGroup("", (Bar(label, 1.0),)),)))


@given(charts)
def test_any_chart_is_a_picture_of_bounded_size(chart: Chart) -> None:
    content = png(chart)
    assert len(content) <= LARGEST_FILE
    picture = opened(content)
    assert picture.width == 800
    assert picture.height <= 1_600


@pytest.mark.parametrize("chart", [TASTE, STATS])
def test_the_background_is_opaque_and_light_with_room_on_all_sides(chart: Chart) -> None:
    picture = opened(png(chart))
    paper = picture.getpixel((0, 0))
    assert isinstance(paper, tuple)
    assert min(paper) > 245
    edges = [(0, 0, 800, 24), (0, picture.height - 24, 800, picture.height), (0, 0, 24, picture.height)]
    edges += [(776, 0, 800, picture.height)]
    for edge in edges:
        assert picture.crop(edge).getcolors() == [((edge[2] - edge[0]) * (edge[3] - edge[1]), paper)]


def test_a_chart_has_the_same_picture_every_time_also_in_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(png, [TASTE] * 8))) == 1


def test_labels_in_latin_greek_cyrillic_and_the_signs_of_mathematics_have_letters() -> None:
    font = _OwnFont()
    for text in ("Erdős–Rényi", "ελληνικά", "кириллица", "ℝⁿ ∇f ≤ ∑ ∞ α→β"):
        assert font.showable(text, bold=False) == font.showable(text, bold=True) == text


def test_letters_that_the_font_lacks_get_their_plain_form_or_one_sign_for_all() -> None:
    font = _OwnFont()
    assert font.showable("𝔽ederated ＡＢ ⅻ", bold=False) == "Federated AB ⅻ"
    assert font.showable("論文 推薦 by 田中", bold=False) == "… by …"
    assert font.showable("graphs 🎉👍🏽 of 👩‍🔬 🇩🇪 papers ❤️", bold=True) == "graphs of papers"
    assert font.showable("논문", bold=False) == font.showable("🎉", bold=False) == "…"
    assert font.showable("", bold=False) == ""
    assert font.showable(" a  b ", bold=False) == " a  b "
    assert of_label("論文") != of_label("")


def test_a_label_of_any_length_is_cut_to_its_room() -> None:
    assert of_label("W" * 100) == of_label("W" * 100_000)


def test_the_fonts_in_the_package_cover_what_they_promise_and_bring_their_licence() -> None:
    promised = [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x180), *range(0x391, 0x3A2), *range(0x3B1, 0x3CA)]
    promised = [*map(chr, (*promised, *range(0x400, 0x460))), *"∀∂∃∅∇∈∏∑√∞∫≈≠≤≥→…–—’“”◀▶□"]
    for bold in (False, True):
        assert _OwnFont().showable("".join(promised), bold) == "".join(promised)
    assert "Bitstream Vera Fonts Copyright" in files("bot.charts").joinpath("fonts", "LICENSE").read_text("utf-8")


def test_the_picture_shows_each_bar_in_the_colour_of_its_side() -> None:
    [words, _] = TASTE.groups
    only_likes = opened(png(replace(TASTE, groups=(replace(words, bars=(Bar("a", 1.0),)),))))
    right = only_likes.crop((500, 150, 700, only_likes.height)).getcolors(100_000)
    left = only_likes.crop((0, 190, 300, only_likes.height)).getcolors(100_000)
    assert right is not None
    assert left is not None
    assert any(count > 1_000 and color[2] > color[0] + 80 for count, color in right if isinstance(color, tuple))
    assert not any(color[2] > color[0] + 80 for _, color in left if isinstance(color, tuple))
