"""What people do and see, with the real slack-bolt on the other side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import Clock
from tests.fakes.slack import Channel, FakeSlack, Json, Member, Workspace

Connected = AsyncSocketModeHandler


@pytest.fixture
def events(app: AsyncApp) -> list[Json]:
    """Every event's body, as bolt gets it."""
    got: list[Json] = []

    @app.use
    async def keep(body: Json, next: Any) -> None:  # noqa: A002 - bolt's own word
        if "event" in body:
            got.append(body)
        await next()

    for name in (
        *("reaction_added", "reaction_removed", "app_mention", "message", "app_home_opened", "member_joined_channel"),
        *("member_left_channel", "channel_left", "channel_archive", "channel_rename", "channel_deleted", "group_left"),
        *("group_archive", "app_uninstalled", "tokens_revoked"),
    ):

        @app.event(name)
        async def handled() -> None:
            """Acknowledged."""

    return got


def inner(events: list[Json]) -> list[str]:
    return [event["event"]["type"] for event in events]


async def test_a_reaction_counts_once_and_can_be_taken_back(
    events: list[Json], connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C1", text="card"))["ts"]
    assert len(await ada.reacts(ml, ts, "+1")) == 1
    assert await ada.reacts(ml, ts, "+1") == []
    assert len(await ada.unreacts(ml, ts, "+1")) == 1
    assert await ada.unreacts(ml, ts, "+1") == []
    assert ml.message(ts).reactions == {}
    assert inner(events) == ["reaction_added", "reaction_removed"]


async def test_words_reach_the_bot_by_mention_and_in_private(
    events: list[Json], connected: Connected, lab: Workspace, ml: Channel, ada: Member
) -> None:
    top = await ada.writes(ml, "anything on <secure sums>?")
    await ada.mentions(ml, "secure & sums", thread_ts=top)
    await ada.sends_dm("topics")
    mention, direct = (event["event"] for event in events)
    assert mention["text"] == f"<@{lab.bot_user}> secure &amp; sums"
    assert (mention["type"], mention["channel"], mention["thread_ts"]) == ("app_mention", "C1", top)
    assert (direct["type"], direct["channel_type"], direct["channel"]) == ("message", "im", ada.dm.id)
    assert ml.visible[0].text == "anything on &lt;secure sums&gt;?"


async def test_the_bot_hears_only_of_channels_it_is_in_and_events_it_asked_for(
    slack: FakeSlack, events: list[Json], connected: Connected, lab: Workspace, ml: Channel, ada: Member
) -> None:
    other = lab.channel("C2", bot=False)
    await ada.mentions(other, "hello")
    ts = await ada.writes(ml, "not for the bot")
    slack.subscribed.discard("reaction_added")
    await ada.reacts(ml, ts, "+1")
    lab.scopes.discard("app_mentions:read")
    await ada.mentions(ml, "hello")
    assert events == []


async def test_the_life_of_a_channel_is_told(
    events: list[Json], connected: Connected, lab: Workspace, ada: Member
) -> None:
    channel = lab.channel("C2", name="old", bot=False)
    await ada.invites_bot(channel)
    await ada.renames(channel, "new")
    await ada.archives(channel)
    assert channel.archived
    await ada.removes_bot(channel)
    assert not channel.has_bot
    assert inner(events) == [
        *("member_joined_channel", "channel_rename", "channel_archive", "channel_left", "member_left_channel")
    ]
    assert (events[0]["event"]["user"], events[0]["event"]["inviter"]) == (lab.bot_user, "U1")
    assert events[1]["event"]["channel"]["name"] == "new"


async def test_a_channel_made_private_says_nothing_and_is_private(
    events: list[Json], connected: Connected, lab: Workspace, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    ada.makes_private(ml)
    assert (await client.conversations_info(channel="C1"))["channel"]["is_private"]
    assert events == []
    await ada.removes_bot(ml)
    assert inner(events) == ["group_left", "member_left_channel"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.conversations_info(channel="C1")


async def test_an_uninstall_is_told_by_two_events_in_whatever_order(
    slack: FakeSlack, clock: Clock, events: list[Json], connected: Connected, lab: Workspace, ada: Member
) -> None:
    await ada.opens_home()  # from now on bolt knows its token
    with slack.holding() as held:
        await lab.uninstalls()
    left = clock()
    clock.advance(timedelta(minutes=5))
    lab.reinstalls()
    await slack.release(reversed(held))
    assert inner(events) == ["app_home_opened", "app_uninstalled", "tokens_revoked"]
    assert {one.payload["event_time"] for one in held} == {int(left.timestamp())}


async def test_after_an_uninstall_no_events_come_and_no_calls_succeed(
    slack: FakeSlack, lab: Workspace, ml: Channel, ada: Member
) -> None:
    slack.retries = 0
    await lab.uninstalls()
    assert await ada.mentions(ml, "still there?") == []
    with pytest.raises(AssertionError, match="not installed"):
        await ada.says("/papers", "x", ml)
    assert [delivery.payload["event"]["type"] for delivery in slack.deliveries] == ["tokens_revoked", "app_uninstalled"]


async def test_the_bot_hears_what_it_says_in_private_and_bolt_leaves_it_out(
    slack: FakeSlack, events: list[Json], connected: Connected, lab: Workspace, ada: Member, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=ada.dm.id, text="hello")
    await client.chat_update(channel=ada.dm.id, ts=posted["ts"], text="hello again")
    await slack.settled()
    said, changed = (delivery.payload["event"] for delivery in slack.deliveries)
    assert (said["user"], said["bot_id"], said["channel_type"]) == (lab.bot_user, lab.bot_id, "im")
    assert (changed["subtype"], changed["previous_message"]["text"]) == ("message_changed", "hello")
    assert events == []


async def test_an_event_comes_twice_or_out_of_order_when_asked(
    slack: FakeSlack, events: list[Json], connected: Connected, ml: Channel, ada: Member
) -> None:
    ts = await ada.writes(ml, "card")
    with slack.holding() as held:
        await ada.reacts(ml, ts, "+1")
        await ada.unreacts(ml, ts, "+1")
    assert events == []
    await slack.release(reversed(held))
    assert inner(events) == ["reaction_removed", "reaction_added"]
    assert float(events[0]["event"]["event_ts"]) > float(events[1]["event"]["event_ts"])
    slack.twice = True
    [delivery] = await ada.reacts(ml, ts, "eyes")
    await slack.again(delivery)
    assert len({event["event_id"] for event in events}) == 3
    assert [event["event_id"] for event in events].count(delivery.payload["event_id"]) == 3


async def test_what_rings_a_bell_is_noticed(ml: Channel, client: AsyncWebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "hi <@U1> and <!channel|all>"}}
    header = {"type": "header", "text": {"type": "plain_text", "text": "<!here>"}}
    await client.chat_postMessage(channel="C1", text="&lt;!here&gt;", blocks=[section, header])
    [seen] = ml.visible
    assert seen.pings == ["<@U1>", "<!channel|all>"]
