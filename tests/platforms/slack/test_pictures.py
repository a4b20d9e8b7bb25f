"""Charts in Slack are pictures with an alternative text, shown where the asker may see them; else the text is all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.charts.png import png
from bot.model.messages import Action, Reply
from tests.charts.examples import STATS, TASTE
from tests.fakes.slack.values import Message
from tests.fakes.slack.world import Channel
from tests.platforms.slack.team import SlackTeam, buttons, team_at_work

ANSWER = Reply("Learned from 3 votes.", charts=(TASTE,))
SHARE = Action("Share", "share", "taste")


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    async with team_at_work() as team:
        team.service.answer = ANSWER
        yield team
        assert team.slack.unknown == []


def pictures(channel: Channel) -> list[Message]:
    return [message for message in channel.visible if message.files]


async def test_a_private_answer_in_a_channel_has_its_picture_in_the_askers_direct_messages(team: SlackTeam) -> None:
    answer = await team.ask("bo", "taste")
    assert "Learned from 3 votes." in answer
    assert "The picture is in your direct messages with me." in answer
    [message] = pictures(team.bo.dm)
    [file] = message.files
    assert message.text == "Asked for in <#C1>:"
    assert (file["name"], file["title"], file["alt_txt"]) == ("chart-1.png", TASTE.title, TASTE.text)
    assert list(team.lab.uploads.values()) == [png(TASTE)]
    assert team.ml.visible == [], "others see nothing"


async def test_an_answer_in_direct_messages_is_followed_by_its_pictures(team: SlackTeam) -> None:
    team.service.answer = Reply("Learned from 3 votes.", charts=(TASTE, STATS))
    await team.bo.writes(team.bo.dm, "taste")
    await team.slack.until(lambda: pictures(team.bo.dm))
    answer, message = team.bo.dm.visible[-2:]
    assert (answer.words, message.text) == ("Learned from 3 votes.", "")
    assert [file["alt_txt"] for file in message.files] == [TASTE.text, STATS.text]


async def test_a_shared_answer_is_followed_by_its_picture_for_everybody(team: SlackTeam) -> None:
    team.service.answer = Reply("Mine.", actions=(SHARE,))
    await team.ask("bo", "taste")
    team.service.answer = Reply("Learned from 3 votes.", charts=(TASTE,), public=True)
    [button] = buttons(team.bo.ephemeral[-1].blocks)
    await team.bo.presses(team.ml, team.bo.ephemeral[-1].ts, button["action_id"])
    await team.slack.until(lambda: pictures(team.ml))
    assert ["Learned" in message.words for message in team.ml.visible] == [True, False]
    assert pictures(team.bo.dm) == []


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_where_slack_takes_no_picture_the_text_comes_alone(team: SlackTeam, method: str) -> None:
    team.slack.faults.error(method, "missing_scope")
    answer = await team.ask("bo", "taste")
    assert answer == "Learned from 3 votes."
    assert pictures(team.bo.dm) == []


async def test_an_installation_without_the_scope_goes_on_with_text(
    team: SlackTeam, caplog: pytest.LogCaptureFixture
) -> None:
    team.lab.scopes.discard("files:write")
    assert await team.ask("bo", "taste") == "Learned from 3 votes."
    assert "missing_scope" in caplog.text
    await team.bo.writes(team.bo.dm, "taste")
    await team.slack.until(lambda: team.bo.dm.visible[-1].words == "Learned from 3 votes.")


async def test_a_shared_answer_where_the_bot_is_no_member_comes_as_text(team: SlackTeam) -> None:
    outside = team.lab.channel("C8", "elsewhere", bot=False)
    team.service.answer = Reply("Learned from 3 votes.", charts=(TASTE,), public=True)
    await team.bo.says("/papers", "taste", outside)
    [shared] = await team.slack.until(lambda: outside.visible)
    assert shared.words == "Learned from 3 votes."
    await team.slack.settled()
    assert pictures(outside) == []


async def test_a_picture_is_drawn_beside_the_event_loop(team: SlackTeam, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[asyncio.AbstractEventLoop | None] = []

    def drawn(chart: object) -> bytes:
        try:
            loops.append(asyncio.get_running_loop())
        except RuntimeError:
            loops.append(None)
        return b"\x89PNG"

    monkeypatch.setattr("bot.platforms.pictures.png", drawn)
    await team.ask("bo", "taste")
    assert loops == [None], "a thread has no loop"
