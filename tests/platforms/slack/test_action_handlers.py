"""Buttons of cards and shortcuts on messages, as a member uses them: counted before they are acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message
from bot.platforms.slack.manifest import manifest
from bot.store.database import Store
from tests.platforms.conformance import CARD
from tests.platforms.slack.surfaces import at_work, service_of
from tests.platforms.slack.team import SlackTeam, buttons


@pytest.fixture(params=["sockets", "http"])
async def team(request: pytest.FixtureRequest, sqlite_store: Store, tmp_path: Path) -> AsyncIterator[SlackTeam]:
    async with at_work(request.param, sqlite_store, tmp_path) as team:
        yield team


async def card(team: SlackTeam) -> str:
    return await team.platform.send(team.place, Message(card=CARD), "key-1")


@pytest.mark.parametrize("command", ["more", "less", "save"])
async def test_what_is_counted_is_counted_before_it_is_acknowledged(team: SlackTeam, command: str) -> None:
    message, service = await card(team), service_of(team)
    service.limiter = asyncio.Event()
    [button] = [each for each in buttons(team.ml.message(message).blocks) if f'"{command}"' in each["value"]]
    pressing = asyncio.create_task(team.bo.presses(team.ml, message, button["action_id"]))
    await team.slack.until(lambda: service.acted)
    assert not pressing.done()
    service.limiter.set()
    assert (await pressing).acked
    await team.slack.until(lambda: team.bo.ephemeral)


async def test_slow_action_is_acknowledged_first_and_finished_later(team: SlackTeam) -> None:
    message, service = await card(team), service_of(team)
    service.limiter = asyncio.Event()
    [button, *_] = buttons(team.ml.message(message).blocks)
    assert (await team.bo.presses(team.ml, message, button["action_id"])).acked
    assert team.bo.ephemeral == []
    service.limiter.set()
    await team.slack.until(lambda: team.bo.ephemeral)


async def test_repeated_press_event_has_the_same_id_and_another_press_has_another(team: SlackTeam) -> None:
    message = await card(team)
    [button, *_] = buttons(team.ml.message(message).blocks)
    told = await team.bo.presses(team.ml, message, button["action_id"])
    await team.slack.again(told)
    await team.bo.presses(team.ml, message, button["action_id"])
    await team.ada.presses(team.ml, message, button["action_id"])
    first, again, second, hers = team.service.presses
    assert not any(member in press for press in team.service.presses for member in (team.ada.id, team.bo.id))
    assert first == again != ""
    assert len({first, second, hers}) == 3


@pytest.mark.parametrize("command", ["similar", "abstract"])
async def test_a_choice_in_the_menu_of_a_card_is_a_press(team: SlackTeam, command: str) -> None:
    message = await card(team)
    assert await team.press("bo", message, command)
    place, asker, action = service_of(team).acted[-1]
    assert (place.address, asker.member) == (team.ml.id, team.bo.id)
    assert (action.label.lower(), action.command, action.argument) == (command, command, CARD.paper_id)


async def test_the_five_buttons_of_an_old_card_still_work(team: SlackTeam) -> None:
    message = await card(team)
    row = next(block for block in team.ml.message(message).blocks if block["type"] == "actions")
    actions = COMMANDS.card_actions(CARD.paper_id)
    row["elements"] = [
        {
            "type": "button",
            "action_id": f"card-0-{number}",
            "text": {"type": "plain_text", "text": action.label},
            "value": json.dumps([action.command, action.argument, 0]),
        }
        for number, action in enumerate(actions)
    ]
    for action in actions:
        assert await team.press("bo", message, action.command)
    assert [action for _, _, action in service_of(team).acted] == actions


async def test_a_vote_that_breaks_is_told_in_words(team: SlackTeam) -> None:
    message = await card(team)
    team.service.breaks = RuntimeError("secret detail")
    assert "That went wrong" in await team.press("bo", message, "more")


async def test_a_vote_needs_nothing_of_slack(team: SlackTeam) -> None:
    message = await card(team)
    team.slack.faults.status("users.info", 503, times=100)
    assert "It is so." in await team.press("bo", message, "more")


# -- shortcuts


def test_the_shortcuts_fit_slack() -> None:
    for command, menu in COMMANDS.menus().items():
        assert f"callback_id: {command}\n" in manifest(COMMANDS)
        assert len(menu.name) <= 24
        assert len(menu.description) <= 150


@pytest.mark.parametrize("command", COMMANDS.menus())
async def test_a_shortcut_asks_about_the_message_and_all_it_links_to(team: SlackTeam, command: str) -> None:
    said = await team.bo.writes(team.ml, "look: https://arxiv.org/abs/1602.05629 <& that")
    assert (await team.ada.chooses(command, team.ml, said)).acked
    [answer] = await team.slack.until(lambda: team.ada.ephemeral)
    assert answer.words == "It is so."
    [(place, asker, told, message, text)] = team.service.abouts
    assert (place, asker.member, told, message) == (replace(team.place, name="", private=None), "ada", command, said)
    assert "https://arxiv.org/abs/1602.05629" in text
    assert "<& that" in text
    assert team.service.presses[-1] != ""


async def test_a_shortcut_on_a_card_tells_its_link(team: SlackTeam) -> None:
    await team.ada.chooses("why", team.ml, await card(team))
    assert CARD.url in team.service.abouts[0][-1]


async def test_shortcut_is_answered_in_its_thread_or_in_the_channel(
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
