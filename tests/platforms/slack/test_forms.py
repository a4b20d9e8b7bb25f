"""Forms as modals, as a member uses them: opened, filled in, wrong, late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.messages import Asker, PlaceKind, Reply
from bot.store.database import Store
from tests.platforms.slack.surfaces import at_work, offered, service_of
from tests.platforms.slack.team import SlackTeam, buttons


@pytest.fixture(params=["sockets", "http"])
async def team(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path) -> AsyncIterator[SlackTeam]:
    async with at_work(request.param, sqlite_store, tmp_path) as team:
        yield team


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
    service_of(team).limiter = asyncio.Event()
    [change] = buttons(told.blocks)
    await team.ada.presses(team.ml, told.ts, change["action_id"])
    [view] = await team.slack.until(lambda: team.ada.modals)
    assert "One moment" in view.words
    service_of(team).limiter.set()  # type: ignore[union-attr]
    await team.slack.until(lambda: "When digests come" in view.words)


async def test_what_was_changed_is_said_in_one_line_and_the_rest_is_not(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.service.answer = Reply("Done: hour is 17:00, count is 7.")
    await team.ada.submits(view, {"0:hour": "5pm", "3:count": "7"})
    place, asker, line = team.service.asked[-1]
    assert line == "schedule hour=5pm count=7"
    assert (place.address, place.kind, asker) == ("C1", PlaceKind.CHANNEL, Asker("ada", True, "ada"))
    assert "Done: hour is 17:00, count is 7." in team.ada.modals[-1].words
    assert "submit" not in team.ada.modals[-1].body


async def test_sending_a_form_as_it_was_changes_nothing_and_closes_it(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "settings")
    count = len(team.service.asked)
    await team.ada.submits(view)
    assert len(team.service.asked) == count
    assert team.ada.modals == []


async def test_a_wrong_value_is_told_under_its_field_and_can_be_mended(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.service.answer = Reply("“Berlni” is no time zone I know; perhaps Europe/Berlin.", ok=False, field="zone")
    await team.ada.submits(view, {"2:zone": "Berlni"})
    assert view.errors == {"2:zone": "“Berlni” is no time zone I know; perhaps Europe/Berlin."}
    team.service.answer = Reply("Done: zone is Europe/Berlin.")
    await team.ada.submits(view, {"2:zone": "Berlin"})
    assert "Done: zone is Europe/Berlin." in team.ada.modals[-1].words


async def test_a_refusal_about_no_field_is_told_in_the_modal(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.service.answer = Reply("That is for whoever invited me.", ok=False)
    await team.ada.submits(view, {"0:hour": "10:00"})
    assert "for whoever invited me" in team.ada.modals[-1].words


async def test_who_sends_a_form_is_looked_up_anew(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.ada.admin = False
    team.clock.now += timedelta(minutes=11)
    await team.ada.submits(view, {"0:hour": "10:00"})
    assert not team.service.asked[-1][1].manager


async def test_a_form_sent_by_who_has_left_the_channel_changes_nothing(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    team.ml.members.remove("ada")
    count = len(team.service.asked)
    await team.ada.submits(view, {"0:hour": "11:00"})
    assert len(team.service.asked) == count
    assert "I can't see you in that channel" in team.ada.modals[-1].words


@pytest.mark.parametrize("kept", ["", "[]", '["D0BO", false]'])
async def test_a_forged_place_changes_nothing(team: SlackTeam, kept: str) -> None:
    view = await offered(team, team.ada, "schedule")
    view.body["private_metadata"] = kept.replace("D0BO", team.bo.dm.id)
    count = len(team.service.asked)
    await team.ada.submits(view, {"0:hour": "11:00"})
    assert len(team.service.asked) == count
    assert team.ada.errors == []


async def test_a_form_that_takes_long_to_be_done_says_so_and_tells_then(team: SlackTeam) -> None:
    view = await offered(team, team.ada, "schedule")
    service_of(team).limiter = asyncio.Event()
    sending = asyncio.create_task(team.ada.submits(view, {"0:hour": "10:00"}))
    await team.slack.until(lambda: sending.done())
    assert (await sending).acked
    assert "One moment" in team.ada.modals[-1].words
    service_of(team).limiter.set()  # type: ignore[union-attr]
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
    service_of(team).limiter = asyncio.Event()
    [change] = buttons(told.blocks)
    await team.ada.presses(team.ml, told.ts, change["action_id"])
    [view] = await team.slack.until(lambda: team.ada.modals)
    await team.ada.closes(view)
    service_of(team).limiter.set()  # type: ignore[union-attr]
    await team.slack.until(lambda: team.slack.calls_to("views.update"))
    service_of(team).limiter = None
    assert "It is so." in await team.ask("ada", "help")
