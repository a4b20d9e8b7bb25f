"""Papers as cards."""

from __future__ import annotations

from datetime import UTC, date, datetime
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.digests.cards import authors_line, card, line, summary, why_line
from bot.model.text import cut, day_name, plain_text
from recommender import Paper, Reason

TODAY = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"$\alpha$-divergence", "α-divergence"),
        (r"Erd\H{o}s and M\"uller", "Erdős and Müller"),
        ("100% of $5 million", "100% of $5 million"),
        ("a\u202eb\u200bc\x07d", "abcd"),
        ("`/papers pause` now", "'/papers pause' now"),
        ("two\n\nlines\tand  spaces", "two lines and spaces"),
    ],
)
def test_texts_from_outside_become_plain(tex: str, shown: str) -> None:
    assert plain_text(tex) == shown


@given(st.text(max_size=300), st.integers(2, 200))
def test_a_text_is_cut_to_its_length_and_never_invented(text: str, most: int) -> None:
    short = cut(text, most)
    assert len(short) <= most
    assert text.startswith(short.removesuffix("…")) or text == short


def test_a_text_is_cut_after_a_sentence_or_else_after_a_word() -> None:
    assert cut("This is the first sentence. And here the second goes on.", 40) == "This is the first sentence."
    assert cut("One single sentence that just goes on and on", 21) == "One single sentence…"
    assert cut("x" * 50, 10) == "x" * 9 + "…"


def test_a_summary_is_the_first_sentence_and_the_one_that_says_what_was_done() -> None:
    abstract = "Sleep is hard. Many have tried. In this light we propose a pillow. It is soft. It works."
    assert summary(abstract) == "Sleep is hard. In this light we propose a pillow."
    assert summary("We propose a pillow. It is soft. It works.") == "We propose a pillow. It is soft."
    assert summary("Only one.") == "Only one."
    assert summary("") == ""


def test_a_summary_with_an_endless_first_sentence_is_the_telling_one() -> None:
    assert summary("Word " * 200 + "ends. We show it. So there.") == "We show it."


def test_a_withdrawn_paper_is_marked_on_cards_and_in_lists() -> None:
    paper = Paper("2603.00001", "A title", withdrawn=True)
    assert card(paper).title == line(paper).title == "Withdrawn: A title"


def test_a_card_tells_category_and_source_and_has_each_link_once() -> None:
    paper = Paper(
        "2310.01234",
        "A title",
        categories=("cs.LG", "stat.ML"),
        code_url="https://github.com/a/b",
        project_url="https://github.com/a/b",
        discussion_url="https://huggingface.co/papers/2310.01234",
        source="A feed of arXiv",
    )
    shown = card(paper)
    assert (shown.category, shown.source) == ("cs.LG", "")
    assert [(link.label, link.url) for link in shown.links] == [
        ("PDF", "https://arxiv.org/pdf/2310.01234"),
        ("Code", "https://github.com/a/b"),
        ("Hugging Face", "https://huggingface.co/papers/2310.01234"),
    ]


def test_a_card_of_a_feed_names_the_feed_and_leaves_out_the_link_of_its_title() -> None:
    url = "https://e.org/1.pdf"
    shown = card(
        Paper("link:1", "A title", url=url, pdf_url=url, discussion_url="https://e.org/1", source="`A` \u202efeed")
    )
    assert (shown.category, shown.source, shown.url) == ("", "'A' feed", url)
    assert [(link.label, link.url) for link in shown.links] == [("Discussion", "https://e.org/1")]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://github.com@evil.example/", "https://e.org/" + "x" * 3_000]
)
def test_a_hostile_link_never_reaches_a_card(url: str) -> None:
    assert card(Paper("x", "T", pdf_url=url, code_url=url, project_url=url, discussion_url=url)).links == ()


def test_the_first_three_authors_are_named_and_the_others_counted() -> None:
    assert authors_line(["A", "B", "C"]) == "A, B, C"
    assert authors_line(["A", "B", "C", "D", "E"]) == "A, B, C + 2"
    assert authors_line([]) == ""
    assert len(authors_line(["x" * 10_000] * 10_000)) < 250


@settings(deadline=None)  # the first TeX builds its tables
@given(st.builds(Paper, st.text(), st.text(), st.text(), st.lists(st.text()).map(tuple), organization=st.text()))
def test_a_card_of_any_paper_is_inert_and_short(paper: Paper) -> None:
    shown = card(paper)
    for text in (shown.title, shown.authors, shown.organization, shown.summary):
        assert "`" not in text
        assert "\n" not in text
        assert len(text) <= 420
    assert shown.title
    assert line(paper).title == shown.title


@pytest.mark.parametrize("abstract", ["{" * 20_000 + "\\a", "$" * 20_001, "\\'" * 20_000, "\\begin{a}" * 3_000])
def test_hostile_tex_costs_little_time(abstract: str) -> None:
    begin = perf_counter()
    assert len(card(Paper("1", abstract, abstract)).summary) <= 420
    assert perf_counter() - begin < 20, "measured under two seconds on a quiet machine"


def test_the_reason_names_the_liked_paper_its_day_and_the_words() -> None:
    titles, liked = {"p": "Federated pillows"}, {"p": datetime(2026, 3, 3, tzinfo=UTC)}
    reason = Reason(("federated", "non-iid"), "p", None, 1.0)
    assert why_line([reason], titles, liked, TODAY) == (
        "because you liked “Federated pillows” on Tuesday: federated, non-iid"
    )
    assert why_line([Reason(("soft",), None, "pillows", 1.0)], {}, {}, TODAY) == "your topic “pillows”: soft"
    assert why_line([Reason((), None, None, 1.0), Reason(("soft",), "gone", None, 1.0)], {}, {}, TODAY) == (
        "words this channel likes: soft"
    )
    assert why_line([], {}, {}, TODAY) == ""


def test_days_are_named_as_people_name_them() -> None:
    days = [date(2026, 3, 5), date(2026, 3, 4), date(2026, 2, 27), date(2026, 2, 26), date(2025, 12, 1)]
    assert [day_name(day, TODAY) for day in days] == [
        "today", "yesterday", "on Friday", "on 26 February", "on 1 December 2025"
    ]  # fmt: skip
