"""What `paperboy check` says of Discord: what is missing where, and how that is mended."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Place
from bot.operate.check import run_checks
from bot.platforms.discord.commands import application_commands
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.discord.shards import SHARDS
from bot.ports.platform import Finding
from bot.ports.processes import OnlyProcess
from tests.fakes.clock import Clock
from tests.fakes.discord import FakeDiscord, Right
from tests.platforms.discord.server import DiscordServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    clock = Clock()
    async with FakeDiscord(clock) as fake:
        yield DiscordServer(fake, clock, tmp_path)
        assert fake.unknown == []


async def found(
    server: DiscordServer,
    places: Sequence[Place] | None = None,
    platform: DiscordPlatform | None = None,
    lost: Sequence[Place] = (),
) -> dict[str, Finding]:
    """What each check gives, by the last word of its name."""
    some = [server.place, server.elsewhere] if places is None else places
    checks = (platform or server.platform).checks(some, lost)
    findings = await run_checks(checks, 20)
    names = [check.name.removeprefix("discord ").partition(" ")[0] for check in checks]
    return dict(zip(names, findings, strict=True))


async def test_check_of_a_healthy_server_finds_nothing_and_shows_the_invitation_link(
    server: DiscordServer,
) -> None:
    register(server)
    findings = await found(server)
    assert not [name for name, finding in findings.items() if finding.problem]
    assert list(findings) == ["token", "gateway", "commands", "server"]
    link = findings["token"].mend.split()[-1]
    needed = (
        Right.VIEW_CHANNEL
        | Right.SEND_MESSAGES
        | Right.READ_MESSAGE_HISTORY
        | Right.SEND_MESSAGES_IN_THREADS
        | Right.CREATE_PUBLIC_THREADS
        | Right.ATTACH_FILES
    )
    assert f"permissions={int(needed)}" in link
    assert f"client_id={server.fake.application}" in link
    assert {call.method for call in server.fake.calls} == {"GET"}


def register(server: DiscordServer) -> None:
    server.fake.commands.overwrite("", application_commands(COMMANDS, "papers", sorted(server.fake.installs or {0})))


async def test_commands_that_discord_does_not_have_are_told(server: DiscordServer) -> None:
    finding = (await found(server))["commands"]
    assert finding.problem.endswith("wants them: papers, More like this, Why this paper.")
    assert "Restart the bot" in finding.mend
    assert (await found(server, []))["commands"].problem == "", "nobody has started the bot yet"
    register(server)
    assert (await found(server))["commands"] == Finding()
    server.fake.commands.registered[""][1]["integration_types"] = [0]
    assert "wants them: More like this." in (await found(server))["commands"].problem
    server.fake.installs = {0}
    register(server)
    assert (await found(server))["commands"] == Finding()
    server.fake.installs = {1}
    assert "Guild Install" in (await found(server))["commands"].mend


async def test_the_missing_permission_is_named_for_each_channel(server: DiscordServer) -> None:
    forum = server.lab.forum("papers", (), require_tag=True)
    thread = server.ml.thread("reading group")
    server.ml.overwrite(server.lab.bot_role).deny |= Right.SEND_MESSAGES | Right.SEND_MESSAGES_IN_THREADS
    theory = server.fake.channels[server.elsewhere.address]
    theory.overwrite(server.lab.everyone).deny |= Right.VIEW_CHANNEL
    places = [server.place, server.elsewhere, server.place_of(forum), server.place_of(thread)]
    problem = (await found(server, places))["server"].problem
    assert "#ml-papers: Send Messages, Send Messages in Threads missing." in problem
    assert "#ml-theory: View Channel missing." in problem
    assert "#papers: This forum requires a tag" in problem
    assert "#reading group: Send Messages in Threads missing." in problem


async def test_what_a_role_takes_a_channel_can_give_back(server: DiscordServer) -> None:
    server.lab.everyone.rights &= ~Right.SEND_MESSAGES
    assert "Send Messages" in (await found(server))["server"].problem
    for channel in (server.ml, server.fake.channels[server.elsewhere.address]):
        channel.overwrite(server.lab.bot_role).allow |= Right.SEND_MESSAGES
    assert (await found(server))["server"].problem == ""


async def test_a_time_out_is_told_with_its_end(server: DiscordServer) -> None:
    await server.lab.times_bot_out(server.now() + timedelta(minutes=10))
    finding = (await found(server))["server"]
    assert finding.problem.startswith("A moderator timed the bot out until 2026-")
    server.clock.advance(timedelta(minutes=11))
    assert (await found(server))["server"].problem == ""


async def test_a_server_that_threw_the_bot_out_is_told(server: DiscordServer) -> None:
    server.lab.has_bot = False
    assert (await found(server))["server"].problem == "The bot is no longer in this server."


async def test_check_reports_a_lost_channel_without_permissions_but_not_a_deleted_one(
    server: DiscordServer,
) -> None:
    server.ml.overwrite(server.lab.bot_role).deny |= Right.SEND_MESSAGES
    await server.ada.deletes(server.fake.channels[server.elsewhere.address])
    both = [server.place, server.elsewhere]
    assert (await found(server, [], lost=both))["server"].problem == "#ml-papers: Send Messages missing."
    assert "#ml-theory: gone." in (await found(server, both))["server"].problem


async def test_check_of_a_server_that_removed_the_bot_is_no_problem(server: DiscordServer) -> None:
    server.lab.has_bot = False
    finding = (await found(server, [], lost=[server.place]))["server"]
    assert finding.problem == ""
    assert finding.mend.startswith("The bot is no longer in this server. Invite it again")


async def test_a_wrong_token_and_a_spent_gateway_are_told(server: DiscordServer, tmp_path: Path) -> None:
    wrong = DiscordPlatform("a.b.c", server.clock, tmp_path, COMMANDS, api_url=server.fake.api)
    findings = await found(server, [server.place], wrong)
    assert "Reset Token" in findings["token"].mend
    assert [name for name, finding in findings.items() if finding.problem] == ["token"]
    server.fake.gateway.starts_left = 0
    findings = await found(server, [])
    assert "too often" in findings["gateway"].problem


async def test_nobody_who_answers_is_told_with_what_to_look_at(server: DiscordServer, tmp_path: Path) -> None:
    nowhere = DiscordPlatform("a.b.c", server.clock, tmp_path, COMMANDS, api_url="http://127.0.0.1:9/api/v10")
    findings = await found(server, [server.place], nowhere)
    assert "discord.api_url" in findings["token"].mend
    assert [name for name, finding in findings.items() if finding.problem] == ["token"], "it is told once"
    assert [name for name, finding in findings.items() if not finding.seen] == ["gateway", "commands", "server"]


async def test_more_shards_are_named_once_discord_recommends_them(server: DiscordServer) -> None:
    facts = OnlyProcess()
    agreed = DiscordPlatform(
        server.fake.token, server.clock, server.folder, COMMANDS, api_url=server.fake.api, facts=facts
    )
    assert (await found(server, platform=agreed))["gateway"] == Finding()
    await facts.put(SHARDS, "2")
    server.fake.gateway.shards = 3
    assert "set discord.shards to 3" in (await found(server, platform=agreed))["gateway"].mend
