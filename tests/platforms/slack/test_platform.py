from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.commands.registry import COMMANDS
from bot.model.messages import Message
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.platform import Acknowledging, SlackPlatform
from bot.platforms.slack.render import block_id
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected, Uncertain, WorkspaceLost
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.conformance import CARD, HOSTILE, LONG_AGO
from tests.platforms.slack.team import SlackTeam


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    """A team whose bot posts, and does not listen."""
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        yield SlackTeam(slack, clock)


async def test_a_post_carries_its_key_twice_and_opens_no_links(team: SlackTeam) -> None:
    await team.platform.send(team.place, Message(card=CARD), "key-1")
    [call] = team.slack.calls_to("chat.postMessage")
    [message] = team.ml.visible
    assert message.metadata == {"event_type": "paperboy_post", "event_payload": {"key": "key-1"}}
    assert message.blocks[0]["block_id"] == block_id("key-1")
    assert (call.args["unfurl_links"], call.args["unfurl_media"]) == (False, False)


async def test_hostile_words_ring_nobodys_bell(team: SlackTeam) -> None:
    await team.platform.send(team.place, Message(HOSTILE + " <!here> <!subteam^S1> <@U2>"), "key-1")
    assert [message.pings for message in team.ml.visible] == [[]]


@pytest.mark.parametrize("strip", ["metadata", "block"])
async def test_a_post_is_found_by_either_of_its_marks(team: SlackTeam, strip: str) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    if strip == "metadata":
        team.ml.visible[0].metadata = None
    else:
        team.ml.visible[0].blocks[0]["block_id"] = "other"
    assert await team.platform.find(team.place, "key-1", team.now()) == message


