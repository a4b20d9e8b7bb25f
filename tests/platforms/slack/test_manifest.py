from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.platforms.slack.listeners import BEFORE_ACK, EVENTS, HOME, QUESTIONS, REMOVALS
from bot.platforms.slack.manifest import manifest
from bot.platforms.slack.scopes import SCOPES
from tests.fakes.slack.payloads import EVENT_SCOPES
from tests.platforms.slack.team import team_at_work

ADDRESS = "https://paperboy.example.org"
FILE = Path(__file__).parents[3] / "config" / "slack-manifest.yaml"
WRITTEN = re.findall(r"^      - ([a-z_]+(?:\.im)?)$", FILE.read_text("utf-8"), re.MULTILINE)
"""The events of the committed file."""


def test_the_committed_manifest_is_the_one_the_code_generates() -> None:
    told = "python -m bot.operate.slack_manifest > config/slack-manifest.yaml"
    assert FILE.read_text("utf-8") == manifest(COMMANDS), told


def test_the_committed_manifest_for_http_is_the_one_the_code_generates() -> None:
    told = f"python -m bot.operate.slack_manifest {ADDRESS} > config/slack-manifest-http.yaml"
    written = FILE.with_name("slack-manifest-http.yaml").read_text("utf-8")
    assert written == manifest(COMMANDS, address=ADDRESS), told
    assert written.count(f"{ADDRESS}/slack/") == 4


def test_the_two_manifests_ask_for_the_same() -> None:
    lines = [
        {line for line in manifest(COMMANDS, address=at).splitlines() if "      - " in line} for at in ("", ADDRESS)
    ]
    assert lines[0] == lines[1]


def test_the_events_in_it_are_those_that_are_listened_for() -> None:
    assert sorted(WRITTEN) == sorted(EVENTS)
    assert {event.partition(".")[0] for event in WRITTEN} == {*BEFORE_ACK, *QUESTIONS, HOME, *REMOVALS}


@pytest.mark.parametrize("event", WRITTEN)
def test_every_event_in_it_is_one_that_its_scopes_allow(event: str) -> None:
    needed = set(EVENT_SCOPES[event])
    assert not needed or needed & set(SCOPES)


async def test_every_event_of_the_manifest_is_acknowledged() -> None:
    async with team_at_work() as team:
        for event in WRITTEN:
            kind = event.partition(".")[0]
            named = {"id": "C9", "name": "x"} if kind.endswith("rename") else "C9"
            [told] = await team.lab.emit({"type": kind, "channel": named, "user": "U9"}, name=event)
            assert [attempt.status for attempt in told.tries] == [200], event


def test_the_command_can_be_named_otherwise() -> None:
    assert "- command: /kiosk\n" in manifest(COMMANDS, "/kiosk")
