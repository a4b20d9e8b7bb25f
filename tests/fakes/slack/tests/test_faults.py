"""What goes wrong on demand, and Slack's rates."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import Clock
from tests.fakes.slack import Channel, FakeSlack, Workspace


async def test_a_lost_reply_leaves_the_post_and_tells_nobody(
    slack: FakeSlack, ml: Channel, client: AsyncWebClient
) -> None:
    slack.faults.lose_reply("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="once")
    assert [message.text for message in ml.visible] == ["once"]
    assert (await client.chat_postMessage(channel="C1", text="next"))["ok"]


async def test_a_client_that_tries_again_after_a_lost_reply_posts_twice(
    slack: FakeSlack, lab: Workspace, ml: Channel
) -> None:
    careless = AsyncWebClient(
        lab.bot_token, base_url=slack.api, retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=1)]
    )
    slack.faults.lose_reply("chat.postMessage")
    await careless.chat_postMessage(channel="C1", text="card")
    assert [message.text for message in ml.visible] == ["card", "card"]


async def test_a_lost_request_leaves_nothing(slack: FakeSlack, ml: Channel, client: AsyncWebClient) -> None:
    slack.faults.lose_request("chat.postMessage", channel="C1")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="never")
    assert ml.visible == []


@pytest.mark.parametrize("status", [500, 503])
async def test_slack_in_trouble_answers_with_a_page(
    status: int, slack: FakeSlack, ml: Channel, client: AsyncWebClient
) -> None:
    slack.faults.status("chat.postMessage", status)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C1", text="x")
    assert refused.value.response.status_code == status
    assert ml.visible == []


async def test_an_error_may_come_though_the_post_was_accepted(
    slack: FakeSlack, ml: Channel, client: AsyncWebClient
) -> None:
    slack.faults.error("chat.postMessage", "internal_error")
    slack.faults.error("chat.postMessage", "fatal_error", accepted=True)
    for error, count in (("internal_error", 0), ("fatal_error", 1)):
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel="C1", text="x")
        assert refused.value.response["error"] == error
        assert len(ml.visible) == count


async def test_a_hanging_call_is_done_when_its_gate_opens(
    slack: FakeSlack, ml: Channel, client: AsyncWebClient
) -> None:
    gate = slack.faults.hang("chat.postMessage")
    call = asyncio.ensure_future(client.chat_postMessage(channel="C1", text="x"))
    await slack.until(lambda: slack.calls)
    assert ml.visible == []
    gate.set()
    assert (await call)["ts"] == ml.visible[0].ts


async def test_a_call_may_hang_after_the_post_was_accepted(slack: FakeSlack, lab: Workspace, ml: Channel) -> None:
    slack.faults.hang("chat.postMessage", accepted=True)
    hasty = AsyncWebClient(lab.bot_token, base_url=slack.api, retry_handlers=[], timeout=1)
    call = asyncio.ensure_future(hasty.chat_postMessage(channel="C1", text="x"))
    await slack.until(lambda: ml.visible)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_slow_answer_comes_in_the_end(slack: FakeSlack, ml: Channel, client: AsyncWebClient) -> None:
    slack.faults.slow("chat.postMessage", 0.05)
    started = asyncio.get_running_loop().time()
    await client.chat_postMessage(channel="C1", text="x")
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert len(ml.visible) == 1


async def test_a_late_call_is_done_though_nobody_waits_any_more(
    slack: FakeSlack, ml: Channel, client: AsyncWebClient
) -> None:
    slack.faults.late("chat.postMessage", 0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.chat_postMessage(channel="C1", text="x")
    assert ml.visible == []
    await slack.until(lambda: ml.visible)


async def test_a_history_that_lags_shows_a_message_later(
    slack: FakeSlack, ml: Channel, client: AsyncWebClient, clock: Clock
) -> None:
    await client.chat_postMessage(channel="C1", text="x")
    slack.faults.history_lag = 2.0
    clock.advance(timedelta(seconds=1))
    assert (await client.conversations_history(channel="C1"))["messages"] == []
    clock.advance(timedelta(seconds=2))
    assert [message["text"] for message in (await client.conversations_history(channel="C1"))["messages"]] == ["x"]


async def test_a_limit_on_demand_says_how_long_to_wait(slack: FakeSlack, ml: Channel, client: AsyncWebClient) -> None:
    slack.faults.limit("chat.postMessage", retry_after=7, workspace="T1")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C1", text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"


async def limited(client: AsyncWebClient, channel: str) -> bool:
    try:
        await client.chat_postMessage(channel=channel, text="x")
    except SlackApiError as refused:
        return str(refused.response["error"]) == "ratelimited"
    return False


async def test_one_post_a_second_passes_in_each_channel(
    slack: FakeSlack, clock: Clock, lab: Workspace, ml: Channel, client: AsyncWebClient
) -> None:
    lab.channel("C2")
    slack.rates.on = True
    assert not await limited(client, "C1")
    assert not await limited(client, "C2")
    assert await limited(client, "C1")
    clock.advance(timedelta(seconds=0.9))
    assert await limited(client, "C1")
    clock.advance(timedelta(seconds=0.1))
    assert not await limited(client, "C1")
    assert slack.rates.refused == 2


async def test_each_method_has_its_rate_in_each_workspace(
    slack: FakeSlack, clock: Clock, ml: Channel, client: AsyncWebClient
) -> None:
    other = slack.workspace("T2")
    other.channel("C1")
    slack.rates.on = True
    for _ in range(50):
        await client.conversations_info(channel="C1")
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_info(channel="C1")
    assert refused.value.response.headers["Retry-After"] == "60"
    assert (await client.conversations_history(channel="C1"))["ok"]
    assert (await AsyncWebClient(other.bot_token, base_url=slack.api).conversations_info(channel="C1"))["ok"]
    clock.advance(timedelta(seconds=60))
    assert (await client.conversations_info(channel="C1"))["ok"]
