"""The chat, as somebody at the terminal lives it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Attachment, Card, Line, Message, Place, PlaceKind, Reply
from bot.platforms.terminal import TerminalPlatform, render
from bot.platforms.terminal.completion import local
from bot.platforms.terminal.numbers import Numbers
from tests.fakes.clock import Clock
from tests.platforms.recording_service import RecordingService
from tests.platforms.terminal_guest import TerminalGuest, plain, sitting_at

HITS = Reply(
    "Two papers.",
    lines=(Line("h1", "Hit one"), Line("h2", "Hit two")),
    actions=(Action("More", "search", "x", 5), Action("Share", "share", "search x")),
)


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[TerminalGuest]:
    async with sitting_at(tmp_path) as guest:
        yield guest


async def post_digest(guest: TerminalGuest, day: int, cards: int, place: Place = TerminalGuest.place) -> None:
    """A digest, as the delivery worker sends it."""
    await guest.platform.send(place, Message(f"Day {day}"), f"{day}-header")
    for number in range(1, cards + 1):
        card = Card(f"{day}.{number}", f"Paper {number} of day {day}")
        await guest.platform.send(place, Message(card=card), f"{day}-{number}")


async def test_the_first_visit_invites_the_bot_and_the_second_does_not(guest: TerminalGuest) -> None:
    assert [by for _, by in guest.service.invitations] == ["ada"]
    assert "Hello, I bring papers." in guest.screen.getvalue()
    await guest.restart()
    assert len(guest.service.invitations) == 1


async def test_what_was_said_before_is_shown_and_numbered_after_a_restart(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 3)
    await post_digest(guest, 2, 2)
    guest.screen.truncate(0)
    await guest.restart()
    assert "Paper 2 of day 2" in guest.screen.getvalue()
    assert "day 1" not in guest.screen.getvalue()
    await guest.enter("2 👍")
    assert [each.message for each in guest.service.reactions] == ["2-2"]


async def test_who_leaves_is_told_what_is_kept(tmp_path: Path, clock: Clock) -> None:
    async def leaves() -> AsyncIterator[str]:
        yield "/quit"

    screen = io.StringIO()
    console = Console(file=screen, width=100)
    await TerminalPlatform(tmp_path, console, clock, COMMANDS, script=leaves()).run(RecordingService())
    assert screen.getvalue().rstrip().endswith("Bye; all is kept.")
    gone = TerminalPlatform(tmp_path, console, clock, COMMANDS, script=leaves(), farewell="Bye; nothing of this stays.")
    await gone.run(RecordingService())
    assert screen.getvalue().rstrip().endswith("Bye; nothing of this stays.")


async def test_a_quiet_day_leaves_yesterdays_numbers(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 2)
    await guest.platform.send(guest.place, Message("Nothing today: it is Sunday."), "2-quiet")
    await guest.enter("2 👍")
    assert [each.message for each in guest.service.reactions] == ["1-2"]


COMPACT = Message("2 papers", lines=(Line("a", "Paper A"), Line("b", "Paper B")), numbered=True)


async def test_thumb_for_a_listed_paper_becomes_its_number_emoji(guest: TerminalGuest) -> None:
    assert " 1  Paper A\n 2  Paper B\n" in plain(render.posted(COMPACT))
    await guest.platform.send(guest.place, COMPACT, "2-1")
    assert "👍 1  Paper B" in await guest.enter("2 👍")
    assert "no reactions  Paper A" in await guest.enter("-1 👍")
    assert "👍 1  Paper B" in await guest.enter("2️⃣")
    await guest.enter("1️⃣")
    await guest.enter("-2 👍")
    told = [(each.message, each.emoji, each.on) for each in guest.service.reactions]
    assert told == [("2-1", "2️⃣", True), ("2-1", "1️⃣", True), ("2-1", "2️⃣", False)]
    await guest.enter("1 👎")
    assert "🤔 is no vote. 2 takes `2 👍`, `2 👎` and `save 2`." in await guest.enter("2 🤔")
    await guest.enter("2 heart")
    assert [(action.command, action.argument) for _, _, action in guest.service.acted] == [("less", "a"), ("more", "b")]


async def test_a_compact_digest_is_numbered_anew_by_whoever_comes_later(guest: TerminalGuest) -> None:
    await guest.platform.send(guest.place, COMPACT, "1-1")
    await post_digest(guest, 2, 1)
    await guest.platform.send(guest.place, COMPACT, "3-1")
    await guest.restart()
    assert [(number, paper.paper_id) for number, paper in guest.platform.numbers] == [(1, "a"), (2, "b")]
    await guest.enter("2 👍")
    assert [(each.message, each.emoji) for each in guest.service.reactions] == [("3-1", "2️⃣")]


async def test_titles_below_the_cards_take_a_line_each_and_go_on_counting(guest: TerminalGuest) -> None:
    lines = tuple(replace(line, url=f"https://x.org/{line.paper_id}") for line in COMPACT.lines)
    below = replace(COMPACT, text="Also today.", lines=lines, further=True)
    await post_digest(guest, 1, 2)
    await guest.platform.send(guest.place, below, "1-3")
    assert guest.screen.getvalue().endswith("Also today.\n 3  Paper A\n 4  Paper B\n")
    await guest.restart()
    assert [paper.paper_id for _, paper in guest.platform.numbers][2:] == ["a", "b"]
    assert "👍 1  Paper B" in await guest.enter("4 👍")
    assert "no reactions  Paper B" in await guest.enter("-4 👍")
    told = [(each.message, each.emoji, each.on) for each in guest.service.reactions]
    assert told == [("1-3", "2️⃣", True), ("1-3", "2️⃣", False)]
    await guest.enter("abstract 3")
    assert [(action.command, action.argument) for _, _, action in guest.service.acted] == [("abstract", "a")]


async def test_a_list_in_a_digests_thread_goes_on_counting(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 2)
    await guest.platform.send(guest.place, replace(COMPACT, thread="1-header"), "1-3")
    await guest.enter("3 👍")
    assert [(each.message, each.emoji) for each in guest.service.reactions] == [("1-3", "1️⃣")]


async def test_several_cards_take_several_emoji_and_the_tally_is_shown(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 3)
    shown = await guest.enter("1 3 👍 🔥")
    assert [(each.message, each.emoji) for each in guest.service.reactions] == [
        ("1-1", "👍"),
        ("1-1", "🔥"),
        ("1-3", "👍"),
        ("1-3", "🔥"),
    ]
    assert "👍 1 🔥 1  Paper 3 of day 1" in shown
    await guest.enter("/me bo")
    assert "👍 2 🔥 1" in await guest.enter("+1 1")
    assert "👍 1 🔥 1" in await guest.enter("-1 👍")
    assert (guest.service.reactions[-1].member, guest.service.reactions[-1].on) == ("bo", False)


async def test_a_reaction_said_twice_is_told_once(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 1)
    await guest.enter("1 👍")
    await guest.enter("👍 1")
    assert len(guest.service.reactions) == 1


async def test_a_number_nobody_bears_is_said_kindly(guest: TerminalGuest) -> None:
    assert "No paper is numbered here yet." in await guest.enter("2 👍")
    await post_digest(guest, 1, 2)
    assert "There is no paper 3. The papers here go from 1 to 2." in await guest.enter("save 3")
    assert not guest.service.acted


async def test_hits_are_numbered_after_the_digest_and_can_be_acted_on(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 2)
    guest.service.answer = HITS
    assert " 3  Hit one\n 4  Hit two\n" in await guest.enter("x")
    guest.service.answer = Reply("Done.")
    await guest.enter("similar 4")
    await guest.enter("why 1")
    await guest.enter("3 👍")
    await guest.enter("4 👎🏽")
    assert [(action.command, action.argument) for _, _, action in guest.service.acted] == [
        ("similar", "h2"),
        ("why", "1.1"),
        ("more", "h1"),
        ("less", "h2"),
    ]
    assert "`3 👍` said again takes it back" in await guest.enter("-3 👍")
    assert "🤔 is no vote" in await guest.enter("3 🤔")
    await guest.enter("4 heart")
    assert (guest.service.acted[-1][2].command, guest.service.acted[-1][2].argument) == ("more", "h2")
    assert not guest.service.reactions


@pytest.mark.parametrize("typed", ["teach my.bib", "teach '{folder}/my papers.ris'", "teach {folder}/my\\ papers.ris"])
async def test_a_file_whose_path_is_typed_after_teach_is_read(
    guest: TerminalGuest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "@article{a,\n title={Über Größe}\n}\n"
    (tmp_path / "my.bib").write_bytes(text.encode("cp1252"))
    (tmp_path / "my papers.ris").write_bytes(text.encode("cp1252"))
    await guest.enter(typed.format(folder=tmp_path))
    assert [line for _, _, line in guest.service.asked] == [f"teach\n{text}"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("teach none.bib", "There is no file none.bib."),
        ("teach ./folder.bib", "There is no file folder.bib."),
        ("teach paper.pdf", "I read BibTeX, RIS and plain text only."),
    ],
)
async def test_a_file_that_cannot_be_read_is_told(
    guest: TerminalGuest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.bib").mkdir()
    (tmp_path / "paper.pdf").write_bytes(b"%PDF")
    assert told in await guest.enter(typed)
    assert not guest.service.asked


@pytest.mark.parametrize(
    "line",
    [
        "teach 1602.05629",
        "teach https://x.example/my.bib",
        "search my.bib",
        "teach @article{a, title={b}}",
        "teach",
        "my.bib",
    ],
)
async def test_a_line_that_names_no_file_goes_to_the_bot_as_it_is(
    guest: TerminalGuest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.bib").write_text("@article{a}")
    await guest.enter(line)
    assert [asked for _, _, asked in guest.service.asked] == [line]


async def test_of_a_very_large_file_the_beginning_is_read(guest: TerminalGuest, tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(b"x" * 3_000_000)
    await guest.enter(f"teach {tmp_path / 'large.txt'}")
    assert [len(line) for _, _, line in guest.service.asked] == [100_006]


async def test_all_commands_are_suggested_after_the_slash_command(guest: TerminalGuest) -> None:
    guest.service.suggestions = ["similar", "save"]
    chat = guest.platform._chat
    assert chat is not None
    suggested = await chat.suggest("/papers ")
    assert [(each.text, each.replaces) for each in suggested] == [("similar", 0), ("save", 0)]


async def test_a_new_list_goes_on_counting_and_the_one_before_can_still_be_named(guest: TerminalGuest) -> None:
    guest.service.answer = HITS
    assert " 1  Hit one" in await guest.enter("x")
    guest.service.answer = Reply("More.", lines=(Line("h3", "Hit three"), Line("h4", "Hit four")))
    assert " 3  Hit three\n 4  Hit four\n" in await guest.enter("y")
    guest.service.answer = Reply("Done.")
    await guest.enter("similar 2")
    await guest.enter("similar 3")
    assert [action.argument for _, _, action in guest.service.acted] == ["h2", "h3"]


async def test_a_digest_takes_no_number_of_a_paper_that_is_still_on_the_screen(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 3)
    await post_digest(guest, 2, 2)
    assert " 4  Paper 1 of day 2" in guest.screen.getvalue()
    await guest.enter("1-4 👍")
    assert [each.message for each in guest.service.reactions] == ["1-1", "1-2", "1-3", "2-1"]
    await guest.enter("all 🔥")
    assert [each.message for each in guest.service.reactions[4:]] == ["2-1", "2-2"]
    guest.service.answer = Reply("\n".join(["A long answer."] * 40))
    await guest.enter("x")
    await post_digest(guest, 3, 2)
    assert " 1  Paper 1 of day 3" in guest.screen.getvalue(), "those before have scrolled away"
    assert "There is no paper 5. The papers here go from 1 to 2." in await guest.enter("5 👍")


async def test_another_channel_takes_no_number_that_is_on_the_screen(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 2)
    await post_digest(guest, 1, 2, guest.elsewhere)
    assert " 3  Paper 1 of day 1" in await guest.enter("/channel ml-theory")
    assert "There is no paper 1. The papers here go from 3 to 4." in await guest.enter("1 👍")
    await guest.enter("3 👍")
    assert [each.place.address for each in guest.service.reactions] == ["ml-theory"]


async def test_lists_begin_at_one_again_after_a_hundred_papers(guest: TerminalGuest) -> None:
    guest.service.answer = Reply(
        "Ten.", lines=tuple(Line(f"h{n}", f"Hit {n}\n" * 3, note="so " * 60) for n in range(10))
    )
    for _ in range(9):
        await guest.enter("x")
    assert " 91  Hit 0" not in await guest.enter("x")
    assert guest.platform.numbers.get(10)


@pytest.mark.parametrize("line", ["2 heart", "2 ❤️", "heart 2"])
async def test_words_are_reactions(guest: TerminalGuest, line: str) -> None:
    await post_digest(guest, 1, 2)
    await guest.enter(line)
    assert [(each.message, each.emoji) for each in guest.service.reactions] == [("1-2", "❤")]


async def test_a_line_with_the_number_of_a_card_is_never_a_search(guest: TerminalGuest) -> None:
    await guest.enter("4 bit quantization")
    assert guest.service.asked[-1][2] == "4 bit quantization", "no card has the number"
    await post_digest(guest, 1, 4)
    assert "`search 4 bit quantization`" in " ".join((await guest.enter("4 bit quantization")).split())
    assert len(guest.service.asked) == 1


async def test_several_commands_in_one_paste_are_each_answered(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 3)
    guest.service.answer = Reply("Done.")
    shown = await guest.enter("2 👍 3 👎 why 2")
    assert "👍 1" in shown
    assert "👎 1" in shown
    await guest.enter("today\n1 🔥\nsubscribe graphs")
    assert [(each.message, each.emoji) for each in guest.service.reactions] == [
        ("1-2", "👍"),
        ("1-3", "👎"),
        ("1-1", "🔥"),
    ]
    assert [line for _, _, line in guest.service.asked] == ["today", "subscribe graphs"]
    assert [action.command for _, _, action in guest.service.acted] == ["why"]


async def test_a_range_beyond_the_cards_is_told_once(guest: TerminalGuest) -> None:
    assert "No paper is numbered here yet." in await guest.enter("all 👍")
    await post_digest(guest, 1, 2)
    shown = await guest.enter("1-200 👍")
    assert shown.count("There are no papers 3 to 200. The papers here go from 1 to 2.") == 1
    assert len(guest.service.reactions) == 2


async def test_more_goes_on_counting_and_share_is_for_all(guest: TerminalGuest) -> None:
    guest.service.answer = HITS
    await guest.enter("x")
    assert " 3  Hit one" in await guest.enter("m")
    guest.service.answer = Reply("Done.")
    await guest.enter("save 1")
    guest.service.answer = Reply("Two papers.", HITS.lines, public=True)
    assert "For everybody in the channel:" in await guest.enter("share")
    assert [action.label for _, _, action in guest.service.acted] == ["More", "Save", "Share"]
    await guest.enter("m")
    assert guest.service.asked[-1][2] == "m"


async def test_listed_papers_of_a_post_are_numbered_with_its_cards(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 2)
    await guest.platform.send(guest.place, Message("Also today", lines=(Line("a1", "Also"),)), "1-also")
    assert " 3  Also" in guest.screen.getvalue()
    await guest.enter("3 👍")
    assert guest.service.acted[0][2] == Action("More", "more", "a1")


async def test_channels_are_made_switched_to_and_listed(guest: TerminalGuest) -> None:
    assert "You are in #ml-theory" in await guest.enter("/channel #ML Theory")
    assert guest.service.invitations[-1][0] == Place("terminal", "ml-theory", name="ml-theory")
    await guest.enter("kernels")
    assert guest.service.asked[-1][0].address == "ml-theory"
    assert "#papers, #ml-theory, @bot" in await guest.enter("/channel")
    await guest.enter("/channel papers")
    assert len(guest.service.invitations) == 2


async def test_another_channels_digest_waits_there_and_is_told_of_once(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 3, guest.elsewhere)
    assert guest.screen.getvalue().count("Something new in #ml-theory") == 1
    assert "Paper 1" not in guest.screen.getvalue()
    assert " 3  Paper 3 of day 1" in await guest.enter("/channel ml-theory")


async def test_a_direct_talk_is_each_members_own(guest: TerminalGuest) -> None:
    await guest.enter("/channel @bot")
    await guest.enter("federated")
    await guest.enter("/me bo")
    await guest.enter("federated")
    (first, _, _), (second, asker, _) = guest.service.asked
    assert (first.kind, first.address) == (PlaceKind.DIRECT, "@ada")
    assert (second.kind, second.address, asker.member) == (PlaceKind.DIRECT, "@bo", "bo")
    assert len(guest.service.invitations) == 1


async def test_who_asks_is_a_manager(guest: TerminalGuest) -> None:
    await guest.enter("pause")
    assert guest.service.asked[0][1].manager


async def test_next_lets_days_pass_and_shows_what_they_bring(tmp_path: Path) -> None:
    days = 0

    async def next_day() -> bool:
        nonlocal days
        days += 1
        await post_digest(visitor, days, 2)
        return days < 5

    async with sitting_at(tmp_path, next_day=next_day) as visitor:
        assert " 2  Paper 2 of day 1" in await visitor.enter("/next")
        assert " 6  Paper 2 of day 3" in await visitor.enter("/next 2")
        await visitor.enter("5 👍")
        assert visitor.service.reactions[0].message == "3-1"
        await visitor.enter("/next 9")
        assert days == 5, "where no more days pass, none is asked for"


async def test_without_a_callback_next_says_that_days_pass_by_themselves(guest: TerminalGuest) -> None:
    assert "days pass by themselves" in await guest.enter("/next")
    assert "/next" not in await guest.enter("/help")


async def test_attachments_are_kept_under_harmless_names_and_none_is_lost(guest: TerminalGuest) -> None:
    for content in ("one", "two"):
        guest.service.answer = Reply("Yours.", attachment=Attachment("../../saved\x1b.bib", content))
        assert "saved" in await guest.enter("saved bib")
    kept = sorted((guest.folder / "files").iterdir())
    assert [file.name for file in kept] == ["saved-2.bib", "saved.bib"]
    assert [file.read_text() for file in kept] == ["two", "one"]


async def test_an_attachment_that_cannot_be_kept_is_shown(guest: TerminalGuest) -> None:
    (guest.folder / "files").write_text("in the way")
    guest.service.answer = Reply("Yours.", attachment=Attachment("saved.bib", "@article{a}"))
    assert "@article{a}" in await guest.enter("saved bib")


async def test_an_unforeseen_error_is_one_line_and_the_chat_goes_on(guest: TerminalGuest) -> None:
    guest.service.breaks = ValueError("something nobody foresaw")
    shown = await guest.enter("federated")
    assert "That went wrong, and the log says how under " in shown
    assert "Traceback" not in shown
    assert "You speak as bo now." in await guest.enter("/me bo")


async def test_a_room_that_is_gone_is_said_and_the_chat_goes_on(guest: TerminalGuest) -> None:
    await post_digest(guest, 1, 1)
    away = guest.folder.rename(guest.folder.with_name("away"))
    assert "can't be reached" in await guest.enter("1 👍")
    away.rename(guest.folder)
    assert "👍 1" in await guest.enter("1 👍")


async def test_damaged_lines_are_told_of_on_coming_in(guest: TerminalGuest) -> None:
    await guest.stop()
    with guest.platform.log.path.open("ab") as file:
        file.write(b"\x00\x00\n")
    await guest.restart()
    assert "Damaged lines in" in guest.screen.getvalue()


async def test_quit_leaves(guest: TerminalGuest) -> None:
    guest.typist.put("/quit")
    await asyncio.wait_for(guest.ended(), 10)
    assert "Bye" in guest.screen.getvalue()


async def visit(folder: Path, lines: str, service: RecordingService, encoding: str = "utf-8") -> str:
    """A visit through a pipe; what comes out."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    platform = TerminalPlatform(folder, Console(file=out, width=80), Clock(), COMMANDS, stdin=io.StringIO(lines))
    await asyncio.wait_for(platform.run(service), 10)
    out.flush()
    shown = out.buffer
    assert isinstance(shown, io.BytesIO)
    return shown.getvalue().decode(encoding)


