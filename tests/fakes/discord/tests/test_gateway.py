"""The websocket from HELLO to its end, and what is told, told again, or never."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.discord import Channel, FakeDiscord, Guild, Intent, Member
from tests.fakes.discord.tests.conftest import INTENTS, Ears


async def test_guilds_come_unavailable_and_then_whole(
    fake: FakeDiscord, lab: Guild, ml: Channel, connected: Ears
) -> None:
    assert fake.gateway.identified[0]["intents"] == INTENTS.value
    assert [one.name for one in connected.all("guild_available")] == ["lab"]
    assert connected.text(ml).guild.me.id == int(fake.bot.id)
    assert connected.all("guild_join") == []


async def test_the_members_of_a_guild_are_told_to_nobody_who_may_not_ask(
    fake: FakeDiscord, ada: Member, connected: Ears
) -> None:
    guild = connected.guilds[0]
    assert (guild.member_count, len(guild.members)) == (2, 1)
    assert (await guild.query_members(user_ids=[int(ada.id)]))[0].name == "ada"


async def test_a_wrong_token_is_refused_at_the_door(fake: FakeDiscord, client: Ears) -> None:
    with pytest.raises(discord.LoginFailure):
        await client.start("wrong")
    await client.close()
    assert [one.status for one in fake.invalid] == [401]


async def test_a_token_that_was_reset_is_refused_by_the_gateway(fake: FakeDiscord, client: Ears) -> None:
    await client.login(fake.token)
    fake.token = "another"
    with pytest.raises(discord.ConnectionClosed) as closed:
        await client.connect()
    assert closed.value.code == 4004


async def test_a_privileged_intent_must_be_switched_on(fake: FakeDiscord, lab: Guild) -> None:
    nosy = discord.Intents(guilds=True, message_content=True)
    client = Ears(nosy)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await client.start(fake.token)
    await client.close()


async def test_what_was_not_asked_for_is_not_told(fake: FakeDiscord, ml: Channel, ada: Member) -> None:
    client = Ears(discord.Intents(guilds=True))
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.until(lambda: client.all("ready"))
    message = await ada.writes(ml, "hello")
    await ada.reacts(message, "👍")
    await ada.renames(ml, "papers")
    await fake.until(lambda: client.all("guild_channel_update"))
    assert client.all("message") == client.all("raw_reaction_add") == []
    await client.close()
    await running


async def test_with_the_content_intent_everything_is_read(fake: FakeDiscord, ml: Channel, ada: Member) -> None:
    fake.privileged = Intent.MESSAGE_CONTENT
    client = Ears(discord.Intents(guilds=True, guild_messages=True, message_content=True))
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.until(lambda: client.all("ready"))
    await ada.writes(ml, "hello")
    await fake.until(lambda: client.all("message"))
    assert client.all("message")[0].content == "hello"
    await client.close()
    await running


@pytest.mark.parametrize("trouble", ["reconnect", "drop", "close", "resumable"])
async def test_a_resumed_session_is_told_what_it_missed(
    trouble: str, fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    message = await ada.writes(ml, "hello")
    await fake.until(lambda: connected.all("message"))
    if trouble == "drop":
        fake.gateway.drop()
    elif trouble == "resumable":
        await fake.gateway.invalidate(resumable=True)
    else:
        await (fake.gateway.reconnect() if trouble == "reconnect" else fake.gateway.close(4000))
    await ada.reacts(message, "👍")
    await fake.until(lambda: connected.all("raw_reaction_add"))
    await fake.until(lambda: connected.all("resumed"))
    assert len(connected.all("message")) == len(connected.all("raw_reaction_add")) == 1
    assert (len(fake.gateway.identified), len(fake.gateway.resumed)) == (1, 1)


@pytest.mark.parametrize("trouble", ["invalidated", "forgotten", "timed out"])
async def test_a_lost_session_begins_anew_and_is_told_nothing(
    trouble: str, fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    message = await ada.writes(ml, "hello")
    await fake.until(lambda: connected.all("message"))
    if trouble == "invalidated":
        await fake.gateway.invalidate()
    elif trouble == "forgotten":
        fake.gateway.forget()
        fake.gateway.drop()
    else:
        await fake.gateway.close(4009)
    await ada.reacts(message, "👍")
    await fake.until(lambda: len(connected.all("ready")) == 2)
    assert len(fake.gateway.identified) == 2
    assert connected.all("raw_reaction_add") == []
    assert message.count("👍") == 1


async def test_a_first_connect_that_fails_breaks_the_library(fake: FakeDiscord, client: Ears) -> None:
    fake.gateway.refuse()
    with pytest.raises(AttributeError, match="sequence"):
        await client.start(fake.token)
    await client.close()
    assert fake.gateway.opened == 1


async def test_an_outage_is_no_removal(fake: FakeDiscord, connected: Ears, lab: Guild) -> None:
    await lab.outage()
    await fake.until(lambda: connected.all("guild_unavailable"))
    await lab.recovers()
    await fake.until(lambda: len(connected.all("guild_available")) == 2)
    assert connected.all("guild_remove") == connected.all("guild_join") == []
    await lab.removes_bot()
    await fake.until(lambda: connected.all("guild_remove"))
    await lab.adds_bot()
    await fake.until(lambda: connected.all("guild_join"))


async def test_a_guild_that_is_away_at_the_start_comes_later(
    fake: FakeDiscord, client: Ears, ml: Channel, lab: Guild
) -> None:
    lab.unavailable = True
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.until(lambda: client.all("ready"))
    assert client.guilds[0].unavailable
    await lab.recovers()
    await fake.until(lambda: client.all("guild_available"))
    assert client.text(ml).name == "ml-papers"
    await client.close()
    await running


async def test_each_guild_is_told_to_its_shard(fake: FakeDiscord, lab: Guild) -> None:
    other, heard = fake.guild("other"), []
    fake.gateway.shards = 2

    class Sharded(discord.AutoShardedClient):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            """Discord lets one shard in each five seconds; this server does not."""

        async def on_raw_reaction_add(self, told: discord.RawReactionActionEvent) -> None:
            guild = self.get_guild(told.guild_id or 0)
            assert guild is not None
            heard.append((guild.name, guild.shard_id))

    client = Sharded(intents=INTENTS, guild_ready_timeout=0.02)
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.gateway.connected(2)
    assert [one["shard"] for one in fake.gateway.identified] == [[0, 2], [1, 2]]
    await fake.until(lambda: len([guild for guild in client.guilds if not guild.unavailable]) == 2)
    for guild in (lab, other):
        message = await guild.member("ada").writes(guild.text("papers"), "hello")
        await guild.member("bob").reacts(message, "👍")
    await fake.until(lambda: len(heard) == 2)
    assert sorted(heard) == sorted((one.name, (int(one.id) >> 22) % 2) for one in (lab, other))
    await client.close()
    await running


async def test_heartbeats_are_acknowledged(fake: FakeDiscord, ml: Channel, client: Ears) -> None:
    fake.gateway.heartbeat = 0.02
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.until(
        lambda: fake.gateway.links and len([1 for one in fake.gateway.links[0].received if one["op"] == 1]) > 2
    )
    assert client.latency < 1
    await client.close()
    await running


@pytest.mark.parametrize(
    ("payloads", "code"),
    [
        ([{"op": 3, "d": {}}], 4003),
        ([{"op": 2, "d": {"token": "wrong", "intents": 1}}], 4004),
        ([{"op": 2, "d": {"token": "T", "intents": 1}}] * 2, 4005),
        ([{"op": 1, "d": None}] * 121, 4008),
        ([{"op": 2, "d": {"token": "T", "intents": 1, "shard": [2, 2]}}], 4010),
    ],
)
async def test_a_client_that_misbehaves_is_shown_out(
    payloads: list[dict[str, Any]], code: int, fake: FakeDiscord
) -> None:
    fake.token = "T"
    async with aiohttp.ClientSession() as session, session.ws_connect(fake.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        for payload in payloads:
            await socket.send_json(payload)
        async for _ in socket:
            pass
        assert socket.close_code == code
