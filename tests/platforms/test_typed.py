"""What typed lines mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.platforms.terminal.typed import (
    ALL,
    DIRECT,
    Act,
    Ask,
    GoTo,
    Help,
    Next,
    Nothing,
    Quit,
    React,
    Several,
    SpeakAs,
    Typed,
    Unclear,
    parse,
)

COMMANDS_ON_PAPERS = [name for name, command in COMMANDS.items() if command.takes_paper]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("federated", Ask("federated")),
        ("/papers federated", Ask("federated")),
        ("/papers", Ask("")),
        ("/PAPERS  why 2310.01234", Ask("why 2310.01234")),
        ("", Nothing()),
        ("  \t ", Nothing()),
        ("2 👍", React((2,), (), ("👍",))),
        ("unsave 2", Act("unsave", (2,))),
        ("2👍", React((2,), (), ("👍",))),
        ("1 #3:fire: -2👀", Several((React((1, 3), (), ("🔥",)), React((), (2,), ("👀",))))),
        ("2 👍 3 👎", Several((React((2,), (), ("👍",)), React((3,), (), ("👎",))))),
        ("👍 2 👎 3", Several((React((2,), (), ("👍",)), React((3,), (), ("👎",))))),
        ("2 👍 3", React((2, 3), (), ("👍",))),
        ("2 👍 3 👍 why 2", Several((React((2,), (), ("👍",)), React((3,), (), ("👍",)), Act("why", (2,))))),
        ("save 1 3 why 2", Several((Act("save", (1, 3)), Act("why", (2,))))),
        ("2 save", Act("save", (2,))),
        ("2 heart", React((2,), (), ("❤",))),
        ("3 thumbsup", React((3,), (), ("👍",))),
        ("3 thumbs up!", React((3,), (), ("👍",))),
        ("4 like", React((4,), (), ("👍",))),
        ("like 4", React((4,), (), ("👍",))),
        ("4 Fire", React((4,), (), ("🔥",))),
        ("4 is great", React((4,), (), ("🚀",))),
        ("2 not for us", React((2,), (), ("💤",))),
        ("2 and 3 👍", React((2, 3), (), ("👍",))),
        ("2 llama", React((2,), (), ("🦙",))),
        ("-2 like", React((), (2,), ("👍",))),
        ("1-3 👍", React((1, 2, 3), (), ("👍",))),
        ("3-1 👍", React((1, 2, 3), (), ("👍",))),
        ("1–3👍", React((1, 2, 3), (), ("👍",))),
        ("1 to 3 👍", React((1, 2, 3), (), ("👍",))),
        ("1-2, 5 👍", React((1, 2, 5), (), ("👍",))),
        ("all 👍", React((ALL,), (), ("👍",))),
        ("all like", React((ALL,), (), ("👍",))),
        ("save 1-3", Act("save", (1, 2, 3))),
        ("save all", Act("save", (ALL,))),
        ("llama 2", Ask("llama 2")),
        ("hot 100", Ask("hot 100")),
        ("all papers on graphs", Ask("all papers on graphs")),
        ("like attention 2", Ask("like attention 2")),
        ("/react 2 👍 3 🔥", Several((React((2,), (), ("👍",)), React((3,), (), ("🔥",))))),
        ("👍 2", React((2,), (), ("👍",))),
        ("1 3 👍", React((1, 3), (), ("👍",))),
        ("1,3 👍", React((1, 3), (), ("👍",))),
        ("#2 🔥👀", React((2,), (), ("🔥", "👀"))),
        (":thumbsup: 2", React((2,), (), ("👍",))),
        ("2 :+1:", React((2,), (), ("👍",))),
        ("2 :Party_Parrot:", React((2,), (), (":party_parrot:",))),
        ("+1 2", React((2,), (), ("👍",))),
        ("-1 2 3", React((2, 3), (), ("👎",))),
        ("2 -1", React((2,), (), ("👎",))),
        ("-2 👍", React((), (2,), ("👍",))),
        ("-1 👍", React((), (1,), ("👍",))),
        ("1 -2 👍", React((1,), (2,), ("👍",))),
        ("2 ❤️", React((2,), (), ("❤",))),
        ("2 👍🏽", React((2,), (), ("👍🏽",))),
        ("2 👩‍💻", React((2,), (), ("👩‍💻",))),
        ("2 🇩🇪", React((2,), (), ("🇩🇪",))),
        ("/react 2 👍", React((2,), (), ("👍",))),
        ("/unreact 2 👍", React((), (2,), ("👍",))),
        ("/unreact -2 👍", React((), (2,), ("👍",))),
        ("more 2", Act("more", (2,))),
        ("less 2 4", Act("less", (2, 4))),
        ("/papers Similar #3", Act("similar", (3,))),
        ("why 2", Act("why", (2,))),
        ("more", Ask("more")),
        ("similar 2310.01234", Ask("similar 2310.01234")),
        ("why attention 2", Ask("why attention 2")),
        ("gpt 4", Ask("gpt 4")),
        ("👍 a paper on emoji", Ask("👍 a paper on emoji")),
        ("C++ 20 -survey", Ask("C++ 20 -survey")),
        ("/next", Next(1)),
        ("/next 3", Next(3)),
        ("/channel", GoTo("")),
        ("/channel #ML Theory!", GoTo("ml-theory")),
        ("/channel @bot", GoTo(DIRECT)),
        ("/me", SpeakAs("")),
        ("/me @Ada Lovelace", SpeakAs("Ada-Lovelace")),
        ("/help", Help()),
        ("/quit", Quit()),
        ("/exit", Quit()),
        ("fede\x1b[2Jrated\u202e", Ask("fede[2Jrated")),
    ],
)
def test_a_line_means(line: str, meaning: Typed) -> None:
    assert parse(line, COMMANDS_ON_PAPERS) == meaning


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("2", "`2 👍`"),
        ("1 3", "`abstract 1`"),
        ("👍", "`2 👍`"),
        ("2?", "`abstract 2`"),
        ("2 what is this", "`search 2 what is this`"),
        ("4 bit quantization", "`search 4 bit quantization`"),
        ("1-2 nonsense", "`1 👍`"),
        ("/react 2", "`/react 2 👍`"),
        ("/unreact", "`/unreact 2 👍`"),
        ("/next soon", "`/next 3`"),
        ("/next 0", "`/next 3`"),
        ("/next 9999", "`/next 60`"),
        ("/chanel ml", "`/channel`"),
        ("/x`y", "`/help`"),
    ],
)
def test_a_line_that_is_nearly_something_gets_a_hint(line: str, hint: str) -> None:
    meaning = parse(line, COMMANDS_ON_PAPERS)
    assert isinstance(meaning, Unclear)
    assert hint in meaning.hint


_PIECES = st.sampled_from(
    ["/", "react", "next", "papers ", "1", "-2", "+1", "👍", "\u20e3", ":+1:", "🏽", "\u200d", " ", "`"]
)


@given(st.text() | st.lists(_PIECES).map("".join) | st.lists(_PIECES).map(lambda pieces: "/" + " ".join(pieces)))
def test_no_line_is_too_odd_to_be_read(line: str) -> None:
    meaning = parse(line, COMMANDS_ON_PAPERS)
    if isinstance(meaning, React):
        assert meaning.emoji
        assert meaning.on or meaning.off
        assert not set(meaning.on) & set(meaning.off)
    if isinstance(meaning, Act):
        assert meaning.numbers


@given(st.integers(0, 999), st.sampled_from(["👍", "🔥", "💤", "1️⃣", "👩‍💻", "🇩🇪", ":parrot:"]))
def test_what_was_put_on_can_be_taken_back_by_a_minus(number: int, emoji: str) -> None:
    on, off = parse(f"{number} {emoji}"), parse(f"-{number} {emoji}")
    assert isinstance(on, React)
    assert isinstance(off, React)
    assert (on.on, on.off, off.on, off.off) == ((number,), (), (), (number,))
    assert on.emoji == off.emoji


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2 👍\n3 👎\n", Several((React((2,), (), ("👍",)), React((3,), (), ("👎",))))),
        ("subscribe graphs\n\nwhy 2\n/next", Several((Ask("subscribe graphs"), Act("why", (2,)), Next(1)))),
        ("teach\n@article{a,\n title={Today}}", Ask("teach @article{a, title={Today}}")),
        ("Federated learning\nwith similar clients", Ask("Federated learning with similar clients")),
        ("teach 1602.05629\n1912.04977", Ask("teach 1602.05629 1912.04977")),
    ],
)
def test_pasted_commands_are_read_one_by_one_and_other_texts_whole(text: str, meaning: Typed) -> None:
    assert parse(text, COMMANDS_ON_PAPERS, COMMANDS) == meaning


def test_ten_thousand_words_are_asked_whole() -> None:
    line = " ".join(["word"] * 10_000)
    assert parse(line, COMMANDS_ON_PAPERS) == Ask(line)
