"""Charts in Discord are pictures with words for those who do not see them. Where no file may be sent, text comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.charts.png import png
from bot.model.messages import Reply
from bot.ports.platform import Finding
from tests.charts.examples import STATS, TASTE
from tests.fakes.discord import Right
from tests.platforms.discord.server import DiscordServer, server_at_work
from tests.platforms.discord.test_checks import found, register

ANSWER = Reply("Learned from 3 votes.", charts=(TASTE, STATS))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        server.service.answer = ANSWER
        yield server


def galleries(components: list[Any]) -> list[Any]:
    return [item for each in components if each["type"] == 12 for item in each["items"]]


async def test_the_asker_alone_gets_the_text_and_a_picture_of_each_chart(server: DiscordServer) -> None:
    asked = await server.bo.says(server.ml, "papers", query="taste")
    answer = await server.answered(asked)
    assert (answer.ephemeral, answer.words) == (True, "Learned from 3 votes.")
    assert [(file.filename, file.content) for file in answer.files] == [
        ("chart-1.png", png(TASTE)),
        ("chart-2.png", png(STATS)),
    ]
    assert galleries(answer.posted["components"]) == [
        {"media": {"url": "attachment://chart-1.png"}, "description": TASTE.text},
        {"media": {"url": "attachment://chart-2.png"}, "description": STATS.text},
    ]
    described = [each["description"] for each in answer.posted["attachments"]]
    assert described == [TASTE.text, STATS.text]
    assert [component["type"] for component in answer.posted["components"]] == [10, 12, 12]


async def test_everybody_gets_the_pictures_of_an_answer_to_a_mention(server: DiscordServer) -> None:
    server.service.answer = Reply("Learned from 3 votes.", charts=(TASTE,), public=True)
    await server.bo.mentions(server.ml, "taste")
    await server.fake.until(lambda: len(server.ml.visible) == 2)
    assert [file.filename for file in server.ml.visible[-1].files] == ["chart-1.png"]


async def test_where_the_bot_may_send_no_files_the_answer_comes_as_text(server: DiscordServer) -> None:
    await server.ada.denies(server.ml, Right.ATTACH_FILES)
    server.service.answer = Reply("Learned from 3 votes.", charts=(TASTE,), public=True)
    await server.bo.mentions(server.ml, "taste")
    await server.fake.until(lambda: len(server.ml.visible) == 2)
    answer = server.ml.visible[-1]
    assert (answer.words, answer.files, galleries(answer.posted["components"])) == ("Learned from 3 votes.", [], [])
    assert len(server.fake.calls_to("create_message")) == 2


async def test_a_picture_that_discord_refuses_leaves_the_text(server: DiscordServer) -> None:
    server.fake.faults.error("edit_response_message", 40005)
    answer = await server.answered(await server.bo.says(server.ml, "papers", query="taste"))
    assert (answer.words, answer.files) == ("Learned from 3 votes.", [])


async def test_a_chart_that_cannot_be_drawn_leaves_the_text(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(chart: object) -> bytes:
        raise OSError("no font")

    monkeypatch.setattr("bot.platforms.pictures.png", broken)
    answer = await server.answered(await server.bo.says(server.ml, "papers", query="taste"))
    assert (answer.words, answer.files) == ("Learned from 3 votes.", [])
    assert "A chart could not be drawn." in caplog.text


async def test_check_tells_that_pictures_need_a_permission_and_finds_no_fault_without_it(server: DiscordServer) -> None:
    register(server)
    assert (await found(server))["server"] == Finding()
    server.lab.everyone.rights &= ~Right.ATTACH_FILES
    finding = (await found(server))["server"]
    assert finding.problem == ""
    assert "allow Attach Files" in finding.mend
