r"""TeX as people write it, and as attackers do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.paper import title_key
from recommender.tex import LONGEST, converted
from recommender.text import display, normalized, words
from tests.bounds import assert_cheap

OPENERS = (
    r"\sqrt[", r"\cite[", r"\citep[", r"\citet[", r"\footnote[", r"\section[", r"\chapter[", r"\includegraphics[",
    r"\xrightarrow[", r"\xleftarrow[", r"\usepackage[", r"\documentclass[", r"\textcolor[", r"\color[",
    r"\begin{array}[", r"\begin{array}{", r"\frac{", r"\frac{}{", r"\left(", "{", "[", "$", "$$", r"\(", r"\[",
    r"\hat{", r"\'", r"\'{", r"\mathbf{", r"\section{ß", r"\begin{", r"\item", "\\", "\\ ", r"\fcolorbox[", r"\cite*[",
    r"\ket{\hat", "'", "-", "!", "\u0301\u0316", "a ", r"\'\i", r"\alpha ",
)  # fmt: skip
CLOSERS = ("", "]", "}", "]{}", "$", r"\end{array}")


@pytest.mark.parametrize("opener", OPENERS)
def test_nothing_repeated_makes_a_text_of_any_length_slow(opener: str) -> None:
    for closer in CLOSERS:
        half = LONGEST // (len(opener) + len(closer))
        texts = (opener * half + closer * half, (opener + closer) * half, opener * 12 + closer * 12)
        assert_cheap(lambda texts=texts: [display(text) for text in texts])  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\frac{a}{\sqrt[3]{b}}", "a/√(b)"),
        (r"\sqrt [x", r"\sqrt [x"),
        (r"a [b and \'{e}", "a [b and é"),
        (r"\text{AT&T} and $x & y$", "AT&T and x & y"),
        (r"code at \href{https://x.example/a_b}{our page}", "code at our page <https://x.example/a_b>"),
        (r"\texttt{CLS} and \texorpdfstring{$\lambda$}{lambda}", "CLS and lambda"),
        (r"$\hat{\hat{a}}$", "â̂"),
        (r"about $20 and \$30, 50\% off", "about $20 and $30, 50% off"),
        (r"\begin{array}{cc} a & b \end{array}", "a & b"),
        (r"\unknown{word} \emph{other}", "word other"),
        (r"{unclosed", "{unclosed"),
        (r"Jane Roe \footnote", r"Jane Roe \footnote"),
        (r"\emph{``quoted''} -- so~far", "“quoted” – so far"),
        (r"\sqrt[" * 40, r"\sqrt[" * 40),
        (r"$\texttt{SAGE}$: A framework", "SAGE: A framework"),
        (r"R&D at scale for $k$ robots", "R&D at scale for k robots"),
        (r"\LaTeX{} and \TeX", "LaTeX and TeX"),
        (
            r"\OurNet: we present \method, and \ours{} beats \base at $\R^n$",
            "OurNet: we present method, and ours beats base at R^n",
        ),
        (
            r"{\em backdoor} in $\big({\cal O}(n)\big)$, 360{\deg}, 5\percent, \eg birds",
            "backdoor in (O(n)), 360°, 5%, e.g. birds",
        ),
        (r"a$\unicode{x2013}$b, $\binom{n}{2}$, $\tfrac{1}{2}$, $a \ne b$", "a–b, (n choose 2), 1/2, a ≠ b"),
        (r"\newcommand{\eps}{x}Let $\eps$ be", "Let eps be"),
        (r"\color{red}warm \label{a}words", "warm words"),
    ],
)
def test_tex_becomes_what_a_reader_would_see(text: str, shown: str) -> None:
    assert display(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The cheap plan costs $5 per hour, and the dear one $10 per hour.", None),
        ("from US$5 to US$10, $5-$10 each; a $5,000 prize, $1.5M in all", None),
        ("$5 for $n$ users", "$5 for n users"),
        ("$n$ users pay $5 each", "n users pay $5 each"),
        ("set $PATH and $HOME", None),
        ("$10$ and $ x $, $3$-$5$, $$y$$ and $2n$-th", "10 and x , 3-5, y and 2n-th"),
        (r"$1 \times 2$ at \$5", "1 × 2 at $5"),
    ],
)
def test_a_dollar_is_money_or_bounds_a_formula(text: str, shown: str | None) -> None:
    assert display(text) == (shown or text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"We use ``quotes'' here, see \cite{foo}.", "We use “quotes” here."),
        (r"CLIP~\citep{r} and GAN\cite{G}, too", "CLIP and GAN, too"),
        (r"bounds of \citet[p. 5]{C} for", "bounds of […] for"),
        (r"models (see e.g. \cite{a,b}) and (\cite{a}; \cite{b}) work", "models and work"),
        (r"\citet{foo} showed it", "[…] showed it"),
        (r"see Section~\ref{a} of it", "see Section of it"),
    ],
)
def test_a_citation_is_left_out(text: str, shown: str) -> None:
    assert display(text) == shown


def test_text_longer_than_any_abstract_is_left_as_it_is() -> None:
    text = r"\alpha" * LONGEST
    assert converted(text) == text


TEX = st.lists(st.sampled_from((*OPENERS, *CLOSERS, r"\alpha", "%", "&", "x", r"\end{array}", "{}")), max_size=40)


@given(TEX, st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_no_mix_of_commands_and_brackets_is_expensive(parts: list[str], times: int) -> None:
    text = ("".join(parts) * times)[:LONGEST]
    assert_cheap(lambda: display(text))


@pytest.mark.parametrize("marks", ["\u0316\u0301", "\u0f71\u0f72\u0f74", "\uff9e\u0316"])
def test_a_long_row_of_accents_is_cut_before_it_is_normalized(marks: str) -> None:
    text = "a" + marks * 50_000 + " end"
    for read in (display, words, title_key):
        assert_cheap(lambda read=read: read(text))  # type: ignore[misc]
    assert len(normalized("NFC", text)) <= 40
    assert normalized("NFC", "e\u0301" * 100) == "é" * 100
