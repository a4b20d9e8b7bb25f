"""Modals, message shortcuts and the home tab, as a member uses them: real Bolt over the fake Slack, a desk that
writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.values import Action, Asker, Form, Kind, Message, Place, Reply
from bot.platforms.slack.manifest import manifest
from bot.platforms.slack.presses import SHORTCUTS
from bot.store.database import Store
from tests.fakes.slack.people import Member
from tests.fakes.slack.values import View
from tests.platforms.conformance import CARD
from tests.platforms.recording_desk import RecordingDesk
from tests.platforms.slack.http_team import http_team_at_work
from tests.platforms.slack.team import SlackTeam, buttons, team_at_work
from tests.platforms.slack.test_views import FULL, SCHEDULE, SETTINGS


@dataclass
class Desk(RecordingDesk):
    """Answers `schedule` and `settings` with their forms to managers, and holds answers back while it is told to."""

    gate: asyncio.Event | None = None

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        answer = await super().ask(place, asker, line)
        if self.gate:
            await self.gate.wait()
        form: Form | None = {"schedule": SCHEDULE, "settings": SETTINGS}.get(line)
        return replace(answer, form=form) if form and asker.manager else answer

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        answer = await super().act(place, asker, action, event_id)
        if self.gate:
            await self.gate.wait()
        return answer


@pytest.fixture(params=["sockets", "http"])
async def team(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path) -> AsyncIterator[SlackTeam]:
    at_work = team_at_work(Desk()) if request.param == "sockets" else http_team_at_work(sqlite_store, tmp_path, Desk())
    async with at_work as team:
        for each in (team.ada, team.bo):
            await each.writes(team.ml, "hello")
        yield team
        assert team.slack.unknown == []


def desk_of(team: SlackTeam) -> Desk:
    assert isinstance(team.desk, Desk)
    return team.desk


async def offered(team: SlackTeam, who: Member, verb: str) -> View:
    """The modal behind the button under the words of a verb."""
    count = len(who.ephemeral)
    await who.says("/papers", verb, team.ml)
    await team.slack.until(lambda: len(who.ephemeral) > count)
    [change] = [each for each in buttons(who.ephemeral[-1].blocks) if each["text"]["text"] == "Change"]
    await who.presses(team.ml, who.ephemeral[-1].ts, change["action_id"])
    await team.slack.until(lambda: who.modals and "One moment" not in who.modals[-1].words)
    return who.modals[-1]


async def at_home(team: SlackTeam, who: Member) -> View:
    before = who.home and who.home.hash
    await who.opens_home()
    await team.slack.until(lambda: who.home and who.home.hash != before)
    assert who.home
    return who.home


def action_id(view: View, words: str, place: int = 0) -> tuple[str, str]:
    """(action id, block id) of a button or menu of a view, by what stands on it."""
    found = [
        (each["action_id"], block["block_id"])
        for block in view.body["blocks"]
        for each in [block.get("accessory"), *block.get("elements", [])]
        if each and words in (each.get("text") or each.get("placeholder") or {}).get("text", "")
    ]
    return found[place]


async def press_home(team: SlackTeam, who: Member, words: str, place: int = 0, value: Any = None) -> None:
    """Press on the home tab; done when it was published anew."""
    assert who.home
    action, block = action_id(who.home, words, place)
    before = who.home.hash
    await who.presses_in(who.home, action, value, block)
    await team.slack.until(lambda: who.home and who.home.hash != before)


# -- forms


async def test_a_form_opens_at_once_and_is_filled_then(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    assert [call.method for call in team.slack.calls if call.method.startswith("views.")] == [
        "views.open",
        "views.update",
    ]
    assert view.words.startswith("When digests come\n")
    assert view.body["submit"]["text"] == "Save"


async def test_a_form_that_takes_long_to_fill_is_open_already(team: SlackTeam) -> None:
    await team.ada.says("/papers", "schedule", team.ml)
    [told] = await team.slack.until(lambda: team.ada.ephemeral)
    desk_of(team).gate = asyncio.Event()
    [change] = buttons(told.blocks)
    await team.ada.presses(team.ml, told.ts, change["action_id"])
    [view] = await team.slack.until(lambda: team.ada.modals)
    assert "One moment" in view.words
    desk_of(team).gate.set()  # type: ignore[union-attr]
    await team.slack.until(lambda: "When digests come" in view.words)


async def test_what_was_changed_is_said_in_one_line_and_the_rest_is_not(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.desk.answer = Reply("Done: hour is 17:00, count is 7.")
    await team.ada.submits(view, {"0:hour": "5pm", "3:count": "7"})
    place, asker, line = team.desk.asked[-1]
    assert line == "schedule hour=5pm count=7"
    assert (place.address, place.kind, asker) == ("C1", Kind.CHANNEL, Asker("ada", True, "ada"))
    assert "Done: hour is 17:00, count is 7." in team.ada.modals[-1].words
    assert "submit" not in team.ada.modals[-1].body


async def test_sending_a_form_as_it_was_changes_nothing_and_closes_it(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "settings")
    count = len(team.desk.asked)
    await team.ada.submits(view)
    assert len(team.desk.asked) == count
    assert team.ada.modals == []


async def test_a_wrong_value_is_told_under_its_field_and_can_be_mended(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.desk.answer = Reply("“Berlni” is no time zone I know; perhaps Europe/Berlin.", ok=False, field="zone")
    await team.ada.submits(view, {"2:zone": "Berlni"})
    assert view.errors == {"2:zone": "“Berlni” is no time zone I know; perhaps Europe/Berlin."}
    team.desk.answer = Reply("Done: zone is Europe/Berlin.")
    await team.ada.submits(view, {"2:zone": "Berlin"})
    assert "Done: zone is Europe/Berlin." in team.ada.modals[-1].words


async def test_a_refusal_about_no_field_is_told_in_the_modal(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.desk.answer = Reply("That is for whoever invited me.", ok=False)
    await team.ada.submits(view, {"0:hour": "10:00"})
    assert "for whoever invited me" in team.ada.modals[-1].words


async def test_who_sends_a_form_is_looked_up_anew(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.ada.admin = False
    team.clock.now += timedelta(minutes=11)
    await team.ada.submits(view, {"0:hour": "10:00"})
    assert not team.desk.asked[-1][1].manager


async def test_a_form_sent_by_who_has_left_the_channel_changes_nothing(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.ml.members.remove("ada")
    count = len(team.desk.asked)
    await team.ada.submits(view, {"0:hour": "11:00"})
    assert len(team.desk.asked) == count
    assert "I can't see you in that channel" in team.ada.modals[-1].words


@pytest.mark.parametrize("kept", ["", "[]", '["D0BO", false]'])
async def test_a_forged_place_changes_nothing(team: SlackTeam, kept: str) -> None:
    view = await offered(team, team.ada, "schedule")
    view.body["private_metadata"] = kept.replace("D0BO", team.bo.dm.id)
    count = len(team.desk.asked)
    await team.ada.submits(view, {"0:hour": "11:00"})
    assert len(team.desk.asked) == count
    assert team.ada.errors == []


async def test_a_form_that_takes_long_to_be_done_says_so_and_tells_then(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    desk_of(team).gate = asyncio.Event()
    sending = asyncio.create_task(team.ada.submits(view, {"0:hour": "10:00"}))
    await team.slack.until(lambda: sending.done())
    assert (await sending).acked
    assert "One moment" in team.ada.modals[-1].words
    desk_of(team).gate.set()  # type: ignore[union-attr]
    await team.slack.until(lambda: "It is so." in team.ada.modals[-1].words)


async def test_a_form_that_slack_does_not_open_is_told_of(team: SlackTeam) -> None:
    await team.ada.says("/papers", "schedule", team.ml)
    [told] = await team.slack.until(lambda: team.ada.ephemeral)
    team.slack.faults.error("views.open", "expired_trigger_id")
    [change] = buttons(told.blocks)
    await team.ada.presses(team.ml, told.ts, change["action_id"])
    await team.slack.until(lambda: len(team.ada.ephemeral) > 1)
    assert "Press again, or say /papers schedule." in team.ada.ephemeral[-1].text


async def test_a_member_who_may_not_change_anything_is_offered_no_form(team: SlackTeam) -> None:
    await team.bo.says("/papers", "schedule", team.ml)
    [told] = await team.slack.until(lambda: team.bo.ephemeral)
    assert buttons(told.blocks) == []


async def test_a_modal_that_was_closed_while_it_was_filled_is_no_trouble(team: SlackTeam) -> None:
    await team.ada.says("/papers", "schedule", team.ml)
    [told] = await team.slack.until(lambda: team.ada.ephemeral)
    desk_of(team).gate = asyncio.Event()
    [change] = buttons(told.blocks)
    await team.ada.presses(team.ml, told.ts, change["action_id"])
    [view] = await team.slack.until(lambda: team.ada.modals)
    await team.ada.closes(view)
    desk_of(team).gate.set()  # type: ignore[union-attr]
    await team.slack.until(lambda: team.slack.calls_to("views.update"))
    desk_of(team).gate = None
    assert "It is so." in await team.ask("ada", "help")


# -- buttons of cards


async def card(team: SlackTeam) -> str:
    return await team.platform.send(team.place, Message(card=CARD), "key-1")


@pytest.mark.parametrize("verb", ["more", "less", "save"])
async def test_what_is_counted_is_counted_before_it_is_acknowledged(team: SlackTeam, verb: str) -> None:
    message, desk = await card(team), desk_of(team)
    desk.gate = asyncio.Event()
    [button] = [each for each in buttons(team.ml.message(message).blocks) if f'"{verb}"' in each["value"]]
    pressing = asyncio.create_task(team.bo.presses(team.ml, message, button["action_id"]))
    await team.slack.until(lambda: desk.acted)
    assert not pressing.done()
    desk.gate.set()
    assert (await pressing).acked
    await team.slack.until(lambda: team.bo.ephemeral)


async def test_what_takes_longer_than_slack_waits_is_acknowledged_and_done_then(team: SlackTeam) -> None:
    message, desk = await card(team), desk_of(team)
    desk.gate = asyncio.Event()
    [button, *_] = buttons(team.ml.message(message).blocks)
    assert (await team.bo.presses(team.ml, message, button["action_id"])).acked
    assert team.bo.ephemeral == []
    desk.gate.set()
    await team.slack.until(lambda: team.bo.ephemeral)


async def test_a_press_told_twice_has_one_event_id_and_another_press_another(team: SlackTeam) -> None:
    message = await card(team)
    [button, *_] = buttons(team.ml.message(message).blocks)
    told = await team.bo.presses(team.ml, message, button["action_id"])
    await team.slack.again(told)
    await team.bo.presses(team.ml, message, button["action_id"])
    await team.ada.presses(team.ml, message, button["action_id"])
    first, again, second, hers = team.desk.presses
    assert first == again != ""
    assert len({first, second, hers}) == 3


async def test_a_vote_that_breaks_is_told_in_words(team: SlackTeam) -> None:
    message = await card(team)
    team.desk.breaks = RuntimeError("secret detail")
    assert "That went wrong" in await team.press("bo", message, "more")


async def test_a_vote_needs_nothing_of_slack(team: SlackTeam) -> None:
    message = await card(team)
    team.slack.faults.status("users.info", 503, times=100)
    assert "It is so." in await team.press("bo", message, "more")


# -- shortcuts


def test_the_shortcuts_fit_slack() -> None:
    for verb, (name, described) in SHORTCUTS.items():
        assert f"callback_id: {verb}\n" in manifest()
        assert len(name) <= 24
        assert len(described) <= 150


@pytest.mark.parametrize("verb", SHORTCUTS)
async def test_a_shortcut_asks_about_the_message_and_all_it_links_to(team: SlackTeam, verb: str) -> None:
    said = await team.bo.writes(team.ml, "look: https://arxiv.org/abs/1602.05629 <& that")
    assert (await team.ada.chooses(verb, team.ml, said)).acked
    [answer] = await team.slack.until(lambda: team.ada.ephemeral)
    assert answer.words == "It is so."
    [(place, asker, told, message, text)] = team.desk.abouts
    assert (place, asker.member, told, message) == (replace(team.place, name=""), "ada", verb, said)
    assert "https://arxiv.org/abs/1602.05629" in text
    assert "<& that" in text
    assert team.desk.presses[-1] != ""


async def test_a_shortcut_on_a_card_tells_its_link(team: SlackTeam) -> None:
    await team.ada.chooses("why", team.ml, await card(team))
    assert CARD.url in team.desk.abouts[0][-1]


async def test_a_shortcut_in_a_thread_is_answered_there_and_on_its_first_message_in_the_channel(
    team: SlackTeam,
) -> None:
    first = await team.bo.writes(team.ml, "a paper?")
    reply = await team.bo.writes(team.ml, "arxiv:1602.05629", thread_ts=first)
    await team.ada.chooses("why", team.ml, reply)
    await team.slack.until(lambda: team.ada.ephemeral)
    team.ml.message(first).thread_ts = first
    await team.ada.chooses("why", team.ml, first)
    await team.slack.until(lambda: len(team.ada.ephemeral) > 1)
    assert [each.thread_ts for each in team.ada.ephemeral] == [reply and first, None]


# -- the home tab


async def test_opening_the_home_tab_shows_what_is_ones_own(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    view = await at_home(team, team.ada)
    assert "Your saved papers, 13 in all" in view.words
    [(place, asker, rooms, offset)] = team.desk.homes
    assert place == Place("slack", team.ada.dm.id, "T1", kind=Kind.DIRECT)
    assert (asker, rooms, offset) == (Asker("ada", True, "ada"), ["C1"], 0)


async def test_looking_at_the_messages_needs_nothing(team: SlackTeam) -> None:
    await team.ada.opens_home("messages")
    await at_home(team, team.bo)
    assert [asker.member for _, asker, _, _ in team.desk.homes] == ["bo"]


async def test_private_channels_without_the_bot_and_those_one_has_left_are_not_ones_rooms(team: SlackTeam) -> None:
    secret = team.lab.channel("C5", "secret", private=True)
    own = team.lab.channel("C6", "own", private=True, bot=False)
    own.members.append("ada")
    await at_home(team, team.ada)
    secret.members.append("ada")
    await at_home(team, team.ada)
    assert [rooms for _, _, rooms, _ in team.desk.homes] == [["C1"], ["C1", "C5"]]


async def test_a_press_on_the_home_tab_is_done_there_and_shown(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    await at_home(team, team.ada)
    team.desk.answer = Reply("Unsubscribed from “federated learning”.")
    await press_home(team, team.ada, "Drop")
    [(place, _, action)] = team.desk.acted
    assert (place.address, place.kind) == (team.ada.dm.id, Kind.DIRECT)
    assert action == Action("", "unsubscribe", "federated learning")
    assert team.ada.home
    assert "Unsubscribed from" in team.ada.home.words


async def test_a_channel_is_paused_from_the_home_tab_in_its_own_place(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    await at_home(team, team.ada)
    await press_home(team, team.ada, "Pause", 1)
    [(place, asker, action)] = team.desk.acted
    assert (place.address, place.kind, asker.manager, action.verb) == ("C1", Kind.CHANNEL, True, "pause")


async def test_who_left_a_channel_changes_nothing_there(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    view = await at_home(team, team.ada)
    team.ml.members.remove("ada")
    await press_home(team, team.ada, "Pause", 1)
    assert team.desk.acted == []
    assert "not in that channel any more" in view.words


async def test_a_form_opened_at_home_brings_the_home_tab_up_to_date(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    view = await at_home(team, team.ada)
    action, block = action_id(view, "Settings", 1)
    await team.ada.presses_in(view, action, block_id=block)
    await team.slack.until(lambda: team.ada.modals and "Settings here" in team.ada.modals[-1].words)
    team.desk.answer = Reply("Done: bar is 0.4.")
    before = view.hash
    await team.ada.submits(team.ada.modals[-1], {"0:bar": "0.4"})
    await team.slack.until(lambda: view.hash != before)
    assert team.desk.asked[-1][2] == "settings bar=0.4"
    assert "Done: bar is 0.4." in view.words


async def test_pages_of_saved_papers_are_turned_and_one_is_removed(team: SlackTeam) -> None:
    team.desk.at_home = FULL
    view = await at_home(team, team.ada)
    await press_home(team, team.ada, "Older")
    assert team.desk.homes[-1][-1] == 10
    menu = next(e for b in view.body["blocks"] for e in b.get("elements", []) if e["type"] == "static_select")
    await press_home(team, team.ada, "Remove one", value=menu["options"][1]["value"])
    assert team.desk.acted[-1][2] == Action("", "unsave", "2603.00001")


async def test_a_home_tab_without_channels_is_shown_while_slack_does_not_say_which(team: SlackTeam) -> None:
    team.slack.faults.error("users.conversations", "missing_scope", times=10)  # the bot asks for its own as it starts
    await at_home(team, team.ada)
    assert team.desk.homes[0][2] == []


async def test_a_home_tab_that_slack_does_not_take_stops_nothing(team: SlackTeam) -> None:
    team.slack.faults.error("views.publish", "not_enabled")
    await team.ada.opens_home()
    await team.slack.until(lambda: team.slack.calls_to("views.publish"))
    await at_home(team, team.ada)
