"""Answers that are not Discord's own: pages of proxies, firewalls and login pages, which say nothing of a channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import NotAccepted, TokenRefused, Uncertain
from tests.platforms.discord.server import DiscordServer, server_at_work


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        yield server


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 408, 451])
async def test_a_page_that_is_not_discords_means_try_later(server: DiscordServer, status: int) -> None:
    server.fake.faults.status("create_message", status)
    with pytest.raises(NotAccepted, match="not Discord's") as caught:
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert "html" not in str(caught.value)
    assert caught.value.retry_after == 60.0
    assert not isinstance(caught.value, TokenRefused)
    assert await server.platform.send(server.place, Message("Good morning."), "key-1")


@pytest.mark.parametrize(
    "body",
    [
        {"error": "blocked by policy"},
        {"message": "Forbidden"},
        {"code": "BLOCKED", "message": "blocked"},
        {"code": 403, "message": "Forbidden"},
        {"code": True, "message": "403: no"},
        {"message": ["blocked"], "code": 50013},
        {"message": "403: Forbidden", "code": 0},
    ],
)
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_json_that_is_not_discords_means_try_later(server: DiscordServer, status: int, body: Any) -> None:
    server.fake.faults.proxy("create_message", status, body)
    with pytest.raises(NotAccepted) as caught:
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert "blocked" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, {"errors": ["blocked"]}), (403, ["blocked"]), (429, {"message": "slow down"}), (200, "a text")],
)
async def test_an_answer_of_another_shape_never_breaks_the_client(
    server: DiscordServer, status: int, body: Any
) -> None:
    server.fake.faults.proxy("get_channel", status, body)
    with pytest.raises(NotAccepted) as caught:
        await server.platform.rest.channel(server.ml.id)
    assert "blocked" not in str(caught.value)


async def test_a_page_in_place_of_an_accepted_post_leaves_it_uncertain(server: DiscordServer) -> None:
    server.fake.faults.status("create_message", 200, accepted=True)
    with pytest.raises(Uncertain, match="not Discord's"):
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert len(server.ml.visible) == 1


@pytest.mark.parametrize("code", [20028, 40004, 40006, 40062, 40333, 130000])
async def test_what_discord_refuses_for_a_while_is_tried_later(server: DiscordServer, code: int) -> None:
    server.fake.faults.proxy("create_message", 403, {"code": code, "message": "Not now"})
    with pytest.raises(NotAccepted):
        await server.platform.send(server.place, Message("Good morning."), "key-1")


@pytest.mark.parametrize("status", [200, 401, 403, 404, 511])
async def test_a_login_page_of_a_network_is_one_clear_line(
    server: DiscordServer, tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    fake = server.fake
    fake.faults.status("get_current_user", status)
    platform = DiscordPlatform(
        fake.token, server.clock, tmp_path, COMMANDS, api_url=fake.api, gateway_url=fake.gateway_url
    )
    with pytest.raises(NotAccepted) as caught:
        await platform.run(server.service)
    assert not isinstance(caught.value, TokenRefused)
    assert "\n" not in str(caught.value)
    assert "html" not in str(caught.value)
    assert "Unclosed" not in caplog.text


@pytest.mark.parametrize("body", [{"ok": True}, [], None])
async def test_json_that_is_not_discords_at_the_login_is_one_clear_line(
    server: DiscordServer, tmp_path: Path, body: Any
) -> None:
    fake = server.fake
    fake.faults.proxy("get_current_user", 200, body)
    platform = DiscordPlatform(
        fake.token, server.clock, tmp_path, COMMANDS, api_url=fake.api, gateway_url=fake.gateway_url
    )
    with pytest.raises(NotAccepted, match="not Discord's"):
        await platform.run(server.service)
