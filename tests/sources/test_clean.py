"""Text, names and dates from outside are fit to keep."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.base import Unreadable
from bot.sources.clean import ABSTRACT_CHARS, clean, count, day, link, people, people_in, person, words_of_html
from bot.sources.document import MOST_ELEMENTS, markup_of
from bot.sources.fetch import Answer

FRIDAY = date(2026, 3, 6)
hostile = st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Lu", "Ll", "So"]))


@given(hostile, st.integers(2, 50))
def test_a_clean_text_is_one_short_line_that_hides_nothing(text: str, limit: int) -> None:
    found = clean(text, limit)
    assert len(found) <= limit
    assert found == " ".join(found.split())
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in found)
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")


@given(hostile)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text, 40), 40) == clean(text, 40)


def test_a_long_text_is_cut_between_words() -> None:
    assert clean("one two three", 9) == "one two…"
    assert clean("onetwothree", 9) == "onetwoth…"


def test_emoji_and_scripts_that_join_letters_stay_whole() -> None:
    family, persian = "👩\u200d👩\u200d👧", "می\u200cخواهم"
    assert clean(f"{family} {persian} नमस्ते", 50) == f"{family} {persian} नमस्ते"


@pytest.mark.parametrize("value", [None, 3, [], {}, b"bytes"])
def test_what_is_no_text_is_empty(value: object) -> None:
    assert clean(value, 10) == ""


@pytest.mark.parametrize(
    ("value", "found"), [(3, 3), (0, 0), (-1, 0), (True, 0), ("3", 0), (None, 0), (2.5, 0), (10**30, 10**9)]
)
def test_a_count_is_a_number_nobody_can_swell(value: object, found: int) -> None:
    assert count(value) == found


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"Paulo Andr\'e", "Paulo André"),
        (r"Erd\H{o}s P\'al", "Erdős Pál"),
        (r"\O ystein \AA s", "Øystein Ås"),
        (r"Mi\v{c}i\'{c}", "Mičić"),
        ("Sam O'Neil", "Sam O'Neil"),
        ("50% & Co #1", "50% & Co #1"),
        (r"J\"org 100% & Co", "Jörg 100% & Co"),
        ("Ada Moreau (Institute of Examples)", "Ada Moreau"),
        ("(nobody)", ""),
    ],
)
def test_a_name_is_written_in_unicode_without_its_institute(written: str, name: str) -> None:
    assert person(written) == name


@given(st.text(st.sampled_from("\\{}$%&#'\"^~abO ()[]_")))
def test_no_tex_breaks_a_name(text: str) -> None:
    assert len(person(text)) <= 200


def test_a_name_of_braces_is_left_alone() -> None:
    assert person("\\'" + "{" * 190) == "\\'" + "{" * 190


def test_thousands_of_authors_are_bounded() -> None:
    assert len(people(f"Author {n}" for n in range(5_000))) == 2_000


def test_and_parts_names_too() -> None:
    assert people_in("Ada Moreau, Bo Lindqvist and Cy Okafor; Di Sandoval") == (
        "Ada Moreau",
        "Bo Lindqvist",
        "Cy Okafor",
        "Di Sandoval",
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-06", FRIDAY),
        ("2026-03-06T00:00:00-04:00", FRIDAY),
        ("2026-03-06T23:59:59.123Z", FRIDAY),
        ("2026-03-09", None),
        ("1600-01-01", None),
        ("2026-02-30", None),
        ("6 March", None),
        (None, None),
    ],
)
def test_a_day_is_the_one_written_if_it_can_be_true(text: object, found: date | None) -> None:
    assert day(text, FRIDAY) == found


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "http://", "/a", "https://a b", 'https://a/"x', None, "https://a/" + "x" * 3_000]
)
def test_a_link_that_cannot_be_followed_is_none(text: object) -> None:
    assert link(text) == ""


@given(st.text(st.sampled_from("<>/!-&;#apbscript \"'=x")))
def test_any_html_becomes_one_line_of_words(html: str) -> None:
    found = words_of_html(html)
    assert found == clean(found, ABSTRACT_CHARS)


def test_html_that_never_ends_is_bounded() -> None:
    for part in ("<", "<!--", "<a ", "</", "&", "<![CDATA[", "<p>x"):
        assert len(words_of_html(part * 300_000)) <= ABSTRACT_CHARS


def test_millions_of_empty_elements_never_become_a_tree() -> None:
    body = b"<feed>" + b"<a/>" * (MOST_ELEMENTS + 1) + b"</feed>"
    with pytest.raises(Unreadable, match="too intricate"):
        markup_of(Answer("https://x.example/", 200, body))
