"""How papers look in a terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from bot.model.messages import Action, Attachment, Card, Form, FormField, Line, Link, Message, Reply
from bot.platforms.terminal import render
from bot.platforms.terminal.sanitize import MAX_TEXT, cut, fit, link, strip_control
from tests.platforms.terminal_guest import plain

CARD = Card(
    "2310.01234",
    "Federated Optimisation with Unlike Clients: How Far Can One Server Go?",
    url="https://arxiv.org/abs/2310.01234",
    authors="Ada Lovelace, Alan Turing, Grace Hopper + 3",
    organization="Analytical Society",
    published=date(2023, 10, 2),
    upvotes=12,
    comments=3,
    summary="Clients differ, and averages hide it. The method needs half the rounds on four data sets.",
    why="because you liked “Secure sums” on Tuesday: federated, non-iid",
    category="cs.LG",
    links=(
        Link("PDF", "https://arxiv.org/pdf/2310.01234"),  # the address of the paper tells it already
        Link("Code", "https://github.com/example/unlike"),
        Link("Project page", "javascript:alert(1)"),
        Link("\x1b[2J", "https://evil.example/\x1b[2J"),
    ),
)
REPLY = Reply(
    "Two papers on `federated`:",
    lines=(Line("1", "A first hit", "https://arxiv.org/abs/1", "posted 3 May, 6 👍"), Line("2", "量子の論文")),
    actions=(Action("More", "search", "federated", 5), Action("Share", "share", "search federated")),
)


def on_terminal(renderable: RenderableType, **environment: str) -> str:
    """What a terminal is sent."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, _environ={"TERM": "xterm", **environment})
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_the_further_lines_of_a_bullet_stand_below_its_words() -> None:
    text = "Try:\n• `search` " + "word " * 9 + "\nAnd that is all."
    assert plain(render.Prose(text), 30) == (
        "Try:\n• `search` word word word word\n  word word word word word\nAnd that is all.\n"
    )


def test_a_card_at_80_columns() -> None:
    assert plain(render.card(CARD, 1), 80) == (
        "\n"
        " 1  Federated Optimisation with Unlike Clients: How Far Can One Server Go?\n"
        "    because you liked “Secure sums” on Tuesday: federated, non-iid\n"
        "    Clients differ, and averages hide it. The method needs half the rounds on\n"
        "    four data sets.\n"
        "    Ada Lovelace, Alan Turing, Grace Hopper + 3 · Analytical Society · cs.LG · 2\n"
        "    Oct 2023 · ▲ 12  💬 3\n"
        "    https://arxiv.org/abs/2310.01234\n"
        "    Code: https://github.com/example/unlike\n"
    )


def test_a_card_at_40_columns() -> None:
    assert plain(render.card(replace(CARD, authors="A. Lovelace", organization="", upvotes=0), 12), 40) == (
        "\n"
        "12  Federated Optimisation with Unlike\n"
        "    Clients: How Far Can One Server Go?\n"
        "    because you liked “Secure sums” on\n"
        "    Tuesday: federated, non-iid\n"
        "    Clients differ, and averages hide\n"
        "    it. The method needs half the rounds\n"
        "    on four data sets.\n"
        "    A. Lovelace · cs.LG · 2 Oct 2023 ·\n"
        "    💬 3\n"
        "    https://arxiv.org/abs/2310.01234\n"
        "    Code:\n"
        "    https://github.com/example/unlike\n"
    )


def test_a_card_shows_only_what_it_has() -> None:
    assert plain(render.card(Card("1", "Just a title"), 3)) == "\n 3  Just a title\n"


@pytest.mark.parametrize(
    ("why", "shown"), [("", "🎲 a guess: tell us"), ("a guess: 👍 or 👎?", "🎲 a guess: 👍 or 👎?")]
)
def test_a_guess_bears_a_die(why: str, shown: str) -> None:
    assert plain(render.card(Card("1", "Odd", guess=True, why=why, note="new here"), 1)) == (
        f"\n 1  Odd\n    {shown}\n    new here\n"
    )


def test_an_answer_numbers_its_papers_and_offers_its_actions_by_a_letter() -> None:
    assert plain(render.answer(REPLY, 6), 60) == (
        "Two papers on `federated`:\n"
        " 6  A first hit\n"
        "    posted 3 May, 6 👍\n"
        "    https://arxiv.org/abs/1\n"
        " 7  量子の論文\n"
        "    `m` More · `s` Share\n"
    )


def test_a_form_says_how_to_say_it_in_words() -> None:
    form = Form(
        "schedule",
        "When",
        (FormField("hour", "At what hour", "09:00"), FormField("days", "On", "daily", ("daily", "mon"))),
    )
    assert plain(render.answer(Reply("", form=form))) == (
        "When\n"
        "    hour=09:00: At what hour\n"
        "    days=daily: On (daily, mon)\n"
        "    To change one, say it: `schedule hour=09:00`\n"
    )