async def test_lines_from_a_pipe_are_answered_in_order_and_plainly(tmp_path: Path) -> None:
    service = RecordingService(HITS)
    assert await visit(tmp_path, "", RecordingService()) == "Hello, I bring papers.\n"
    shown = await visit(tmp_path, "federated\n\n/papers privacy", service)
    assert [line for _, _, line in service.asked] == ["federated", "privacy"]
    assert "Two papers.\n 1  Hit one\n 2  Hit two\n    `m` More · `s` Share\n" in shown
    assert "Two papers.\n 3  Hit one\n 4  Hit two\n    `m` More · `s` Share\n" in shown
    assert "›" not in shown
    assert "\x1b" not in shown


async def test_an_output_without_our_characters_shows_others_instead(tmp_path: Path) -> None:
    assert "1  Hit one" in await visit(tmp_path, "federated\n", RecordingService(HITS), encoding="ascii")


def test_numbers_begin_anew_only_when_papers_follow_a_header() -> None:
    numbers = Numbers()
    assert numbers.post("a", Message("Day 1")) == 1
    assert numbers.post("b", Message(card=Card("1", "One"))) == 1
    assert numbers.post("c", Message("New: a match", Card("2", "Two"))) == 2
    numbers.post("d", Message("Quiet"))
    assert [paper.paper_id for _, paper in numbers] == ["1", "2"]
    numbers.post("e", Message(card=Card("3", "Three")))
    numbers.post("f", Message("Also", lines=(Line("4", "Four"),)))
    assert [paper.paper_id for _, paper in numbers] == ["3", "4"]
    assert numbers.get(0) is numbers.get(3) is None


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("/he", ["/help"]),
        ("/channel m", ["ml-theory"]),
        ("/channel @", ["@bot"]),
        ("/me ", ["ada", "bo"]),
        ("/next 3", []),
        ("fed", None),
        ("/papers fed", None),
        ("more", None),
        ("2", None),
    ],
)
def test_the_terminal_suggests_its_own_words(typed: str, suggested: list[str] | None) -> None:
    found = local(typed, ["papers", "ml-theory"], ["ada", "bo"])
    assert (None if found is None else [each.text for each in found]) == suggested


@pytest.mark.parametrize("typed", ["2 ", "1 3 ", "-2 ", "2 :"])
def test_after_a_number_emoji_are_suggested(typed: str) -> None:
    found = local(typed, [], [])
    assert found
    assert found[0].text == "👍"
    assert typed[: len(typed) - found[0].replaces].endswith(" ")


async def test_undo_takes_an_emoji_off_in_the_terminal(tmp_path: Path, clock: Clock) -> None:
    platform = TerminalPlatform(tmp_path, Console(file=io.StringIO()), clock, COMMANDS, stdin=io.StringIO())
    message = await platform.send(TerminalGuest.place, Message(card=Card("1", "One")), "k")
    platform.log.react(TerminalGuest.place, message, "ada", "👍", on=True, at=clock())
    await platform.unreact(TerminalGuest.place, message, "ada", "👍")
    await platform.unreact(TerminalGuest.place, message, "ada", "👍")
    assert await platform.reactions(TerminalGuest.place, message) == []
