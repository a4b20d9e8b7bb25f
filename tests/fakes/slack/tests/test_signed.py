"""Signed HTTP with the real slack-bolt: signatures, retries, challenges; and installing by OAuth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import Clock
from tests.fakes.slack import Channel, FakeSlack, Json, Member, Workspace

SDK_AGES = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
"""slack-sdk 3.47 sends client id and secret in a way that aiohttp 3.14 is leaving behind."""


@pytest.fixture
async def listening(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[str]:
    """The app behind one HTTP address, which Slack posts to."""

    async def take(request: web.Request) -> web.Response:
        asked = await to_bolt_request(request)
        return await to_aiohttp_response(await app.async_dispatch(asked))

    server = web.Application()
    server.router.add_post("/slack/events", take)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.listener = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield slack.listener
    await runner.cleanup()


async def test_a_command_an_event_and_a_press_come_signed(
    slack: FakeSlack, app: AsyncApp, listening: str, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[str] = []

    @app.command("/papers")
    async def papers(ack: AsyncAck, command: Json) -> None:
        await ack(f"for {command['text']}")

    @app.event("reaction_added")
    async def added(event: Json) -> None:
        got.append(event["reaction"])

    @app.action("more")
    async def more(ack: AsyncAck, action: Json) -> None:
        await ack()
        got.append(action["value"])

    assert await slack.verifies_url()
    button = {"type": "button", "action_id": "more", "value": "p1", "text": {"type": "plain_text", "text": "More"}}
    blocks = [{"type": "actions", "elements": [button]}]
    ts = (await client.chat_postMessage(channel="C1", text="card", blocks=blocks))["ts"]
    assert (await ada.says("/papers", "é & <x>", ml)).acked
    assert (await ada.reacts(ml, ts, "+1"))[0].acked
    assert (await ada.presses(ml, ts, "more")).acked
    await slack.until(lambda: len(got) == 2)
    assert sorted(got) == ["+1", "p1"]
    assert [answer.text for answer in ada.ephemeral] == ["for é & <x>"]


async def test_a_wrong_or_old_signature_is_turned_away(
    slack: FakeSlack, app: AsyncApp, listening: str, ml: Channel, ada: Member
) -> None:
    @app.command("/papers")
    async def papers(ack: AsyncAck) -> None:
        await ack("hello")

    slack.stamp = lambda: time.time() - 301
    assert [one.status for one in (await ada.says("/papers", "x", ml)).tries] == [401]
    slack.stamp, slack.signing_secret = time.time, "guessed"
    assert [one.status for one in (await ada.says("/papers", "x", ml)).tries] == [401]
    assert ada.errors == ["operation_timeout"] * 2


async def test_a_late_or_failed_answer_brings_the_event_again_with_its_reason(
    slack: FakeSlack, app: AsyncApp, listening: str, ml: Channel, ada: Member
) -> None:
    seen: list[tuple[str, str]] = []

    @app.use
    async def middleware(req: AsyncBoltRequest, next: Any) -> BoltResponse:  # noqa: A002 - bolt's own word
        number = req.headers.get("x-slack-retry-num", ["-"])[0]
        seen.append((number, req.headers.get("x-slack-retry-reason", ["-"])[0]))
        if len(seen) == 1:
            await asyncio.Event().wait()
        return BoltResponse(status=500 if len(seen) == 2 else 200)

    slack.ack_within = 0.2
    [delivery] = await ada.reacts(ml, await ada.writes(ml, "x"), "+1")
    assert seen == [("-", "-"), ("1", "http_timeout"), ("2", "http_error")]
    assert [attempt.status for attempt in delivery.tries] == [0, 500, 200]


async def test_a_bot_may_ask_for_no_more_tries(
    slack: FakeSlack, app: AsyncApp, listening: str, ml: Channel, ada: Member
) -> None:
    @app.use
    async def middleware(next: Any) -> BoltResponse:  # noqa: A002 - bolt's own word
        return BoltResponse(status=500, headers={"x-slack-no-retry": "1"})

    [delivery] = await ada.reacts(ml, await ada.writes(ml, "x"), "+1")
    assert [attempt.status for attempt in delivery.tries] == [500]
    assert await slack.retry_unacked() == []


async def test_an_unreachable_bot_gets_everything_later(
    slack: FakeSlack, ml: Channel, ada: Member, unused: str
) -> None:
    slack.listener = unused
    [delivery] = await ada.reacts(ml, await ada.writes(ml, "x"), "+1")
    assert (len(delivery.tries), delivery.reason) == (4, "connection_failed")


@pytest.fixture
async def unused(slack: FakeSlack) -> str:
    """An address where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}/slack/events"


@SDK_AGES
async def test_a_code_installs_once(slack: FakeSlack, lab: Workspace) -> None:
    anyone = AsyncWebClient(base_url=slack.api)
    await lab.uninstalls()
    code = lab.grants(by="U7", scopes={"chat:write", "commands"})
    given = await anyone.oauth_v2_access(client_id=slack.client_id, client_secret=slack.client_secret, code=code)
    assert (given["team"]["id"], given["authed_user"]["id"], given["scope"]) == ("T1", "U7", "chat:write,commands")
    assert (await AsyncWebClient(given["access_token"], base_url=slack.api).auth_test())["team_id"] == "T1"
    assert lab.installed
    for wrong in (
        {"client_secret": slack.client_secret, "code": code, "client_id": slack.client_id},
        {"client_secret": "guessed", "code": lab.grants(), "client_id": slack.client_id},
        {"client_secret": slack.client_secret, "code": lab.grants(), "client_id": "guessed"},
    ):
        with pytest.raises(SlackApiError, match=r"invalid_code|bad_client_secret|invalid_client_id"):
            await anyone.oauth_v2_access(**wrong)


@SDK_AGES
async def test_a_rotating_token_ends_and_its_refresh_token_serves_once(
    slack: FakeSlack, clock: Clock, lab: Workspace
) -> None:
    lab.rotates = True
    anyone = AsyncWebClient(base_url=slack.api)
    given = await anyone.oauth_v2_access(
        client_id=slack.client_id, client_secret=slack.client_secret, code=lab.grants()
    )
    assert given["expires_in"] == 12 * 60 * 60
    clock.advance(timedelta(hours=12))
    with pytest.raises(SlackApiError, match="token_expired"):
        await AsyncWebClient(given["access_token"], base_url=slack.api).auth_test()
    rotator = AsyncTokenRotator(client_id=slack.client_id, client_secret=slack.client_secret, client=anyone)
    kept = Installation(
        user_id="U1",
        team_id="T1",
        bot_token=given["access_token"],
        bot_refresh_token=given["refresh_token"],
        bot_token_expires_at=1,
    )
    renewed = await rotator.perform_bot_token_rotation(bot=kept.to_bot())
    assert renewed
    assert renewed.bot_token == lab.bot_token != given["access_token"]
    assert (await AsyncWebClient(renewed.bot_token, base_url=slack.api).auth_test())["ok"]
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        await anyone.oauth_v2_access(
            client_id=slack.client_id,
            client_secret=slack.client_secret,
            grant_type="refresh_token",
            refresh_token=given["refresh_token"],
        )