def test_an_attachment_says_where_it_is_or_shows_itself() -> None:
    attachment = Attachment("../a\x1b.bib", "@article{a}\n\x1b[2Jend\n")
    assert plain(render.attached(attachment, "/tmp/a.bib")) == "📎 ../a.bib (2 lines) is in /tmp/a.bib\n"
    assert plain(render.attached(attachment, "")) == "📎 ../a.bib\n@article{a}\n[2Jend\n"


def test_actions_that_begin_alike_get_different_short_words() -> None:
    labels = ["Save", "Similar", "Share", "Save", "👍", ""]
    words = render.short_words([Action(label, "command") for label in labels])
    assert list(words) == ["s", "si", "sh", "sa", "c", "co"]
    assert [action.label for action in words.values()] == labels


def test_many_alike_actions_still_get_a_word_each() -> None:
    assert len(render.short_words([Action("A", "a", str(number)) for number in range(10)])) == 10


def test_on_a_terminal_the_title_is_a_link_and_the_address_can_be_read_once() -> None:
    shown = on_terminal(render.card(replace(CARD, title="Short"), 1))
    assert re.search(r"\x1b\]8;id=\d+;https://arxiv\.org/abs/2310\.01234\x1b\\\x1b\[1mShort", shown)
    words = re.sub(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;]*m", "", shown)
    assert words.count(CARD.url) == 1


def test_no_color_takes_colours_away_and_leaves_bold() -> None:
    codes = set(re.findall(r"\x1b\[([0-9;]+)m", on_terminal(render.card(CARD, 1), NO_COLOR="1")))
    assert "1" in codes
    assert not [code for code in codes if re.search(r"\b(3[0-7]|9[0-7])\b", code)]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_is_sent_no_escape(term: str) -> None:
    assert "\x1b" not in on_terminal(render.card(CARD, 1), TERM=term)


def test_backticks_become_bold_on_a_terminal_and_stay_in_a_pipe() -> None:
    words = render.Prose("Say `/papers help`.")
    assert plain(words) == "Say `/papers help`.\n"
    assert "\x1b[1;36m/papers help\x1b[0m" in on_terminal(words)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.org/\x1b]8;;", "https://x.org/a b", "https://x.org/\u202e", ""]
)
def test_a_link_that_is_none_is_not_shown(url: str) -> None:
    assert link(url) == ""
    assert "x.org" not in plain(render.card(replace(CARD, url=url), 1))


TEXT = st.text(st.characters() | st.sampled_from("\x1b\x9b\x00\r\u202e\u2066\u200f[]`\ud800👍量 "), max_size=80)


@given(TEXT, TEXT, st.integers(1, 120))
def test_whatever_a_paper_says_the_terminal_obeys_nothing_of_it(title: str, other: str, width: int) -> None:
    card = Card(other, title, other, other, other, summary=other, why=other, note=title)
    message = Message(other, card, (Line(other, title, other, other),))
    reply = Reply(
        title, message.lines, (card,), (Action(other, "share"),), form=Form("a", title, (FormField("b", other, title),))
    )
    for renderable in (render.posted(message), render.answer(reply), render.reacted(title, 1, [("ada", other)])):
        shown = plain(renderable, width)
        assert not [char for char in shown if char != "\n" and unicodedata.category(char) in ("Cc", "Cs")]
        assert not set("\u202e\u2066\u200f") & set(shown)
        shown.encode()


@given(st.text(st.characters(categories=["L", "N", "Zs", "So"]), max_size=300), st.integers(16, 100))
def test_no_line_is_wider_than_the_terminal(text: str, width: int) -> None:
    card = Card("1", text, "https://arxiv.org/abs/" + "1" * 200, authors=text, summary="x" * 300, why=text)
    assert max(map(cell_len, plain(render.card(card, 7), width).splitlines())) <= width


def test_rich_markup_and_emoji_codes_are_only_text() -> None:
    assert "[red]a[/red] :smile:" in plain(render.card(Card("1", "[red]a[/red] :smile:"), 1))


@given(st.text(max_size=200), st.integers(2, 100))
@example("\r00", 2)
def test_a_cut_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit


def test_a_text_is_cut_at_a_sentence_else_at_a_word() -> None:
    assert cut("One sentence. Another sentence. A third one.", 36) == "One sentence. Another sentence.…"
    assert cut("some words without any end at all", 20) == "some words without…"


def test_joined_emoji_and_scripts_stay_whole() -> None:
    assert strip_control("👩‍💻 می‌خواهم \x1b[1m") == "👩‍💻 می‌خواهم [1m"


def test_a_message_fits_after_being_fitted() -> None:
    fitted = fit(Message("word " * 5000, replace(CARD, summary="long. " * 1000)))
    assert len(fitted.text) <= MAX_TEXT
    assert fit(fitted) == fitted


def test_a_form_that_its_words_tell_already_is_not_shown_twice() -> None:
    form = Form("settings", "Settings of this channel", (FormField("bar", "how well a paper has to fit", "0.3"),))
    assert plain(render.answer(Reply("• bar 0.3: how well a paper has to fit", form=form)), 80).count("has to fit") == 1
    assert "bar=0.3" in plain(render.answer(Reply("At nine.", form=form)), 80)
