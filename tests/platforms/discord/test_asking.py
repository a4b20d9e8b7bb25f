"""What people say to the bot in Discord, and what they get back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.messages import Action, Attachment, Card, Form, FormField, Line, Message, PlaceKind, Reply
from bot.platforms.discord.rest import _ANSWER_WAITS_SECONDS
from tests.fakes.discord import Right
from tests.fakes.discord.values import Upload
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer, readable, server_at_work


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        yield server


FORM = Form(
    "settings",
    "Settings here",
    (FormField("hour", "when the digest is posted", "09:00"), FormField("guess", "a guess a day", "on", ("on", "off"))),
)


async def test_an_answer_is_promised_at_once_and_for_the_asker_alone(server: DiscordServer) -> None:
    asked = await server.bo.says(server.ml, "papers", query="federated")
    answer = await server.answered(asked)
    assert asked.deferred
    assert answer.ephemeral
    assert server.ml.visible == []
    assert answer.posted["allowed_mentions"] == {"parse": []}


async def test_whoever_has_manage_channels_there_is_a_manager(server: DiscordServer) -> None:
    for who in (server.ada, server.bo):
        await server.answered(await who.says(server.ml, "papers", query="pause"))
    server.ml.overwrite(server.ada.roles[0]).deny |= Right.MANAGE_CHANNELS
    await server.answered(await server.ada.says(server.ml, "papers", query="pause"))
    assert [asker.manager for _, asker, _ in server.service.asked] == [True, False, False]


async def test_what_is_typed_is_completed_with_what_a_choice_can_hold(server: DiscordServer) -> None:
    server.service.suggestions = [
        "federated learning",
        "federated " + "x" * 200,
        *(f"federated {n}" for n in range(40)),
    ]
    choices = await server.ada.types(server.ml, "papers", "fed")
    assert len(choices) == 25
    assert choices[0] == {"name": "federated learning", "value": "federated learning"}
    assert max(len(choice["value"]) for choice in choices) == 100


async def test_a_choice_that_comes_to_nothing_is_no_error(server: DiscordServer) -> None:
    assert await server.ada.types(server.ml, "papers", "zzz") == []


async def test_everything_that_is_said_here_is_about_the_place_where_it_is_said(server: DiscordServer) -> None:
    thread, theirs = server.ml.thread("5 papers"), server.ml.thread("reading group")
    theirs.owner = server.ada.user
    await server.restart()
    for where in (thread, theirs, server.ada.dm):
        await server.answered(await server.ada.says(where, "papers", query="today"))
    assert [(place.address, place.kind) for place, _, _ in server.service.asked] == [
        (server.ml.id, PlaceKind.CHANNEL),
        (theirs.id, PlaceKind.CHANNEL),
        (server.ada.dm.id, PlaceKind.DIRECT),
    ]


async def test_user_installed_command_answers_privately_in_servers_without_the_bot(
    server: DiscordServer,
) -> None:
    elsewhere = server.fake.guild("elsewhere", bot=False)
    lounge, guest = elsewhere.text("lounge"), elsewhere.member("guest", manager=True)
    guest.installed = True
    await server.answered(await guest.says(lounge, "papers", query="federated"))
    [(place, asker, _)] = server.service.asked
    assert (place.address, place.kind, place.workspace) == (guest.dm.id, PlaceKind.DIRECT, "")
    assert (asker.member, asker.manager) == (guest.id, False)


async def test_member_with_closed_direct_messages_is_told_to_try_again(server: DiscordServer) -> None:
    elsewhere = server.fake.guild("elsewhere", bot=False)
    lounge, guest = elsewhere.text("lounge"), elsewhere.member("guest")
    guest.installed = True
    server.fake.faults.error("create_dm", 50013)
    answer = await server.answered(await guest.says(lounge, "papers", query="federated"))
    assert "Please try again in a moment." in answer.words
    assert server.service.asked == []


async def test_member_is_answered_while_their_server_is_not_available_yet(server: DiscordServer) -> None:
    await server.stop()
    server.lab.unavailable = True
    server._task = asyncio.create_task(server.platform.run(server.service))
    await server.fake.until(lambda: server.fake.gateway.ready)
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="federated"))
    assert answer.words == "It is so."
    [(place, asker, _)] = server.service.asked
    assert (place.address, place.workspace, place.private, asker.manager) == (server.ml.id, server.lab.id, True, True)


async def test_a_bib_file_teaches(server: DiscordServer) -> None:
    for content in (b"@article{a, title={Secure sums}}", b"%" * 1_000_001):
        file = Upload("refs.bib", content)
        answer = await server.answered(await server.ada.says(server.ml, "papers", query="teach", file=file))
    [(_, _, line)] = server.service.asked
    assert line == "teach @article{a, title={Secure sums}}"
    assert "larger than a megabyte" in answer.words
    picture = Upload("refs.png", b"\x89PNG")
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="teach", file=picture))
    assert "BibTeX, RIS and plain text only" in answer.words


@pytest.mark.parametrize("said", ["", "teach", "Teach:"])
async def test_a_bib_file_teaches_that_comes_with_a_message(server: DiscordServer, said: str) -> None:
    file = Upload("refs.bib", b"@article{a, title={Secure sums}}")
    await server.ada.sends_dm(said, file)
    await server.ada.mentions(server.ml, said, file)
    await server.fake.until(lambda: len(server.service.asked) == 2)
    await server.ada.mentions(server.ml, "similar 1602.05629", file)  # which asks for no papers to be taught
    await server.fake.until(lambda: len(server.service.asked) == 3)
    lines = {place.address: line for place, _, line in server.service.asked[:-1]}
    assert set(lines) == {server.ada.dm.id, server.ml.id}
    assert all(line.casefold().startswith("teach") and "Secure sums" in line for line in lines.values())
    assert [action.argument for _, _, action in server.service.acted] == ["similar 1602.05629"]
    assert server.service.asked[-1][2] == "similar 1602.05629"


async def test_a_form_opens_is_filled_in_and_says_what_it_stands_for(server: DiscordServer) -> None:
    server.service.answer = Reply("Settings here:", form=FORM)
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="settings"))
    await server.ada.presses(answer, "change:settings")
    [modal] = server.ada.modals
    assert modal.title == "Settings here"
    server.service.answer = Reply("Done.")
    done = await server.answered(await server.ada.submits(modal, {"hour": "17:30"}))
    assert "Done." in done.words
    assert server.service.asked[-1][2] == "settings hour=17:30 guess=on"


async def test_a_form_with_a_mistake_is_one_press_away(server: DiscordServer) -> None:
    server.service.answer = Reply("Settings here:", form=FORM)
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="settings"))
    await server.ada.presses(answer, "change:settings")
    server.service.answer = Reply("“25:99” is no time of day.", ok=False, field="hour")
    told = await server.answered(await server.ada.submits(server.ada.modals[-1], {"hour": "25:99"}))
    assert "is no time of day" in told.words
    server.service.answer = Reply("Settings here:", form=FORM)
    await server.ada.presses(told, "change:settings")
    assert len(server.ada.modals) == 1


async def test_a_form_that_may_not_be_filled_in_any_more_says_why(server: DiscordServer) -> None:
    server.service.answer = Reply("Settings here:", form=FORM)
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="settings"))
    server.service.answer = Reply("That is for whoever invited me.", ok=False)
    told = await server.answered(await server.ada.presses(answer, "change:settings"))
    assert "for whoever invited me" in told.words


async def test_a_shared_answer_is_seen_by_everybody(server: DiscordServer) -> None:
    server.service.answer = Reply("Found.", actions=(Action("Share", "share", "federated"),))
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="federated"))
    server.service.answer = Reply("Found: one paper.", public=True)
    told = await server.answered(await server.ada.presses(answer, answer.custom_ids[0]))
    await server.fake.until(lambda: server.ml.visible)
    assert [message.words for message in server.ml.visible] == ["Found: one paper."]
    assert told.ephemeral


async def test_a_long_question_can_be_gone_on_with_also_after_a_restart(server: DiscordServer) -> None:
    offered = Action("More", "search", "federated \ud800 " * 50, 5)
    server.service.answer = Reply("Found.", actions=(offered,))
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="x"))
    await server.answered(await server.ada.presses(answer, answer.custom_ids[0]))
    await server.restart()
    await server.answered(await server.ada.presses(answer, answer.custom_ids[0]))
    assert [action for _, _, action in server.service.acted] == [offered] * 2
    (server.folder / "buttons").unlink()
    await server.restart()
    told = await server.answered(await server.ada.presses(answer, answer.custom_ids[0]))
    assert "no longer know what that button is for" in told.words
    assert len(server.service.acted) == 2


async def test_button_of_a_paper_with_a_long_id_takes_the_paper_from_its_card(server: DiscordServer) -> None:
    card = replace(CARD, paper_id="https://example.org/feeds/" + "a" * 100)
    message = await server.platform.send(server.place, Message(card=card), "key-1")
    header = await server.platform.send(server.place, Message("One paper."), "key-2")
    threaded = await server.platform.send(server.place, Message(card=card, thread=header), "key-3")
    await server.restart()
    for one in (message, threaded):
        said = server.message(one)
        assert len(said.custom_ids) == 5
        await server.answered(await server.bo.presses(said, "card:save"))
    assert [(command, about) for _, _, command, about, _ in server.service.abouts] == [
        ("save", message),
        ("save", threaded),
    ]
    assert len(set(server.service.presses)) == 2


async def test_card_buttons_work_after_a_restart_and_each_press_has_its_own_id(server: DiscordServer) -> None:
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    await server.restart()
    for _ in range(2):
        await server.press("bo", message, "more")
    assert [(action.command, action.argument) for _, _, action in server.service.acted] == [("more", CARD.paper_id)] * 2
    assert len(set(server.service.presses)) == 2


async def test_a_button_of_another_version_says_that_it_is_none_of_todays(server: DiscordServer) -> None:
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    card = server.message(message)
    card.component(card.custom_ids[0])["custom_id"] = "vote:up:7"
    told = await server.answered(await server.bo.presses(card, "vote:up:7"))
    assert "Ask again, and you get a fresh one." in told.words
    assert server.service.acted == []


async def test_a_paper_is_picked_from_an_answers_list_to_be_read(server: DiscordServer) -> None:
    server.service.answer = Reply("Found.", (Line("2310.01234", "One"), Line("2310.05678", "Two")))
    answer = await server.answered(await server.bo.says(server.ml, "papers", query="x"))
    await server.answered(await server.bo.picks(answer, "papers", "2310.05678"))
    [(_, _, action)] = server.service.acted
    assert (action.command, action.argument) == ("abstract", "2310.05678")


@pytest.mark.parametrize(("menu", "command"), [("More like this", "more"), ("Why this paper", "why")])
async def test_a_message_is_asked_about_by_its_menu(server: DiscordServer, menu: str, command: str) -> None:
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    chatter = await server.bo.writes(server.ml, "look at https://arxiv.org/abs/2310.01234")
    for said in (server.message(message), chatter):
        await server.answered(await server.bo.chooses(menu, said))
    (_, _, first, card, _), (_, _, _, other, text) = server.service.abouts
    assert (first, card, other) == (command, message, chatter.id)
    assert "https://arxiv.org/abs/2310.01234" in text


async def test_a_direct_message_needs_no_command(server: DiscordServer) -> None:
    await server.ada.sends_dm("federated")
    await server.fake.until(lambda: len(server.ada.dm.visible) == 2)
    assert server.ada.dm.visible[-1].words == "It is so."
    [(place, asker, line)] = server.service.asked
    assert (place.address, place.kind, asker.member, line) == (
        server.ada.dm.id,
        PlaceKind.DIRECT,
        server.ada.id,
        "federated",
    )


async def test_a_mention_is_answered_where_it_stands_if_all_may_see_that(server: DiscordServer) -> None:
    server.service.answer = Reply("Nearest: one paper.", public=True)
    said = await server.bo.mentions(server.ml, "similar 1602.05629")
    await server.fake.until(lambda: len(server.ml.visible) == 2)
    answer = server.ml.visible[-1]
    assert (answer.words, answer.pings) == ("Nearest: one paper.", [])
    assert answer.reference
    assert answer.reference["message_id"] == said.id
    [(_, _, action)] = server.service.acted
    assert (action.command, action.argument) == ("share", "similar 1602.05629")


async def test_mention_is_answered_without_permission_to_read_the_history(server: DiscordServer) -> None:
    await server.ada.denies(server.ml, Right.READ_MESSAGE_HISTORY)
    server.service.answer = Reply("Nearest: one paper.", public=True)
    await server.bo.mentions(server.ml, "similar 1602.05629")
    await server.fake.until(lambda: len(server.ml.visible) == 2)
    assert (server.ml.visible[-1].words, server.ml.visible[-1].reference) == ("Nearest: one paper.", None)


@pytest.mark.parametrize("times", [1, 3])
async def test_an_answer_whose_line_broke_is_shown_again_until_it_is_there(server: DiscordServer, times: int) -> None:
    for fault in (server.fake.faults.lose_request, server.fake.faults.lose_reply):
        fault("edit_response_message", times)
        asked = await server.ada.says(server.ml, "papers", query="federated")
        assert (await server.answered(asked)).words == "It is so."
        assert len(asked.answers) == 1
    await server.fake.until(lambda: len(server.fake.calls_to("edit_response_message")) == 2 * times + 2)


async def test_an_answer_is_not_tried_for_ever(server: DiscordServer, caplog: pytest.LogCaptureFixture) -> None:
    server.fake.faults.lose_request("edit_response_message", times=100)
    await server.ada.says(server.ml, "papers", query="federated")
    await server.fake.until(lambda: "An answer could not be shown" in caplog.text)
    assert len(server.fake.calls_to("edit_response_message")) == 6
    assert sum(_ANSWER_WAITS_SECONDS) < timedelta(minutes=15).total_seconds()


async def test_what_is_not_for_all_is_answered_in_a_direct_message(server: DiscordServer) -> None:
    server.service.answer = Reply("Your saved papers.")
    await server.bo.mentions(server.ml, "saved")
    await server.fake.until(lambda: server.bo.dm.visible)
    assert [message.words for message in server.bo.dm.visible] == ["Your saved papers."]
    assert len(server.ml.visible) == 1


async def test_talk_that_only_answers_the_bot_is_left_alone(server: DiscordServer) -> None:
    await server.platform.send(server.place, Message(card=CARD), "key-1")
    await server.bo.writes(server.ml, "nice one", answering=server.ml.visible[0])
    await server.answered(await server.bo.says(server.ml, "papers", query="x"))
    assert server.service.acted == []
    assert [line for _, _, line in server.service.asked] == ["x"]


async def test_a_file_is_handed_to_the_asker_alone(server: DiscordServer) -> None:
    server.service.answer = Reply("All of it.", attachment=Attachment("chan nel.jsonl", "{}\n" * 5_000))
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="export"))
    [file] = answer.files
    assert (file.filename, len(file.content), answer.ephemeral) == ("chan_nel.jsonl", 15_000, True)


async def test_a_long_answer_comes_in_as_few_messages_as_hold_it(server: DiscordServer) -> None:
    long = "A sentence that is repeated. " * 30
    cards = tuple(Card(str(n), f"Title {n}", summary=long, why=long) for n in range(10))
    server.service.answer = Reply("Ten papers.", cards=cards, actions=(Action("Share", "share", "today"),))
    asked = await server.ada.says(server.ml, "papers", query="today")
    await server.answered(asked)
    await server.fake.until(lambda: asked.answers[-1].custom_ids[-1:] == ["do:share:0:today"])
    assert len(asked.answers) == 4
    words = "\n".join(readable(each) for each in asked.answers)
    assert all(f"Title {n}" in words for n in range(10))
    assert all(each.ephemeral for each in asked.answers)


async def test_one_button_stands_in_a_message_once(server: DiscordServer) -> None:
    twice = (Action("Similar", "similar", CARD.paper_id), Action("Why", "why", CARD.paper_id))
    server.service.answer = Reply("The abstract.", cards=(CARD,), actions=twice)
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="abstract"))
    assert len(answer.custom_ids) == len(set(answer.custom_ids)) == 6


async def test_a_service_that_breaks_still_leaves_an_answer(server: DiscordServer) -> None:
    server.service.breaks = RuntimeError("broken")
    answer = await server.answered(await server.ada.says(server.ml, "papers", query="x"))
    assert "That went wrong" in answer.words


async def test_who_wants_posts_where_the_bot_may_not_post_is_told(server: DiscordServer) -> None:
    await server.ada.denies(server.ml, Right.SEND_MESSAGES)
    for line, told in (("resume", True), ("federated", False)):
        answer = await server.answered(await server.ada.says(server.ml, "papers", query=line))
        assert ("I can't post here yet. Allow me: Send Messages." in readable(answer)) == told


async def test_commands_are_registered_only_if_they_changed(server: DiscordServer) -> None:
    assert server.fake.commands.syncs.total() == 1
    await server.restart()
    assert server.fake.commands.syncs.total() == 1
    assert sorted(server.fake.commands.names) == ["More like this", "Why this paper", "papers"]
    server.fake.commands.registered[""][0]["description"] = "Of another version"
    await server.restart()
    assert server.fake.commands.syncs.total() == 2
    server.fake.commands.registered[""].clear()
    await server.restart()
    assert server.fake.commands.syncs.total() == 3


@pytest.mark.parametrize(
    ("installs", "kinds", "contexts"),
    [({0, 1}, [0, 1], [0, 1, 2]), ({0}, [0], [0, 1]), (None, [0], [0, 1]), ({1}, [1], [0, 1, 2])],
)
async def test_commands_are_registered_for_the_ways_in_which_the_app_can_be_installed(
    server: DiscordServer, installs: set[int] | None, kinds: list[int], contexts: list[int]
) -> None:
    server.fake.installs = installs
    assert await server.platform._registration.register(server.platform.rest, server.fake.application)
    for command in server.fake.commands.registered[""]:
        assert (command["integration_types"], command["contexts"]) == (kinds, contexts)


async def test_commands_are_registered_for_servers_if_discord_refuses_user_installs(
    server: DiscordServer,
) -> None:
    server.fake.commands.registered[""].clear()
    server.fake.faults.error("bulk_overwrite_global_commands", 50035)
    await server.restart()
    assert [each["integration_types"] for each in server.fake.commands.registered[""]] == [[0]] * 3


async def test_commands_are_registered_for_servers_if_the_application_cannot_be_read(server: DiscordServer) -> None:
    server.fake.commands.registered[""].clear()
    server.fake.faults.status("get_current_application", 403, times=20)
    registration = server.platform._registration
    assert await registration.register(server.platform.rest, server.fake.application)
    assert [each["integration_types"] for each in server.fake.commands.registered[""]] == [[0]] * 3


async def test_failed_command_registration_is_retried_while_the_bot_runs(server: DiscordServer) -> None:
    await server.stop()
    server.fake.commands.registered[""].clear()
    server.fake.faults.status("bulk_overwrite_global_commands", 403, times=3)
    server._task = asyncio.create_task(server.platform.run(server.service))
    await server.fake.until(lambda: server.fake.commands.names)
    assert "It is so." in await server.ask("ada", "federated")


async def test_an_answer_that_comes_when_discord_takes_it_no_more_is_let_go(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = server.fake.faults.hang("edit_response_message")
    await server.ada.says(server.ml, "papers", query="federated")
    await server.fake.until(lambda: server.fake.calls_to("edit_response_message"))
    server.clock.advance(timedelta(minutes=15))
    gate.set()
    await server.fake.until(lambda: "50027" in caplog.text)
    assert "It is so." in await server.ask("ada", "federated")


async def test_late_deferral_asks_nobody_and_costs_nothing_else(
    server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = server.fake.faults.hang("create_interaction_response")
    server.fake.answer_within = 0.05
    assert (await server.ada.says(server.ml, "papers", query="pause")).failed
    gate.set()
    await server.fake.until(lambda: "10062" in caplog.text)
    assert server.service.asked == []
    server.fake.answer_within = 30.0
    assert "It is so." in await server.ask("ada", "federated")
