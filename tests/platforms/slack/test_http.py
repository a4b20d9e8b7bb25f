"""What comes to /slack/events: signed by Slack and fresh, or turned away before it is read."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode, urlparse

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from bot.model.messages import Message, Place
from bot.platforms.slack.http import HttpSlack, _is_signed
from bot.ports.platform import AccessLost
from bot.store.database import Store
from bot.web.security import is_unlimited
from bot.web.server import Unservable, serving
from tests.fakes.slack.signed import signature
from tests.platforms.conformance import CARD
from tests.platforms.slack.http_team import HttpTeam, http_team_at_work
from tests.platforms.slack.team import buttons


@pytest.fixture
async def team(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[HttpTeam]:
    async with http_team_at_work(sqlite_store, tmp_path) as team:
        yield team


async def posted(
    team: HttpTeam, body: bytes, *, secret: str = "", late: float = 0.0, headers: Mapping[str, str] | None = None
) -> int:
    """Post a body, signed so many seconds ago; the status."""
    stamp = str(int(team.clock().timestamp() - late))
    signed = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(secret or team.slack.signing_secret, stamp, body),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{team.url}/slack/events", data=BytesIO(body), headers={**signed, **(headers or {})}) as answer,
    ):
        return answer.status


CHALLENGE = json.dumps({"type": "url_verification", "challenge": "x"}).encode()


async def test_what_slack_signed_is_taken_and_nothing_else_is(team: HttpTeam) -> None:
    assert await posted(team, CHALLENGE) == 200
    assert await posted(team, CHALLENGE, secret="guessed") == 401
    assert await posted(team, CHALLENGE, late=299) == 200
    assert await posted(team, CHALLENGE, late=301) == 401
    assert await posted(team, CHALLENGE, late=-301) == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=ünsigned"},
        {"X-Slack-Request-Timestamp": "yesterday"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": ""},
    ],
)
async def test_a_strange_signature_is_a_wrong_one(team: HttpTeam, headers: dict[str, str]) -> None:
    assert await posted(team, CHALLENGE, headers=headers) == 401


@given(stamp=st.text() | st.integers().map(str), signature=st.text(), body=st.binary())
def test_no_stranger_gets_in_or_breaks_anything(stamp: str, signature: str, body: bytes) -> None:
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    assert not _is_signed(SignatureVerifier("s1gn"), headers, body)


def test_a_time_that_no_clock_shows_is_a_wrong_one() -> None:
    for digits in (30, 400, 5_000):
        assert not _is_signed(SignatureVerifier("s1gn"), {"X-Slack-Request-Timestamp": "9" * digits}, b"")


async def test_a_body_is_not_read_before_its_signature(team: HttpTeam) -> None:
    for body in (b"\xff\xfe", b"{", b"[" * 100_000):
        assert await posted(team, body, secret="guessed") == 401
        assert await posted(team, body) in (400, 401)
    assert await posted(team, b"x" * 2_000_000) == 413


@pytest.mark.parametrize(
    ("stamp", "signed"),
    [(None, "v0=" + "0" * 64), ("0", "v0=" + "0" * 64), ("now", None), ("now", "v0=short"), ("now", "v1=" + "0" * 64)],
)
async def test_body_is_not_read_without_slacks_signature_headers(
    team: HttpTeam, stamp: str | None, signed: str | None
) -> None:
    address = urlparse(team.url)
    stamp = str(int(team.clock().timestamp())) if stamp == "now" else stamp
    headers = {"Host": "here", "Content-Length": "900000", "Connection": "close"}
    headers |= {"X-Slack-Request-Timestamp": stamp} if stamp else {}
    headers |= {"X-Slack-Signature": signed} if signed else {}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode())
    async with asyncio.timeout(30):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()


def event(**values: object) -> bytes:
    told = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event": values}
    return json.dumps(told).encode()


REACTED = {"type": "reaction_added", "user": "ada", "reaction": "+1", "item": {"channel": "C1", "ts": "1.0"}}
ODD = {
    "null": b"null",
    "list": b"[]",
    "list of a list": b"[[1]]",
    "number": b"7",
    "text": b'"x"',
    "nothing": b"{",
    "not a number": b'{"type": "event_callback", "event": {"x": NaN}}',
    "endless": b'{"type": "event_callback", "event": {"x": -Infinity}}',
    "too large a number": b'{"event": {"x": ' + b"9" * 10_000 + b"}}",
    "deep": b'{"event": ' + b"[" * 500 + b"]" * 500 + b"}",
    "very deep": b"[" * 200_000,
    "half a character": b'{"event": {"text": "\\ud800"}}',
    "far future": event(**REACTED, event_ts="1e30"),
    "never": event(**REACTED, event_ts="nan"),
    "no time": event(**REACTED),
    "time is a list": event(**REACTED, event_ts=[1]),
    "item is a list": event(**(REACTED | {"item": [1]}), event_ts="1.0"),
    "item is a text": event(**(REACTED | {"item": "x"}), event_ts="1.0"),
    "channel is a text": event(type="channel_rename", channel="x"),
    "authorizations": b'{"type": "event_callback", "authorizations": [7], "event": {"type": "message"}}',
    "event is a list": b'{"type": "event_callback", "event_id": "Ev2", "event": ["message"]}',
    "team is a dict": b'{"type": "event_callback", "team_id": {"a": 1}, "event": {"type": "app_mention"}}',
    "message is a list": b'{"type": "message_action", "callback_id": "more", "team": {"id": "T1"}, "message": [1]}',
    "actions is a text": b'{"type": "block_actions", "actions": "xy", "team": {"id": "T1"}, "user": {"id": "ada"}}',
    "button is a text": b'{"type": "block_actions", "actions": ["x"], "team": {"id": "T1"}, "user": {"id": "ada"}}',
    "user is a text": b'{"type": "block_actions", "actions": [{"action_id": "x"}], "team": {"id": "T1"}, "user": "a"}',
    "view is a text": b'{"type": "view_submission", "view": "x", "team": {"id": "T1"}, "user": {"id": "ada"}}',
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("form", [False, True])
async def test_what_is_signed_but_odd_is_refused_without_a_traceback(
    team: HttpTeam, odd: str, form: bool, caplog: pytest.LogCaptureFixture
) -> None:
    body, headers = ODD[odd], {}
    if form:
        body, headers = urlencode({"payload": body}).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    assert await posted(team, body, headers=headers) == 400
    assert "Traceback" not in caplog.text
    assert all(record.exc_info is None for record in caplog.records), caplog.text
    assert team.service.reactions == []


@pytest.mark.parametrize("charset", ["utf-8", "klingon", "utf-7", "\x01"])
async def test_a_charset_that_nobody_knows_changes_nothing(team: HttpTeam, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"} if charset.isprintable() else {}
    assert await posted(team, CHALLENGE, headers=headers) == 200


async def test_a_fault_of_ours_is_told_from_an_odd_payload(
    team: HttpTeam, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("broken inside")

    monkeypatch.setattr(team.service, "react", broken)
    assert await posted(team, event(**REACTED, event_ts="1.0")) == 500
    assert "broken inside" in caplog.text


async def test_a_bot_that_is_just_starting_has_slack_tell_it_again(team: HttpTeam) -> None:
    await team.end()
    assert await posted(team, CHALLENGE) == 503


async def test_events_of_an_unknown_workspace_are_ignored(team: HttpTeam) -> None:
    elsewhere = team.slack.workspace("T9", "strangers")
    eve = elsewhere.member("eve", "eve")
    told = await eve.says("/papers", "settings", elsewhere.channel("C9", "theirs"))
    assert told.acked
    assert "not installed in this workspace" in (await team.slack.until(lambda: eve.ephemeral))[0].text
    assert team.service.asked == []
    with pytest.raises(AccessLost, match="not installed in the workspace T9"):
        await team.platform.send(Place("slack", "C9", "T9"), Message("x"), "key-1")


async def test_two_workspaces_with_channels_of_the_same_id_do_not_mix(team: HttpTeam) -> None:
    other = team.slack.workspace("T2", "library")
    other.scopes = set(team.lab.scopes)
    theirs, cy = other.channel("C1", "books"), other.member("ada", "Ada of the library")
    await team.install(other)
    await asyncio.gather(
        cy.says("/papers", "from the library", theirs), team.ada.says("/papers", "from the lab", team.ml)
    )
    await team.slack.until(lambda: cy.ephemeral and team.ada.ephemeral)
    asked = {line: (place.workspace, place.name, asker.name) for place, asker, line in team.service.asked}
    assert asked == {
        "from the library": ("T2", "books", "Ada of the library"),
        "from the lab": ("T1", "ml-papers", "ada"),
    }
    at = {ws: await team.platform.send(place, Message(f"for {ws}"), "key-1") for ws, place in places(team).items()}
    assert [message.text for message in theirs.visible] == ["for T2"]
    assert [message.text for message in team.ml.visible] == ["for T1"]
    await cy.reacts(theirs, at["T2"], "+1")
    assert [(each.place.workspace, each.message) for each in team.service.reactions] == [("T2", at["T2"])]
    since = team.now() - timedelta(hours=1)
    found = {ws: await team.platform.find(place, "key-1", since) for ws, place in places(team).items()}
    assert found == at


def places(team: HttpTeam) -> dict[str, Place]:
    return {"T1": team.place, "T2": Place("slack", "C1", "T2")}


async def test_event_of_a_shared_channel_is_handled_for_the_workspace_with_the_bot(team: HttpTeam) -> None:
    [told] = await team.lab.emit(
        {"type": "app_mention", "channel": "C1", "user": "ada", "team": "T7", "text": "today", "ts": "1.0"},
    )
    assert told.acked
    await team.slack.until(lambda: team.service.asked)
    assert [place.workspace for place, _, _ in team.service.asked] == ["T1"]


async def test_press_from_another_company_counts_for_the_cards_channel(team: HttpTeam) -> None:
    other = team.slack.workspace("T2", "library")
    await team.install(other)
    card = await team.platform.send(team.place, Message(card=CARD), "key-1")
    [button] = [each for each in buttons(team.ml.message(card).blocks) if "more" in each["value"]]
    await other.member("cy", "Cy").presses(team.ml, card, button["action_id"])
    assert [place.workspace for place, _, _ in team.service.acted] == ["T1"]


async def test_where_slack_holds_events_back_reactions_are_read_back(team: HttpTeam) -> None:
    told = {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820, "api_app_id": "A0PAPERBOY"}
    assert await posted(team, json.dumps(told).encode()) == 200
    assert team.service.misses == 1


async def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unservable, match=f"127.0.0.1:{port} .* PAPERBOY_WEB__PORT"):
            async with serving([], "127.0.0.1", port):
                pass


async def test_the_server_says_that_it_is_well(team: HttpTeam) -> None:
    assert (await team.browse("/healthz"))[:2] == (200, "ok\n")


def test_events_are_not_limited_since_all_members_have_the_address_of_slack() -> None:
    assert is_unlimited(HttpSlack._receive_event)
    assert not is_unlimited(HttpSlack._start_installation)
