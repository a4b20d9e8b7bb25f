"""What becomes of a workspace: removed, revoked, back again, forgotten; and its token, renewed in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.commands.registry import COMMANDS
from bot.installations.encryption import TokenCipher
from bot.installations.store_backed import StoredInstallations
from bot.model.messages import Message, Place
from bot.platforms.slack import sockets
from bot.platforms.slack.api import BotIdentity, SlackApi
from bot.platforms.slack.checks import sockets_check
from bot.platforms.slack.http import AppSecrets
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.slack.token_store import AppKeys, InstalledWorkspaces
from bot.ports.installations import Installation
from bot.ports.platform import NotAccepted, WorkspaceLost
from bot.ports.processes import OnlyProcess
from bot.store import channels
from bot.store.database import Store
from bot.store.leases import Leases
from bot.store.states import ChannelState
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.slack.http_team import HttpTeam
from tests.platforms.slack.team import SlackTeam
from tests.support.harness import BotHarness, demo_papers, harness_over

NEWS = demo_papers()[:6]
THEORY = Place("slack", "C2", "T1", "ml-theory")


@dataclass
class Lab:
    """A workspace with two channels whose bot runs over HTTP."""

    team: HttpTeam
    harness: BotHarness

    async def state(self, place: Place) -> tuple[str, str]:
        channel = await self.harness.channel(place)
        return channel.state.value, channel.state_reason

    async def reinstall(self) -> None:
        """Somebody there goes through the install page once more."""
        state, cookie = await self.team.begins_installing()
        code = self.team.lab.grants()
        status, _, _ = await self.team.browse(f"/slack/oauth_redirect?code={code}&state={state}", cookie)
        assert status == 200

    def words(self, address: str) -> list[str]:
        return [message.text.partition(".")[0] for message in self.team.lab.channels[address].visible]


@asynccontextmanager
async def at_work(store: Store, folder: Path, *, rotates: bool = False) -> AsyncIterator[Lab]:
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        team = HttpTeam(slack, clock, store, folder / "encryption.key")
        team.lab.rotates = rotates
        if rotates:
            team.lab.new_token()
        await team.install(team.lab)
        harness = harness_over(store, clock, cast("Any", team.platform))
        team.speaks_to = harness.app.service
        await harness.invite(team.place)
        await harness.invite(THEORY)
        await team.start()
        try:
            yield Lab(team, harness)
        finally:
            await team.stop()


@pytest.fixture
async def lab(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Lab]:
    async with at_work(sqlite_store, tmp_path) as lab:
        yield lab


@pytest.fixture
async def rotating(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Lab]:
    async with at_work(sqlite_store, tmp_path, rotates=True) as lab:
        yield lab


REVOKED = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOTT1"]}}
REMOVED = {"type": "app_uninstalled"}


@pytest.mark.parametrize("events", [(REVOKED, REMOVED), (REMOVED, REVOKED), (REMOVED, REVOKED, REMOVED)])
async def test_a_workspace_that_removes_the_bot_is_paused_whole_and_kept(lab: Lab, events: Any) -> None:
    await lab.harness.say("subscribe federated learning", place=lab.team.place)
    lab.team.lab.revoke("account_inactive")
    for event in events:
        [told] = await lab.team.lab.emit(event)
        assert told.acked
    states = [await lab.state(place) for place in (lab.team.place, THEORY)]
    assert [state for state, _ in states] == ["lost", "lost"]
    assert all("workspace" in why for _, why in states)
    assert "federated learning" in (await lab.harness.say("topics", place=lab.team.place)).text
    kept = await lab.team.installations.get("T1")
    assert kept
    assert (kept.alive, kept.token, kept.uninstalled_at) == (False, "", lab.team.now())
    lab.team.clock.advance(timedelta(days=1, hours=2))
    lab.team.slack.calls.clear()
    await lab.harness.beat()
    with pytest.raises(WorkspaceLost):
        await lab.team.platform.send(lab.team.place, Message("x"), "key-1")
    assert lab.team.slack.calls == [], "a dead token is left in peace"


async def test_tokens_of_members_are_not_the_bots(lab: Lab) -> None:
    await lab.team.lab.emit({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
    assert await lab.state(lab.team.place) == ("active", "")


async def test_dead_token_loses_the_whole_workspace_at_once(lab: Lab) -> None:
    await lab.harness.list_papers(NEWS)
    lab.team.clock.advance(timedelta(hours=1, minutes=1))
    lab.team.lab.revoke("account_inactive")
    lab.team.slack.calls.clear()
    await lab.harness.app.planner.plan_due()
    await lab.harness.app.delivery_worker.deliver((await lab.harness.channel(THEORY)).id)
    await lab.harness.app.delivery_worker.deliver_all()
    assert [call.method for call in lab.team.slack.calls] == ["chat.postMessage"]
    assert [await lab.state(place) for place in (lab.team.place, THEORY)] == [
        ("lost", "Slack says account_inactive")
    ] * 2
    kept = await lab.team.installations.get("T1")
    assert kept
    assert not kept.alive


async def test_a_workspace_that_is_back_gets_everything_back_and_one_greeting(lab: Lab) -> None:
    await lab.harness.say("schedule 07:30", place=lab.team.place)
    third = lab.team.lab.channel("C3", "left-meanwhile")
    await lab.harness.invite(Place("slack", "C3", "T1", "left-meanwhile"))
    await lab.team.lab.uninstalls()
    third.members.remove(lab.team.lab.bot_user)
    lab.team.clock.advance(timedelta(days=3))
    await lab.reinstall()
    await lab.team.slack.until(lambda: lab.words("C1") and lab.words("C2"))
    assert await lab.state(lab.team.place) == ("active", "")
    assert (await lab.harness.channel(lab.team.place)).hour == "07:30"
    assert (await lab.state(Place("slack", "C3", "T1")))[0] == "lost"
    await lab.team.http.upkeep(lab.harness.app.service)
    await lab.team.restart()
    assert [lab.words(each) for each in ("C1", "C2", "C3")] == [["I am back, with everything I knew"]] * 2 + [[]]


async def test_paused_channel_stays_paused_when_the_workspace_is_back(lab: Lab) -> None:
    await lab.harness.say("pause", place=THEORY)
    paused = await lab.state(THEORY)
    await lab.team.lab.uninstalls()
    await lab.reinstall()
    await lab.team.slack.until(lambda: lab.words("C1"))
    assert await lab.state(THEORY) == paused
    assert lab.words("C2") == []


async def test_an_uninstall_told_after_a_quick_reinstall_is_old_news(lab: Lab) -> None:
    with lab.team.slack.holding() as held:
        await lab.team.lab.uninstalls()
        lab.team.clock.advance(timedelta(seconds=20))
        await lab.reinstall()
    await lab.team.slack.release(reversed(held))
    assert await lab.state(lab.team.place) == ("active", "")
    kept = await lab.team.installations.get("T1")
    assert kept
    assert kept.alive
    await lab.team.platform.send(lab.team.place, Message("Still here."), "key-1")


async def test_call_during_a_reinstallation_loses_nothing(lab: Lab) -> None:
    limiter = lab.team.slack.faults.hang("chat.postMessage")
    sending = asyncio.create_task(lab.team.platform.send(lab.team.place, Message("x"), "key-1"))
    await lab.team.slack.until(lambda: lab.team.slack.calls_to("chat.postMessage"))
    await lab.reinstall()
    limiter.set()
    with pytest.raises(NotAccepted, match="renewed meanwhile"):
        await sending
    await lab.team.platform.send(lab.team.place, Message("x"), "key-1")


async def test_data_of_a_removed_workspace_is_deleted_after_keep_days(lab: Lab) -> None:
    await lab.harness.list_papers(NEWS)
    await lab.harness.say(f"save {NEWS[0].id}", place=lab.team.place)
    elsewhere = Place("slack", "C1", "T2")
    await lab.harness.invite(elsewhere)
    await lab.team.lab.uninstalls()
    lab.team.clock.advance(timedelta(days=29))
    await lab.harness.app.scheduler.run("removed workspaces")
    assert (await lab.state(lab.team.place))[0] == "lost"
    lab.team.clock.advance(timedelta(days=2))
    await lab.harness.app.scheduler.run("removed workspaces")
    async with lab.harness.store.read() as tx:
        assert [each.place.workspace for each in await channels.list_all(tx)] == ["T2"]
    assert await lab.team.installations.get("T1") is None
    await lab.reinstall()
    await lab.team.http.upkeep(lab.harness.app.service)
    assert lab.words("C1") == [], "a fresh start: nobody has invited it yet"


async def test_what_a_channel_had_is_told_nowhere_else_once_it_is_private(lab: Lab) -> None:
    await lab.harness.list_papers(NEWS)
    assert (await lab.harness.say(f"submit {NEWS[0].id}", place=lab.team.place)).ok
    found = await lab.harness.say(f"search {NEWS[0].title}", place=THEORY)
    assert "posted in #ml-papers" in found.lines[0].detail
    lab.team.ada.makes_private(lab.team.ml)
    lab.team.clock.advance(timedelta(days=1))
    await lab.team.http.upkeep(lab.harness.app.service)
    assert (await lab.harness.channel(lab.team.place)).place.private
    found = await lab.harness.say(f"search {NEWS[0].title}", place=THEORY)
    assert "posted" not in found.lines[0].detail
    await lab.harness.say(f"submit {NEWS[0].id}", place=THEORY)
    assert "already in" not in str([post.body for post in await lab.harness.posts(THEORY)])


# --- tokens that end


async def test_a_post_of_a_quiet_workspace_renews_its_token_first(rotating: Lab) -> None:
    team = rotating.team
    old = team.lab.bot_token
    team.clock.advance(timedelta(hours=10, minutes=1))
    await asyncio.gather(*(team.platform.send(team.place, Message("x"), f"key-{n}") for n in range(3)))
    [renewal] = team.slack.calls_to("oauth.v2.access")
    assert renewal.ok
    assert {call.token for call in team.slack.calls_to("chat.postMessage")} == {team.lab.bot_token} != {old}
    kept = await team.installations.get("T1")
    assert kept
    assert (kept.token, kept.expires_at) == (team.lab.bot_token, renewal.at + timedelta(hours=12))


async def test_job_renews_the_token_of_a_quiet_workspace(rotating: Lab) -> None:
    team = rotating.team
    for _ in range(5):
        team.clock.advance(timedelta(hours=11))
        await rotating.harness.app.scheduler.run("token renewal")
    assert len(team.slack.calls_to("oauth.v2.access")) == 5
    await team.platform.send(team.place, Message("x"), "key-1")


async def test_a_token_that_is_long_over_is_renewed_all_the_same(rotating: Lab) -> None:
    rotating.team.clock.advance(timedelta(days=9))
    await rotating.team.platform.send(rotating.team.place, Message("x"), "key-1")


async def test_old_token_is_used_until_it_expires_if_the_renewals_reply_is_lost(rotating: Lab) -> None:
    team = rotating.team
    team.clock.advance(timedelta(hours=10, minutes=1))
    team.slack.faults.lose_reply("oauth.v2.access")
    await team.platform.send(team.place, Message("x"), "key-1")
    team.clock.advance(timedelta(hours=1))
    await team.platform.send(team.place, Message("x"), "key-2")
    assert len(team.slack.calls_to("oauth.v2.access")) == 2, "tried again, in vain: Slack takes a refresh token once"
    team.clock.advance(timedelta(hours=1))
    with pytest.raises(WorkspaceLost, match="/slack/install gives another"):
        await team.platform.send(team.place, Message("x"), "key-3")
    await rotating.reinstall()
    await team.platform.send(team.place, Message("x"), "key-3")


async def test_a_renewal_that_slack_never_got_is_tried_again(rotating: Lab) -> None:
    team = rotating.team
    team.clock.advance(timedelta(hours=10, minutes=1))
    team.slack.faults.lose_request("oauth.v2.access")
    for n in range(3):
        await team.platform.send(team.place, Message("x"), f"key-{n}")
        team.clock.advance(timedelta(minutes=6))
    assert [call.ok for call in team.slack.calls_to("oauth.v2.access")] == [False, True]


async def test_an_outage_beyond_the_tokens_end_costs_no_installation(rotating: Lab) -> None:
    team = rotating.team
    team.clock.advance(timedelta(hours=12, minutes=1))
    team.slack.faults.lose_request("oauth.v2.access")
    with pytest.raises(NotAccepted):
        await team.platform.send(team.place, Message("x"), "key-1")
    await team.platform.send(team.place, Message("x"), "key-1")
    assert (await rotating.state(team.place))[0] == ChannelState.ACTIVE


async def test_second_process_uses_the_token_that_the_first_renewed(rotating: Lab) -> None:
    team, other = rotating.team, rotating.team.new()
    team.clock.advance(timedelta(hours=10, minutes=1))
    for platform in (team.platform, other):
        await platform.send(team.place, Message("x"), "key-1")
    assert len(team.slack.calls_to("oauth.v2.access")) == 1


async def test_two_processes_at_once_spend_a_refresh_token_once(rotating: Lab) -> None:
    team = rotating.team
    one, other = team.new("one"), team.new("other")
    team.clock.advance(timedelta(hours=10, minutes=1))
    await asyncio.gather(one.renew_tokens(), other.renew_tokens(), one.renew_tokens(), other.renew_tokens())
    assert len(team.slack.calls_to("oauth.v2.access")) == 1
    team.clock.advance(timedelta(seconds=11))
    for platform in (one, other):
        await platform.send(team.place, Message("x"), "key-1")
    assert {call.token for call in team.slack.calls_to("chat.postMessage")} == {team.lab.bot_token}


async def test_a_process_does_not_wait_for_one_that_renews_while_the_old_token_holds(rotating: Lab) -> None:
    team = rotating.team
    dead = Leases(rotating.harness.store, clock=team.clock, holder="dead")
    team.clock.advance(timedelta(hours=10, minutes=1))
    assert await dead.take(f"token slack {team.lab.id}")
    await team.new("other").send(team.place, Message("x"), "key-1")
    assert team.slack.calls_to("oauth.v2.access") == []
    team.clock.advance(timedelta(hours=1, minutes=58))
    assert await dead.take(f"token slack {team.lab.id}")
    team.clock.advance(timedelta(minutes=1, seconds=30))
    late = team.new("late")
    await late.send(team.place, Message("x"), "key-2")
    assert len(team.slack.calls_to("oauth.v2.access")) == 1, "the lease of the dead process has ended"


async def test_a_removal_that_another_process_heard_of_is_known_within_seconds(lab: Lab) -> None:
    team, other = lab.team, lab.team.new("other")
    await other.send(team.place, Message("x"), "key-1")
    calls = len(team.slack.calls)
    assert await team.installations.end(team.lab.id, team.clock(), uninstalled=True)
    team.clock.advance(timedelta(seconds=10))
    with pytest.raises(WorkspaceLost, match="no longer installed"):
        await other.send(team.place, Message("x"), "key-2")
    assert len(team.slack.calls) == calls, "the dead token is not even tried"
    team.clock.advance(timedelta(seconds=1))
    await team.install(team.lab)
    await other.send(team.place, Message("x"), "key-3")


async def test_one_of_two_processes_calls_the_roll_of_a_workspace(lab: Lab) -> None:
    team = lab.team
    asked = len(team.slack.calls_to("users.conversations"))
    for _ in range(2):
        team.clock.advance(timedelta(days=1, minutes=1))
        for process in ("one", "other"):
            await team.new(process).upkeep(lab.harness.app.service)
    assert len(team.slack.calls_to("users.conversations")) == asked + 2


async def test_ten_processes_listen_over_sockets_and_no_more(store: Store) -> None:
    many = [Leases(store, holder=f"process {number}") for number in range(sockets.MOST + 1)]
    async with contextlib.AsyncExitStack() as stack:
        for each in many[:-1]:
            await stack.enter_async_context(sockets.one_of_ten(each))
        with pytest.raises(NotAccepted, match=r"Slack allows no more\. More can work as `paperboy worker`"):
            await stack.enter_async_context(sockets.one_of_ten(many[-1]))
        assert "10 processes" in (await sockets_check(many[-1]).look()).problem
    async with sockets.one_of_ten(many[-1]), sockets.one_of_ten(many[0]):
        assert (await sockets_check(many[0]).look()).mend.startswith("2 of 10 are in use")


async def test_a_token_that_died_early_is_renewed_where_slack_gives_another(rotating: Lab) -> None:
    team = rotating.team
    team.lab.tokens[-1].dead = "token_expired"
    with pytest.raises(NotAccepted, match="renewed"):
        await team.platform.send(team.place, Message("x"), "key-1")
    await team.platform.send(team.place, Message("x"), "key-1")
    assert (await rotating.state(team.place))[0] == ChannelState.ACTIVE


# --- one workspace, its token in the settings


@asynccontextmanager
async def over_sockets(store: Store, folder: Path) -> AsyncIterator[tuple[SlackTeam, BotHarness]]:
    """A workspace whose bot listens over Socket Mode."""
    clock = Clock()
    installations = StoredInstallations(store, TokenCipher((), folder / "encryption.key"), clock, "slack")

    class Team(SlackTeam):
        def new(self) -> SlackPlatform:
            return SlackPlatform(
                self.lab.bot_token,
                self.slack.app_token,
                clock,
                COMMANDS,
                api_url=self.slack.api,
                ping_seconds=0.5,
                sleep=clock.sleep,
                seconds=clock.seconds,
                installations=installations,
            )

    async with FakeSlack(clock=clock) as slack:
        team = Team(slack, clock)
        harness = harness_over(store, clock, cast("Any", team.platform))
        team.speaks_to = harness.app.service
        await harness.invite(team.place)
        await team.start()
        try:
            yield team, harness
        finally:
            await team.stop()


async def test_a_mended_token_brings_back_what_the_dead_one_lost(sqlite_store: Store, tmp_path: Path) -> None:
    async with over_sockets(sqlite_store, tmp_path) as (team, harness):
        await team.lab.uninstalls()
        assert (await harness.channel(team.place)).state is ChannelState.LOST
        team.clock.advance(timedelta(days=31))
        team.lab.reinstalls()
        await team.restart()
        await team.slack.until(lambda: team.ml.visible)
        assert [message.text.partition(".")[0] for message in team.ml.visible] == ["I am back, with everything I knew"]
        assert (await harness.channel(team.place)).state is ChannelState.ACTIVE
        await harness.app.scheduler.run("removed workspaces")
        assert (await harness.channel(team.place)).state is ChannelState.ACTIVE, "it came back, so nothing is deleted"


async def test_over_sockets_too_a_workspace_that_left_is_forgotten_in_time(sqlite_store: Store, tmp_path: Path) -> None:
    async with over_sockets(sqlite_store, tmp_path) as (team, harness):
        await team.lab.uninstalls()
        team.clock.advance(timedelta(days=31))
        await harness.app.scheduler.run("removed workspaces")
        async with harness.store.read() as tx:
            assert await channels.list_all(tx) == []


async def test_over_sockets_too_an_uninstall_told_late_is_old_news(sqlite_store: Store, tmp_path: Path) -> None:
    async with over_sockets(sqlite_store, tmp_path) as (team, harness):
        with team.slack.holding() as held:
            await team.lab.uninstalls()
        [first, second] = held
        await team.slack.release([first])
        team.clock.advance(timedelta(minutes=1))
        team.lab.reinstalls()
        await team.restart()
        await team.slack.until(lambda: team.ml.visible)
        await team.slack.release([second])
        assert (await harness.channel(team.place)).state is ChannelState.ACTIVE


async def test_workspaces_unused_for_longest_are_forgotten(tmp_path: Path) -> None:
    class Everywhere:
        """Installed wherever anybody asks."""

        async def get(self, workspace: str) -> Installation:
            return Installation(workspace, Clock().now, token=f"xoxb-{workspace}")

    keys, made = AppKeys("1", "2"), list[str]()

    def api(token: str, identity: BotIdentity) -> SlackApi:
        made.append(token)
        return SlackApi(token, "http://127.0.0.1:9/", Clock(), identity=identity)

    workspaces = InstalledWorkspaces(
        cast("Any", Everywhere()), keys, "http://127.0.0.1:9/", Clock(), api, OnlyProcess()
    )
    for n in (*range(1_001), 1, 0):
        assert (await workspaces.get(f"T{n}")).api.client.token == f"xoxb-T{n}"
    assert made == [f"xoxb-T{n}" for n in (*range(1_001), 0)]


async def test_a_dead_token_that_nobody_posts_with_is_noticed_once_a_day(lab: Lab) -> None:
    lab.team.lab.revoke("token_revoked")
    lab.team.clock.advance(timedelta(days=1, minutes=1))
    await lab.team.http.upkeep(lab.harness.app.service)
    assert [await lab.state(place) for place in (lab.team.place, THEORY)] == [("lost", "Slack says token_revoked")] * 2


def test_no_secret_of_the_app_is_shown() -> None:
    assert "hunter" not in repr(AppSecrets(AppKeys("1", "hunter2"), "hunter3"))