async def test_a_post_is_found_behind_many_others(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    for n in range(450):
        await team.ada.writes(team.ml, f"chatter {n}")
    assert await team.platform.find(team.place, "key-1", LONG_AGO) == message
    assert len(team.slack.calls_to("conversations.history")) == 3


async def test_a_search_with_no_start_reads_a_bounded_number_of_pages(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    for n in range(999):
        await team.ada.writes(team.ml, f"chatter {n}")
    assert await team.platform.find(team.place, "key-1") == message
    await team.ada.writes(team.ml, "chatter 999")
    assert await team.platform.find(team.place, "key-1") is None
    assert len(team.slack.calls_to("conversations.history")) == 10


async def test_what_somebody_else_marked_with_a_key_is_not_the_post(team: SlackTeam) -> None:
    await team.ada.writes(team.ml, "mine")
    team.ml.visible[0].metadata = {"event_type": "paperboy_post", "event_payload": {"key": "key-1"}}
    assert await team.platform.find(team.place, "key-1", LONG_AGO) is None


async def test_a_post_of_a_clock_that_runs_behind_is_found(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    assert await team.platform.find(team.place, "key-1", team.now() + timedelta(minutes=2)) == message


@pytest.mark.parametrize(
    ("error", "means"),
    [
        *((name, AccessLost) for name in ("channel_not_found", "not_in_channel", "is_archived")),
        *((name, AccessLost) for name in ("restricted_action_thread_only_channel", "missing_scope")),
        *((name, AccessLost) for name in ("no_permission", "ekm_access_denied")),
        *((name, WorkspaceLost) for name in ("account_inactive", "invalid_auth", "token_revoked", "token_expired")),
        *((name, Rejected) for name in ("invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text")),
        *((name, Uncertain) for name in ("fatal_error", "internal_error", "service_unavailable")),
        *((name, NotAccepted) for name in ("ratelimited", "request_timeout")),
    ],
)
async def test_what_slack_says_means_what_it_means(team: SlackTeam, error: str, means: type[PlatformError]) -> None:
    team.slack.faults.error("chat.postMessage", error)
    with pytest.raises(PlatformError, match=error) as caught:
        await team.platform.send(team.place, Message("x"), "key-1")
    assert type(caught.value) is means
    assert len(team.slack.calls_to("chat.postMessage")) == 1, "nothing is tried twice"


async def test_a_limit_says_how_long_to_wait(team: SlackTeam) -> None:
    team.slack.faults.limit("chat.postMessage", 17)
    with pytest.raises(NotAccepted) as caught:
        await team.platform.send(team.place, Message("x"), "key-1")
    assert caught.value.retry_after == 17


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("trouble", ["cut", "500", "503", "fatal_error"])
async def test_a_lost_reply_is_uncertain_and_is_not_sent_again(team: SlackTeam, trouble: str, accepted: bool) -> None:
    faults = team.slack.faults
    if trouble == "cut":
        (faults.lose_reply if accepted else faults.lose_request)("chat.postMessage")
    elif trouble.isdecimal():
        faults.status("chat.postMessage", int(trouble), accepted=accepted)
    else:
        faults.error("chat.postMessage", trouble, accepted=accepted)
    since = team.now()
    with pytest.raises(Uncertain):
        await team.platform.send(team.place, Message("x"), "key-1")
    assert len(team.ml.visible) == accepted
    assert (await team.platform.find(team.place, "key-1", since) is not None) == accepted


@pytest.mark.parametrize("status", [401, 403, 404, 407, 451])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/html", "<html>blocked</html>"),
        ("text/plain", "blocked"),
        ("application/json", "<html>blocked</html>"),
        ("application/json", '["blocked"]'),
        ("application/json", '{"error": "channel_not_found"}'),
    ],
)
async def test_an_answer_that_is_not_slacks_means_try_later(team: SlackTeam, status: int, kind: str, text: str) -> None:
    team.slack.faults.page("chat.postMessage", status, text, kind)
    with pytest.raises(NotAccepted, match="not Slack's") as caught:
        await team.platform.send(team.place, Message("Good morning."), "key-1")
    assert "blocked" not in str(caught.value)
    assert caught.value.retry_after == 60.0
    assert await team.platform.send(team.place, Message("Good morning."), "key-1")


@pytest.mark.parametrize(("kind", "text"), [("text/plain", "welcome"), ("application/json", "[1]"), ("text/html", "")])
async def test_a_page_with_status_200_leaves_a_post_uncertain(team: SlackTeam, kind: str, text: str) -> None:
    team.slack.faults.page("chat.postMessage", 200, text, kind)
    with pytest.raises(Uncertain) as caught:
        await team.platform.send(team.place, Message("Good morning."), "key-1")
    assert "welcome" not in str(caught.value)


async def test_a_slack_that_can_not_be_reached_has_accepted_nothing(team: SlackTeam) -> None:
    nowhere = SlackPlatform(
        team.lab.bot_token, team.slack.app_token, team.clock, COMMANDS, api_url="http://127.0.0.1:9/api/"
    )
    with pytest.raises(NotAccepted, match="can't be reached") as caught:
        await nowhere.send(team.place, Message("x"), "key-1")
    assert caught.value.retry_after, "an outage of hours uses up no tries"


async def test_a_send_that_is_given_up_is_looked_up_afterwards(team: SlackTeam) -> None:
    team.slack.faults.hang("chat.postMessage", accepted=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await team.platform.send(team.place, Message("x"), "key-1")
    assert await team.platform.find(team.place, "key-1", team.now()) == team.ml.visible[0].ts


async def test_an_answer_whose_reply_is_lost_is_not_given_twice(team: SlackTeam) -> None:
    given = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        given.append(await reader.readuntil(b"}"))
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises(Uncertain):
            await SlackApi("xoxb-1", team.slack.api, team.clock).respond(f"http://{host}:{port}/", {"text": "x"})
    assert len(given) == 1


async def test_nothing_to_show_is_refused_before_it_is_sent(team: SlackTeam) -> None:
    with pytest.raises(Rejected):
        await team.platform.send(team.place, Message("\x1b\u202e"), "key-1")
    assert not team.slack.calls


async def test_reactions_name_every_member_and_no_bot(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    many = [team.lab.member(f"U{n}", f"m{n}") for n in range(9)]
    for each in [*many, team.lab.member("UBOT", "helper", bot=True)]:
        await each.reacts(team.ml, message, "thumbsup")
    standing = await team.platform.reactions(team.place, message)
    assert standing == [(each.id, ":+1:") for each in many]


async def test_reactions_of_a_deleted_card_are_not_taken_for_none(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    team.ada.deletes(team.ml, message)
    with pytest.raises(Rejected, match="message_not_found"):
        await team.platform.reactions(team.place, message)


async def test_reading_waits_when_it_is_told_to(team: SlackTeam) -> None:
    message = await team.platform.send(team.place, Message(card=CARD), "key-1")
    team.slack.faults.limit("reactions.get", 0)
    assert await team.platform.reactions(team.place, message) == []
    assert len(team.slack.calls_to("reactions.get")) == 2


async def test_a_private_word_is_a_direct_message(team: SlackTeam) -> None:
    await team.platform.tell(team.place, "ada", "I can no longer post. `/papers help`")
    assert [message.text for message in team.ada.dm.visible] == ["I can no longer post. /papers help"]


async def test_a_wrong_token_is_told_at_once(team: SlackTeam) -> None:
    wrong = SlackPlatform(team.lab.bot_token, "xapp-wrong", team.clock, COMMANDS, api_url=team.slack.api)
    with pytest.raises(AccessLost, match="invalid_auth"):
        await wrong.run(team.service)


async def test_what_was_not_told_while_there_was_no_connection_is_read_back(team: SlackTeam) -> None:
    await team.start()
    await team.slack.until(lambda: team.service.rolls)
    assert team.service.misses == 0, "the scheduler reads back on start by itself"
    await team.stop()
    await team.start()
    await team.slack.until(lambda: team.service.misses)
    await team.stop()


async def test_an_archived_channel_is_none_that_the_bot_is_in(team: SlackTeam) -> None:
    team.ml.archived = True
    await team.platform.sync_memberships(team.service, "T1")
    assert [[room.address for room in roll] for roll in team.service.rolls] == [[team.elsewhere.address]]


async def test_run_ends_when_a_broken_connection_does_not_come_back(team: SlackTeam) -> None:
    slack = team.slack
    platform = SlackPlatform(
        team.lab.bot_token, slack.app_token, team.clock, COMMANDS, api_url=slack.api, ping_seconds=0.1
    )
    running = asyncio.create_task(platform.run(team.service))
    await slack.sockets.connected()
    slack.faults.error("apps.connections.open", "internal_error", times=1_000)
    slack.sockets.drop()
    with pytest.raises(NotAccepted, match="did not come back"):
        await asyncio.wait_for(running, 20)


async def test_nothing_is_sent_to_a_workspace_that_the_token_is_not_of(team: SlackTeam) -> None:
    with pytest.raises(AccessLost, match="not installed in the workspace T2"):
        await team.platform.send(replace(team.place, workspace="T2"), Message("x"), "key-1")
    assert not team.slack.calls_to("chat.postMessage")


async def test_not_knowing_yet_who_the_bot_is_makes_no_post_uncertain(team: SlackTeam) -> None:
    team.slack.faults.lose_reply("auth.test")
    with pytest.raises(NotAccepted):
        await team.platform.send(team.place, Message("x"), "key-1")
    assert not team.slack.calls_to("chat.postMessage")


async def test_a_connection_that_closes_before_an_acknowledgement_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    class Worked:
        async def async_dispatch(self, request: object) -> BoltResponse:
            return BoltResponse(status=200, body="")

    class Closed:
        logger = logging.getLogger("closed")

        async def send_socket_mode_response(self, response: object) -> None:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    handler = object.__new__(Acknowledging)
    handler.app = cast("AsyncApp", Worked())
    request = SocketModeRequest(type="events_api", envelope_id="1", payload={"type": "event_callback"})
    await handler.handle(cast("SocketModeClient", Closed()), request)
    assert caplog.records == []
