"""Socket Mode with the real slack-bolt: envelopes, acknowledgements, retries, and connections that end."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, Json, Member

Connected = AsyncSocketModeHandler


async def posted(client: AsyncWebClient) -> str:
    return str((await client.chat_postMessage(channel="C1", text="card"))["ts"])


async def test_a_reaction_arrives_and_is_acknowledged(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[Json] = []

    @app.event("reaction_added")
    async def added(body: Json) -> None:
        got.append(body)

    ts = await posted(client)
    [delivery] = await ada.reacts(ml, ts, "+1::skin-tone-4")
    await slack.until(lambda: got)
    assert delivery.acked
    assert delivery.tries[0].after < 2
    [body] = got
    assert body["event_id"].startswith("Ev")
    assert body["authorizations"][0]["user_id"] == ml.workspace.bot_user
    event = body["event"]
    assert (event["user"], event["reaction"], event["item_user"]) == ("U1", "+1::skin-tone-4", ml.workspace.bot_user)
    assert event["item"] == {"type": "message", "channel": "C1", "ts": ts}
    assert ml.message(ts).reactions == {"+1::skin-tone-4": ["U1"]}


async def test_what_nobody_listens_to_is_sent_again_three_times(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    seen: list[tuple[str, list[str]]] = []

    @app.use
    async def middleware(req: AsyncBoltRequest, body: Json, next: Any) -> BoltResponse:  # noqa: A002 - bolt's own word
        seen.append((body["event_id"], list(req.headers.get("x-slack-retry-num", []))))
        return BoltResponse(status=500 if len(seen) < 3 else 200)

    slack.ack_within = 0.1
    [delivery] = await ada.reacts(ml, await posted(client), "+1")
    assert [retry for _, retry in seen] == [["0"], ["1"], ["2"]]
    assert len({event for event, _ in seen}) == 1
    assert [attempt.status for attempt in delivery.tries] == [0, 0, 200]


async def test_an_event_that_is_never_acknowledged_waits_for_the_outage_to_end(
    slack: FakeSlack, app: AsyncApp, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[Json] = []

    @app.event("reaction_added")
    async def added(event: Json) -> None:
        got.append(event)

    [delivery] = await ada.reacts(ml, await posted(client), "+1")
    assert (len(delivery.tries), delivery.acked, delivery.reason) == (4, False, "connection_failed")
    handler = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.sockets.connected()
    assert await slack.retry_unacked() == [delivery]
    await slack.until(lambda: got)
    assert await slack.retry_unacked() == []
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_command_is_answered_to_its_asker_alone(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member
) -> None:
    @app.command("/papers")
    async def papers(ack: AsyncAck, command: Json) -> None:
        await ack(f"You said {command['text']} in {command['channel_name']}.")

    await ada.says("/papers", "federated", ml)
    assert [answer.text for answer in ada.ephemeral] == ["You said federated in ml-papers."]
    assert ml.visible == []


async def test_a_command_that_nobody_acknowledges_times_out_once(
    slack: FakeSlack, connected: Connected, ml: Channel, ada: Member
) -> None:
    slack.ack_within = 0.1
    delivery = await ada.says("/papers", "federated", ml)
    assert ada.errors == ["operation_timeout"]
    assert len(delivery.tries) == 1


async def test_each_payload_goes_to_one_of_several_connections(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[str] = []

    @app.event("reaction_added")
    async def added(event: Json) -> None:
        got.append(event["reaction"])

    second = AsyncSocketModeHandler(app, slack.app_token)
    await second.connect_async()  # type: ignore[no-untyped-call]
    await slack.sockets.connected(2)
    ts = await posted(client)
    for emoji in ("one", "two", "three", "four"):
        await ada.reacts(ml, ts, emoji)
    await slack.until(lambda: len(got) == 4)
    assert sorted(got) == ["four", "one", "three", "two"]
    assert [slack.sockets.taken.count(connection) for connection in slack.sockets.connections] == [2, 2]
    await second.close_async()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_a_client_told_to_disconnect_comes_back(reason: str, slack: FakeSlack, connected: Connected) -> None:
    await slack.sockets.disconnect(reason)
    await slack.until(lambda: slack.sockets.opened == 2)
    await slack.sockets.connected()


async def test_a_warning_leaves_the_old_connection_open(
    slack: FakeSlack, connected: Connected, ml: Channel, ada: Member
) -> None:
    [old] = slack.sockets.connections
    await slack.sockets.disconnect("warning")
    assert (slack.sockets.connections, old.closed) == ([old], False)
    await slack.until(lambda: slack.sockets.opened == 2)


async def test_a_client_comes_back_after_an_abrupt_end(slack: FakeSlack, connected: Connected) -> None:
    slack.sockets.drop()
    assert slack.sockets.connections == []
    await slack.until(lambda: slack.sockets.opened == 2)


async def test_an_event_in_flight_when_the_connection_breaks_is_sent_again(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    reached = asyncio.Event()

    @app.use
    async def never(body: Json, next: Any) -> None:  # noqa: A002 - bolt's own word
        reached.set()
        await asyncio.Event().wait()

    slack.retries = 0
    ts = await posted(client)
    reacting = asyncio.ensure_future(ada.reacts(ml, ts, "+1"))
    await reached.wait()
    slack.sockets.drop()
    [delivery] = await reacting
    assert (delivery.acked, delivery.reason) == (False, "connection_failed")


async def test_an_address_serves_once(slack: FakeSlack, client: AsyncWebClient) -> None:
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            assert hello["debug_info"]["approximate_connection_time"] > 0
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_an_eleventh_connection_is_turned_away(slack: FakeSlack, client: AsyncWebClient) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
            sockets.append(await session.ws_connect(url))
        told = [await socket.receive_json() for socket in sockets]
        assert [one["type"] for one in told] == ["hello"] * 10 + ["disconnect"]
        assert told[-1]["reason"] == "too_many_websockets"


async def test_the_bots_own_reaction_is_told_and_bolt_leaves_it_out(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[str] = []

    @app.event("reaction_added")
    async def added(event: Json) -> None:
        got.append(event["user"])

    ts = await posted(client)
    await client.reactions_add(channel="C1", timestamp=ts, name="+1")
    await slack.settled()
    await ada.reacts(ml, ts, "+1")
    await slack.until(lambda: got)
    assert got == ["U1"]
    assert [delivery.payload["event"]["user"] for delivery in slack.deliveries] == [ml.workspace.bot_user, "U1"]
