"""What `paperboy check` says of Slack: which token, scope or channel is wrong, and how that is mended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Place
from bot.operate.check import run_checks
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.platform import SlackPlatform
from bot.ports.platform import Finding
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.slack.http_team import HttpTeam
from tests.platforms.slack.team import SlackTeam


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        yield SlackTeam(slack, clock)
        assert slack.unknown == []


async def found(
    team: SlackTeam, places: Sequence[Place] | None = None, platform: SlackPlatform | None = None
) -> dict[str, Finding]:
    """What each check gives, by the last words of its name."""
    checks = (platform or team.platform).checks([team.place, team.elsewhere] if places is None else places)
    findings = await run_checks(checks, 20)
    return {one.name.removeprefix("slack ").removeprefix("T1 "): f for one, f in zip(checks, findings, strict=True)}


def wrong(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.problem}


def unseen(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if not finding.seen}


async def test_check_of_a_healthy_team_finds_nothing_and_posts_nothing(team: SlackTeam) -> None:
    findings = await found(team)
    assert wrong(findings) == set()
    assert unseen(findings) == {"events"}
    assert list(findings) == ["bot token", "scopes", "channels", "app token", "connections", "events"]
    assert {call.method for call in team.slack.calls} == {"auth.test", "users.conversations", "apps.connections.open"}
    assert not team.slack.sockets.connections
    assert all(event in findings["events"].mend for event in EVENTS), "what can't be seen is said, and how to see it"


@pytest.mark.parametrize(
    ("token", "mend"), [("xoxb-wrong", "Copy the token"), ("xapp-1-A0PAPERBOY-fake", "another kind of token")]
)
async def test_a_wrong_bot_token_is_told(team: SlackTeam, token: str, mend: str) -> None:
    platform = SlackPlatform(token, team.slack.app_token, team.clock, COMMANDS, api_url=team.slack.api)
    findings = await found(team, [], platform)
    assert wrong(findings) == {"bot token"}
    assert mend in findings["bot token"].mend


async def test_a_revoked_token_and_a_removed_app_are_told(team: SlackTeam) -> None:
    await asyncio.wait_for(team.lab.revokes_tokens(), 10)
    assert "nstall the app again" in (await found(team))["bot token"].mend


async def test_each_missing_scope_is_named_with_what_it_is_for(team: SlackTeam) -> None:
    team.lab.scopes -= {"chat:write", "reactions:read"}
    findings = await found(team)
    assert findings["scopes"].problem == "Missing: chat:write (posts), reactions:read (sees the emoji on its cards)."


@pytest.mark.parametrize("trouble", ["wrong", "bot", "scope"])
async def test_an_app_token_that_opens_no_connection_is_told(team: SlackTeam, trouble: str) -> None:
    token = {"wrong": "xapp-wrong", "bot": team.lab.bot_token, "scope": team.slack.app_token}[trouble]
    if trouble == "scope":
        team.slack.app_scopes.clear()
    platform = SlackPlatform(team.lab.bot_token, token, team.clock, COMMANDS, api_url=team.slack.api)
    findings = await found(team, None, platform)
    assert wrong(findings) == {"app token"}
    assert ("connections:write" in findings["app token"].mend) == (trouble == "scope")


async def test_channels_that_the_bot_has_left_or_that_are_archived_are_named(team: SlackTeam) -> None:
    old = team.lab.channel("C3", "old")
    old.archived = True
    await team.ada.removes_bot(team.ml)
    places = [team.place, team.elsewhere, replace(team.place, address=old.id, name="old")]
    findings = await found(team, places)
    assert wrong(findings) == {"channels"}
    assert findings["channels"].problem == "The bot is no longer in #ml-papers. Archived: #old."


async def test_check_names_channels_that_the_bot_was_removed_from_without_a_problem(team: SlackTeam) -> None:
    for served in ([], [team.elsewhere]):
        checks = team.platform.checks(served, [team.place])
        findings = await run_checks(checks, 20)
        [told] = [f for one, f in zip(checks, findings, strict=True) if one.name.endswith("channels")]
        assert told == Finding(
            mend="It can't post in #ml-papers any more; all is kept, and `/invite` brings it back."
        ), served


async def test_a_channel_among_very_many_is_found(team: SlackTeam) -> None:
    for n in range(450):
        team.lab.channel(f"CM{n}", f"m{n}")
    last = team.lab.channel("CLAST", "last")
    assert not wrong(await found(team, [replace(team.place, address=last.id, name="last")]))


async def test_channels_of_another_workspace_than_the_tokens_are_told(team: SlackTeam) -> None:
    checks = team.platform.checks([replace(team.place, workspace="T2")])
    [problem] = [finding for finding in await run_checks(checks, 20) if finding.problem]
    assert "another workspace" in problem.mend


async def test_a_slack_that_can_not_be_reached_or_makes_no_sense_is_told(team: SlackTeam) -> None:
    nowhere = SlackPlatform(
        team.lab.bot_token, team.slack.app_token, team.clock, COMMANDS, api_url="http://127.0.0.1:9/api/"
    )
    findings = await found(team, None, nowhere)
    assert wrong(findings) == {"bot token"}, "it is told once"
    assert "network" in findings["bot token"].mend
    assert unseen(findings) == {"scopes", "channels", "app token", "events"}
    team.slack.faults.status("*", 503, times=10)
    assert wrong(await found(team)) == {"bot token"}


async def test_a_second_look_within_a_minute_is_no_trouble_of_the_tokens(team: SlackTeam) -> None:
    team.slack.faults.limit("apps.connections.open", 60)
    finding = (await found(team))["app token"]
    assert (finding.problem, finding.seen, "Try again in a minute" in finding.mend) == ("", False, True)


async def test_of_many_workspaces_each_is_looked_at_alone(tmp_path: Path, sqlite_store: Store) -> None:
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        team = HttpTeam(slack, clock, sqlite_store, tmp_path / "key")
        other = slack.workspace("T2", "other")
        room = other.channel("C9", "room")
        await team.install(team.lab)
        await team.install(other)
        other.scopes.discard("chat:write")
        await other.uninstalls()
        checks = team.http.checks([team.place, Place("slack", room.id, "T2", "room")])
        found = {one.name: f for one, f in zip(checks, await run_checks(checks, 20), strict=True)}
    assert wrong(found) == {"slack T2 bot token"}


async def test_that_nobody_has_installed_the_bot_yet_is_said_with_the_way(tmp_path: Path, sqlite_store: Store) -> None:
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        team = HttpTeam(slack, clock, sqlite_store, tmp_path / "key")
        said = []
        for _ in range(2):
            [first, *_] = team.http.checks([])
            [finding] = await run_checks([first], 20)
            said.append((first.name, finding.problem, "/slack/install" in finding.mend))
            await team.install(team.lab)
        assert said == [("slack installations", "", True), ("slack installations", "", False)]
