"""What goes wrong on demand, Discord's rates, and its memory for nonces."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import discord
import pytest

from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord, Guild, Member
from tests.fakes.discord.tests.conftest import Ears


async def test_a_bad_gateway_after_accepting_doubles_what_has_no_nonce(
    fake: FakeDiscord, connected: Ears, lab: Guild, ml: Channel
) -> None:
    posts = lab.forum("posts")
    forum = await fake.until(lambda: connected.get_channel(int(posts.id)))
    assert isinstance(forum, discord.ForumChannel)
    for name in ("create_message", "start_thread"):
        fake.faults.status(name, 502, accepted=True)
    await asyncio.gather(connected.text(ml).send("card"), forum.create_thread(name="today", content="card"))
    assert [message.words for message in ml.visible] == ["card"]
    assert [thread.name for thread in posts.threads] == ["today", "today"]
    assert {call.body["enforce_nonce"] for call in fake.calls_to("create_message")} == {True}


async def test_a_nonce_is_remembered_for_some_minutes(
    fake: FakeDiscord, clock: Clock, connected: Ears, ml: Channel
) -> None:
    first = await connected.text(ml).send("card", nonce="d1-1")
    clock.advance(timedelta(minutes=2, seconds=59))
    assert (await connected.text(ml).send("another", nonce="d1-1")).id == first.id
    clock.advance(timedelta(seconds=1))
    assert (await connected.text(ml).send("card", nonce="d1-1")).id != first.id
    assert [message.words for message in ml.visible] == ["card", "card"]


async def test_the_nonce_of_a_deleted_message_is_not_used_again(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    await connected.text(ml).send("card", nonce="d1-1")
    await ada.removes(ml.visible[0])
    with pytest.raises(discord.NotFound):
        await connected.text(ml).send("card", nonce="d1-1")
    assert ml.visible == []


async def test_a_nonce_that_is_not_enforced_names_a_message_and_no_more(
    fake: FakeDiscord, connected: Ears, ml: Channel
) -> None:
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=ml.id)
    for _ in range(2):
        await connected.http.request(route, json={"content": "card", "nonce": "x"})
    assert [message.nonce for message in ml.visible] == ["x", "x"]


async def test_a_lost_reply_leaves_the_message_and_tells_nobody(
    fake: FakeDiscord, connected: Ears, ml: Channel
) -> None:
    fake.faults.lose_reply("create_message")
    with pytest.raises((aiohttp.ClientError, OSError)):
        await connected.text(ml).send("once")
    assert [message.words for message in ml.visible] == ["once"]
    assert fake.calls_to("create_message")[0].status == 0


async def test_a_lost_request_leaves_nothing(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    fake.faults.lose_request("create_message", channel=ml.id)
    with pytest.raises((aiohttp.ClientError, OSError)):
        await connected.text(ml).send("never")
    assert ml.visible == []


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_limit_is_waited_for(everywhere: bool, fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    fake.faults.limit("create_message", retry_after=0.01, everywhere=everywhere)
    await connected.text(ml).send("card")
    assert [call.status for call in fake.calls_to("create_message")] == [429, 200]
    assert len(fake.invalid) == 1


async def test_a_limit_without_via_is_a_ban_that_nobody_waits_for(
    fake: FakeDiscord, connected: Ears, ml: Channel
) -> None:
    fake.faults.limit("create_message", retry_after=60, via=False)
    with pytest.raises(discord.HTTPException) as refused:
        await connected.text(ml).send("card")
    assert refused.value.status == 429
    assert ml.visible == []


async def test_who_hammers_is_kept_out(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    fake.most_invalid = 2
    fake.faults.error("create_message", 50013, times=2)
    for _ in range(2):
        with pytest.raises(discord.Forbidden):
            await connected.text(ml).send("card")
    with pytest.raises(discord.HTTPException) as refused:
        await connected.text(ml).send("card")
    assert refused.value.status == 429
    assert [one.status for one in fake.invalid] == [403, 403, 429]


@pytest.mark.parametrize(("code", "status"), [(0, 401), (50001, 403), (50013, 403), (10003, 404)])
async def test_an_error_on_demand_is_discords_own(
    code: int, status: int, fake: FakeDiscord, connected: Ears, ml: Channel
) -> None:
    fake.faults.error("create_message", code)
    with pytest.raises(discord.HTTPException) as refused:
        await connected.text(ml).send("card")
    assert (refused.value.code, refused.value.status) == (code, status)
    assert ml.visible == []


async def test_a_service_that_is_away_answers_with_a_page(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    fake.faults.status("create_message", 503)
    with pytest.raises(discord.DiscordServerError) as failed:
        await connected.text(ml).send("card")
    assert failed.value.status == 503


async def test_a_hanging_call_is_done_when_its_gate_opens(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    gate = fake.faults.hang("create_message")
    sending = asyncio.ensure_future(connected.text(ml).send("card"))
    await fake.until(lambda: fake.calls_to("create_message"))
    assert ml.visible == []
    gate.set()
    assert (await sending).id == int(ml.visible[0].id)


async def test_a_call_may_hang_after_it_was_done(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    fake.faults.hang("create_message", accepted=True)
    sending = asyncio.ensure_future(connected.text(ml).send("card"))
    await fake.until(lambda: ml.visible)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_who_is_away_is_reached_by_nobody(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    await connected.text(ml).send("before")
    await fake.goes_away()
    with pytest.raises(aiohttp.ClientConnectorError):
        await connected.text(ml).send("lost")
    await fake.comes_back()
    await connected.text(ml).send("after")
    assert [message.words for message in ml.visible] == ["before", "after"]


async def send(session: aiohttp.ClientSession, fake: FakeDiscord, channel: Channel) -> aiohttp.ClientResponse:
    address = f"{fake.api}/channels/{channel.id}/messages"
    return await session.post(address, json={"content": "x"}, headers={"Authorization": f"Bot {fake.token}"})


async def test_each_channel_has_its_bucket(fake: FakeDiscord, clock: Clock, lab: Guild, ml: Channel) -> None:
    other = lab.text("other")
    fake.rates.on = True
    async with aiohttp.ClientSession() as session:
        left = [(await send(session, fake, ml)).headers["X-RateLimit-Remaining"] for _ in range(5)]
        assert left == ["4", "3", "2", "1", "0"]
        limited = await send(session, fake, ml)
        assert (limited.status, limited.headers["Retry-After"], limited.headers["Via"]) == (429, "5.0", "1.1 google")
        assert (await limited.json())["global"] is False
        assert (await send(session, fake, other)).status == 200
        clock.advance(timedelta(seconds=5))
        assert (await send(session, fake, ml)).status == 200
    assert fake.rates.refused == 1


async def test_fifty_calls_a_second_pass_in_all(fake: FakeDiscord, clock: Clock, lab: Guild) -> None:
    fake.rates.on = True
    channels = [lab.text(f"c{number}") for number in range(51)]
    async with aiohttp.ClientSession() as session:
        for channel in channels[:50]:
            assert (await send(session, fake, channel)).status == 200
        limited = await send(session, fake, channels[50])
        assert (limited.status, limited.headers["X-RateLimit-Global"]) == (429, "true")
        clock.advance(timedelta(seconds=1))
        assert (await send(session, fake, channels[50])).status == 200


async def test_a_fault_for_a_route_that_does_not_exist_is_a_mistake_of_the_test(fake: FakeDiscord) -> None:
    with pytest.raises(AssertionError, match="no route is called"):
        fake.faults.lose_reply("chat.postMessage")


async def test_discord_py_gets_its_own_addresses_back(fake: FakeDiscord) -> None:
    inside = discord.http.Route.BASE
    with fake.spoken_to():
        assert fake.api == discord.http.Route.BASE
    assert inside == discord.http.Route.BASE
    assert fake.unknown == []
