"""Cleaning of texts, names and dates from outside."""

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
def test_clean_gives_one_bounded_line_without_hidden_characters(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in line)
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")


@given(hostile)
def test_clean_is_idempotent(text: str) -> None:
    assert clean(clean(text, 40), 40) == clean(text, 40)


def test_a_long_text_is_cut_between_words() -> None:
    assert clean("one two three", 9) == "one two…"
    assert clean("onetwothree", 9) == "onetwoth…"


def test_joiners_in_emoji_and_scripts_are_kept() -> None:
    family, persian = "👩\u200d👩\u200d👧", "می\u200cخواهم"
    assert clean(f"{family} {persian} नमस्ते", 50) == f"{family} {persian} नमस्ते"


@pytest.mark.parametrize("value", [None, 3, [], {}, b"bytes"])
def test_clean_gives_an_empty_text_for_other_types(value: object) -> None:
    assert clean(value, 10) == ""


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3), (0, 0), (-1, 0), (True, 0), ("3", 0), (None, 0), (2.5, 0), (10**30, 10**9)]
)
def test_count_is_bounded_and_zero_for_other_values(value: object, expected: int) -> None:
    assert count(value) == expected


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
def test_person_turns_tex_into_unicode_and_removes_the_affiliation(written: str, name: str) -> None:
    assert person(written) == name


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("NVIDIA, :, Aili Chen, Bo Li", ("NVIDIA", "Aili Chen", "Bo Li")),
        ("Aili Chen, Bo Li, et al.", ("Aili Chen", "Bo Li")),
        ("Aili Chen, et al. (123 additional authors not shown)", ("Aili Chen",)),
        ("The X Collaboration: A. Roe, B. Doe", ("The X Collaboration", "A. Roe", "B. Doe")),
        ("A. Roe, and B. Doe, *, C. Poe\\\\", ("A. Roe", "B. Doe", "C. Poe")),
        ("A. Roe (on behalf of the X Collaboration), for the Y Collaboration", ("A. Roe", "Y Collaboration")),
        ("Roe, Jane; Doe, John", ("Jane Roe", "John Doe")),
        ("Joseph M. Reagle, Jr., Mehmet Alici, In So Kweon", ("Joseph M. Reagle, Jr.", "Mehmet Alici", "In So Kweon")),
    ],
)
def test_authors_are_people_and_collaborations_only(line: str, names: tuple[str, ...]) -> None:
    assert people_in(line) == names


def test_what_is_no_name_in_a_list_of_authors_is_left_out() -> None:
    assert people(["NVIDIA", ":", "Aili Chen", "et al.", "others", "and Bo Li", "The X Collaboration:"]) == (
        "NVIDIA", "Aili Chen", "Bo Li", "The X Collaboration",
    )  # fmt: skip


@given(st.text(st.sampled_from("\\{}$%&#'\"^~abO ()[]_")))
def test_person_is_bounded_for_any_tex(text: str) -> None:
    assert len(person(text)) <= 200


def test_a_name_of_braces_is_left_alone() -> None:
    assert person("\\'" + "{" * 190) == "\\'" + "{" * 190


def test_thousands_of_authors_are_bounded() -> None:
    assert len(people(f"Author {n}" for n in range(5_000))) == 2_000


def test_and_and_semicolons_separate_names() -> None:
    assert people_in("Ada Moreau, Bo Lindqvist and Cy Okafor; Di Sandoval") == (
        "Ada Moreau",
        "Bo Lindqvist",
        "Cy Okafor",
        "Di Sandoval",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_day_reads_only_plausible_iso_dates(text: object, expected: date | None) -> None:
    assert day(text, FRIDAY) == expected


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "http://", "/a", "https://a b", 'https://a/"x', None, "https://a/" + "x" * 3_000]
)
def test_link_is_empty_for_invalid_urls(text: object) -> None:
    assert link(text) == ""


@given(st.text(st.sampled_from("<>/!-&;#apbscript \"'=x")))
def test_any_html_becomes_one_clean_line(html: str) -> None:
    line = words_of_html(html)
    assert line == clean(line, ABSTRACT_CHARS)


def test_unclosed_html_is_bounded() -> None:
    for part in ("<", "<!--", "<a ", "</", "&", "<![CDATA[", "<p>x"):
        assert len(words_of_html(part * 300_000)) <= ABSTRACT_CHARS


def test_too_many_xml_elements_are_unreadable() -> None:
    body = b"<feed>" + b"<a/>" * (MOST_ELEMENTS + 1) + b"</feed>"
    with pytest.raises(Unreadable, match="too intricate"):
        markup_of(Answer("https://x.example/", 200, body))
