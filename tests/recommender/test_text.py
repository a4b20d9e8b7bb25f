from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.text import display, fold, is_content_word, names, stem, visible, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Non-IID Data_sets, 3D!", ["non", "iid", "data_sets", "3d"]),
        (r"An $\alpha$-divergence by \textit{Erd\H{o}s} and Schr\"odinger", ["an", "alpha", "divergence", "by", "erdős",
         "and", "schrödinger"]),
        ("ﬁne Ⅻ soft\u00adhyphen", ["fine", "xii", "softhyphen"]),
        ("深度 learning", ["深", "度", "learning"]),
        ("Привет, мир", ["привет", "мир"]),
        ("see \\url{http://x.y/z} now", ["see", "now"]),
        ("हिन्दी में खोज", ["हिन्दी", "में", "खोज"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("تعلُّم الآلة", ["تعلُّم", "الآلة"]),
        ("İstanbul", ["i\u0307stanbul"]),
        ("\u0947 \ufe0f 1\ufe0f\u20e3 👩\u200d💻", ["1"]),
        ("", []),
    ],
)  # fmt: skip
def test_words_are_split_as_people_would(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_that_mean_the_same_have_one_stem() -> None:
    assert stem("Federated") == stem("federation") == "feder"
    assert stem("naïve") == stem("naive")
    assert fold("Núñez") == "nunez"
    assert names("José O'Núñez-Smith") == ["jose", "o", "nunez", "smith"]


@pytest.mark.parametrize(
    "spellings",
    [
        ("β-VAE", r"$\beta$-VAE", r"\beta-VAE", "beta-VAE", "Beta VAE", "𝛽-VAE"),
        ("π₀", r"$\pi_0$", "π_0", "pi0", "PI_0"),
        (r"$\varepsilon$-greedy", "ϵ-greedy", "epsilon greedy"),
        ("H₂O", "H$_2$O", "h2o"),
        (r"$\ell_1$ norm", "ℓ1-norm", "L1 norm"),
        ("Łukasz Søren", "lukasz soren"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul", "ISTANBUL"),
        ("تعلُّم", "تعلم"),
        ("naïve", "nai\u0308ve", "na\u200bive"),
    ],
)
def test_one_word_written_in_several_ways_is_one_to_search(spellings: tuple[str, ...]) -> None:
    assert len({tuple(map(stem, words(text))) for text in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("university", "universe"), ("が", "か"), ("की", "का"), ("organ", "organize"), (r"\ellipse", "lipse")],
)
def test_words_that_differ_stay_apart(one: str, other: str) -> None:
    assert [stem(word) for word in words(one)] != [stem(word) for word in words(other)]


def test_only_telling_words_are_learned_from() -> None:
    assert [word for word in ("the", "model", "x", "2024", "深", "bert4") if is_content_word(word)] == [
        "model",
        "深",
        "bert4",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"Bounds of $\mathcal{O}(n)$ for $\alpha \leq 1$", "Bounds of 𝒪(n) for α≤ 1"),
        ("It costs $5 and saves 50% of time", "It costs $5 and saves 50% of time"),
        (r"Erd\H{o}s and \textbf{bold}", "Erdős and bold"),
        ("safe \u202eevil\u202c \x07bell\u200b", "safe evil bell"),
        ("  many \n spaces ", "many spaces"),
    ],
)
def test_what_people_see_has_no_tex_and_nothing_hidden(text: str, shown: str) -> None:
    assert display(text) == shown


@pytest.mark.parametrize("text", [r"\frac", r"half \frac{a}", r"$\frac$", r"{\frac", r"\nicefrac", r"\overline"])
def test_a_command_without_its_arguments_stays_as_it_is_and_warns_nobody(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert display(text) == text
    assert caplog.text == ""


def test_a_share_is_still_a_share() -> None:
    assert display(r"a $\frac{1}{2}$ of %s") == "a 1/2 of %s"


@given(st.text(alphabet=st.sampled_from(list("\\${}^_%&~#abc 1\u202e\n")), max_size=80))
@settings(deadline=None)
def test_tex_that_makes_no_sense_is_shown_anyway(text: str) -> None:
    shown = display(text)
    assert "\u202e" not in shown
    assert "\n" not in shown
    words(text)


@given(st.text())
def test_visible_text_can_be_stored_as_utf8(text: str) -> None:
    visible(text).encode("utf-8")
