"""The home tab, as a member uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model.messages import Action, Asker, Place, PlaceKind, Reply
from bot.store.database import Store
from tests.platforms.slack.surfaces import action_id, at_home, at_work, press_home
from tests.platforms.slack.team import SlackTeam
from tests.platforms.slack.test_views import FULL


@pytest.fixture(params=["sockets", "http"])
async def team(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path) -> AsyncIterator[SlackTeam]:
    async with at_work(request.param, sqlite_store, tmp_path) as team:
        yield team


async def test_opening_the_home_tab_shows_what_is_ones_own(team: SlackTeam) -> None:
    team.service.at_home = FULL
    view = await at_home(team, team.ada)
    assert "Your saved papers, 13 in all" in view.words
    [(place, asker, rooms, offset)] = team.service.homes
    assert place == Place("slack", team.ada.dm.id, "T1", kind=PlaceKind.DIRECT)
    assert (asker, rooms, offset) == (Asker("ada", True, "ada"), ["C1"], 0)


async def test_looking_at_the_messages_needs_nothing(team: SlackTeam) -> None:
    await team.ada.opens_home("messages")
    await at_home(team, team.bo)
    assert [asker.member for _, asker, _, _ in team.service.homes] == ["bo"]


async def test_users_conversations_omits_left_channels_and_private_ones_without_the_bot(team: SlackTeam) -> None:
    secret = team.lab.channel("C5", "secret", private=True)
    own = team.lab.channel("C6", "own", private=True, bot=False)
    own.members.append("ada")
    await at_home(team, team.ada)
    secret.members.append("ada")
    await at_home(team, team.ada)
    assert [rooms for _, _, rooms, _ in team.service.homes] == [["C1"], ["C1", "C5"]]


async def test_a_press_on_the_home_tab_is_done_there_and_shown(team: SlackTeam) -> None:
    team.service.at_home = FULL
    await at_home(team, team.ada)
    team.service.answer = Reply("Unsubscribed from “federated learning”.")
    await press_home(team, team.ada, "Drop")
    [(place, _, action)] = team.service.acted
    assert (place.address, place.kind) == (team.ada.dm.id, PlaceKind.DIRECT)
    assert action == Action("", "unsubscribe", "federated learning")
    assert team.ada.home
    assert "Unsubscribed from" in team.ada.home.words


async def test_a_channel_is_paused_from_the_home_tab_in_its_own_place(team: SlackTeam) -> None:
    team.service.at_home = FULL
    await at_home(team, team.ada)
    await press_home(team, team.ada, "Pause", 1)
    [(place, asker, action)] = team.service.acted
    assert (place.address, place.kind, asker.manager, action.command) == ("C1", PlaceKind.CHANNEL, True, "pause")


async def test_who_left_a_channel_changes_nothing_there(team: SlackTeam) -> None:
    team.service.at_home = FULL
    view = await at_home(team, team.ada)
    team.ml.members.remove("ada")
    await press_home(team, team.ada, "Pause", 1)
    assert team.service.acted == []
    assert "not in that channel any more" in view.words


async def test_a_form_opened_at_home_brings_the_home_tab_up_to_date(team: SlackTeam) -> None:
    team.service.at_home = FULL
    view = await at_home(team, team.ada)
    action, block = action_id(view, "Settings", 1)
    await team.ada.presses_in(view, action, block_id=block)
    await team.slack.until(lambda: team.ada.modals and "Settings here" in team.ada.modals[-1].words)
    team.service.answer = Reply("Done: bar is 0.4.")
    before = view.hash
    await team.ada.submits(team.ada.modals[-1], {"0:bar": "0.4"})
    await team.slack.until(lambda: view.hash != before)
    assert team.service.asked[-1][2] == "settings bar=0.4"
    assert "Done: bar is 0.4." in view.words


async def test_pages_of_saved_papers_are_turned_and_one_is_removed(team: SlackTeam) -> None:
    team.service.at_home = FULL
    view = await at_home(team, team.ada)
    await press_home(team, team.ada, "Older")
    assert team.service.homes[-1][-1] == 10
    menu = next(e for b in view.body["blocks"] for e in b.get("elements", []) if e["type"] == "static_select")
    await press_home(team, team.ada, "Remove one", value=menu["options"][1]["value"])
    assert team.service.acted[-1][2] == Action("", "unsave", "2603.00001")


async def test_home_tab_is_shown_without_channels_if_slack_does_not_list_them(team: SlackTeam) -> None:
    team.slack.faults.error("users.conversations", "missing_scope", times=10)  # the bot asks for its own as it starts
    await at_home(team, team.ada)
    assert team.service.homes[0][2] == []


async def test_a_home_tab_that_slack_does_not_take_stops_nothing(team: SlackTeam) -> None:
    team.slack.faults.error("views.publish", "not_enabled")
    await team.ada.opens_home()
    await team.slack.until(lambda: team.slack.calls_to("views.publish"))
    await at_home(team, team.ada)
