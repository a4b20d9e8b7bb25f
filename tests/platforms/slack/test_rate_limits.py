"""What Slack asks to wait is waited: per method and workspace, and a second between two posts of a channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message, Place, Reply
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.slack.rate_limits import RateLimiter
from bot.platforms.slack.responses import ResponseChannel
from bot.ports.platform import NotAccepted
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.slack.team import SlackTeam
from tests.support.harness import demo_papers, harness_over


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    """A team whose bot posts, and does not listen, under Slack's real rates."""
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        slack.rates.on = True
        yield SlackTeam(slack, clock)


async def test_rate_limited_method_is_paused_in_every_channel(
    team: SlackTeam,
) -> None:
    team.slack.faults.limit("chat.postMessage", 17)
    for place, waited in ((team.place, 0), (team.place, 5), (team.elsewhere, 5), (team.place, 6.5)):
        team.clock.advance(timedelta(seconds=waited))
        with pytest.raises(NotAccepted):
            await team.platform.send(place, Message("x"), "key-1")
    with pytest.raises(NotAccepted) as caught:
        await team.platform.tell(team.place, "ada", "x")
    assert caught.value.retry_after == 0.5
    assert len(team.slack.calls_to("chat.postMessage")) == 1
    team.clock.advance(timedelta(seconds=0.5))
    await team.platform.send(team.place, Message("x"), "key-1")


async def test_other_methods_and_other_workspaces_go_on_meanwhile(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message("x"), "key-1")
    team.slack.faults.limit("chat.postMessage", 600)
    with pytest.raises(NotAccepted):
        await team.platform.send(team.place, Message("x"), "key-2")
    assert await team.platform.find(team.place, "key-1", team.now()) == message
    other = team.slack.workspace("T2")
    room = other.channel("C9", "room")
    theirs = SlackPlatform(other.bot_token, team.slack.app_token, team.clock, COMMANDS, api_url=team.slack.api)
    await theirs.send(Place("slack", room.id, "T2"), Message("x"), "key-3")


async def test_reading_waits_for_a_rate_limit_and_then_raises_with_the_remaining_seconds(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message("x"), "key-1")
    team.slack.faults.limit("reactions.get", 4)
    before = team.now()
    await team.platform.reactions(team.place, message)
    assert team.now() - before == timedelta(seconds=4)
    team.slack.faults.limit("reactions.get", 90)
    for _ in range(2):
        with pytest.raises(NotAccepted) as caught:
            await team.platform.reactions(team.place, message)
        assert caught.value.retry_after == 90
    assert len(team.slack.calls_to("reactions.get")) == 3


async def test_reading_much_keeps_slacks_rate_without_being_told_twice(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message("x"), "key-1")
    read = refused = 0
    while read < 120:
        try:
            await team.platform.reactions(team.place, message)
            read += 1
        except NotAccepted as error:
            refused += 1
            await team.clock.sleep(error.retry_after)
    assert refused == team.slack.rates.refused == 2


@pytest.mark.parametrize("told", ["9" * 400, "-5", "soon", "1e9", ""])
async def test_a_wait_that_makes_no_sense_stops_nobody_for_good(team: SlackTeam, told: str) -> None:
    async def limited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 429 No\r\nRetry-After: {told}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(limited, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        api = SlackApi("xoxb-1", f"http://{host}:{port}/", team.clock, team.clock.sleep, team.clock.seconds)
        with pytest.raises(NotAccepted) as caught:
            await api.channel("C1")
        assert caught.value.retry_after <= 86_400


async def test_all_posts_in_a_channel_are_a_second_apart(sqlite_store: Store, team: SlackTeam) -> None:
    harness = harness_over(sqlite_store, team.clock, team.platform)  # type: ignore[arg-type]
    await harness.list_papers(demo_papers()[:8])
    await harness.invite(team.place)
    harness.clock.advance(timedelta(hours=1, minutes=1))
    await harness.app.planner.plan_due()
    await harness.app.delivery_worker.deliver_all()
    api = (await team.platform._workspaces.get("T1")).api
    await ResponseChannel(api, "/papers", COMMANDS, team.place, "ada").show(Reply("Hello.", public=True))
    await team.platform.send(team.place, Message("Good morning."), "greeting")
    await harness.list_papers(demo_papers()[8:9])
    await harness.say(f"submit {demo_papers()[8].id}", place=team.place)
    assert len(team.ml.visible) == 9
    assert team.slack.rates.refused == 0


async def test_an_answer_waits_when_slack_asks_to_and_comes_once(team: SlackTeam) -> None:
    api = (await team.platform._workspaces.get("T1")).api
    room = ResponseChannel(api, "/papers", COMMANDS, team.place, "ada", thread="")
    team.ml.members.append("ada")
    for method, reply in (("chat.postEphemeral", Reply("For you.")), ("chat.postMessage", Reply("All.", public=True))):
        before = team.now()
        team.slack.faults.limit(method, 20)
        await room.show(reply)
        assert team.now() - before == timedelta(seconds=20)
    assert ([each.words for each in team.ada.ephemeral], [each.words for each in team.ml.visible]) == (
        ["For you."],
        ["All."],
    )
    team.slack.faults.limit("chat.postEphemeral", 90)
    with pytest.raises(NotAccepted):
        await room.show(Reply("Too late to matter."))


async def test_a_post_that_was_long_on_its_way_keeps_a_second_to_the_next() -> None:
    clock = Clock()
    limiter = RateLimiter(clock.seconds, clock.sleep)
    await limiter.acquire("C1")
    clock.advance(timedelta(seconds=5))
    limiter.posted("C1")
    for waited, channel in ((0, "C2"), (1, "C1")):
        before = clock()
        await limiter.acquire(channel)
        assert clock() - before == timedelta(seconds=waited)
