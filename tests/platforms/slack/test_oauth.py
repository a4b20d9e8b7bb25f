"""Installing the bot in a workspace, as a browser sees it, and what hostile browsers get."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.model.messages import Message, Place
from bot.platforms.slack.scopes import SCOPES
from bot.ports.platform import Inviting
from bot.store.database import Store
from tests.fakes.slack.world import Workspace
from tests.platforms.slack.http_team import HttpTeam, http_team_at_work

COOKIE = "slack-app-oauth-state"


@pytest.fixture
async def team(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[HttpTeam]:
    async with http_team_at_work(sqlite_store, tmp_path) as team:
        yield team


@pytest.fixture
def other(team: HttpTeam) -> Workspace:
    """A workspace that has not installed the bot yet."""
    other = team.slack.workspace("T2", "library <b>")
    other.installed = False
    other.channel("C9", "books")
    return other


async def back(team: HttpTeam, cookie: str, **query: str) -> tuple[int, str]:
    """The browser comes back from Slack."""
    asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    status, page, _ = await team.browse(f"/slack/oauth_redirect?{asked}", cookie)
    return status, page


async def test_a_workspace_installs_the_bot_and_it_posts_there(team: HttpTeam, other: Workspace) -> None:
    state, cookie = await team.begins_installing()
    status, page = await back(team, cookie, code=other.grants("U7"), state=state)
    assert (status, "Paperboy is installed" in page, "library &lt;b&gt;" in page) == (200, True, True)
    kept = await team.installations.get("T2")
    assert kept
    assert (kept.name, kept.bot_user, kept.bot, kept.installer) == ("library <b>", other.bot_user, other.bot_id, "U7")
    assert (kept.token, kept.installed_at, kept.expires_at) == (other.bot_token, team.now(), None)
    await team.platform.send(Place("slack", "C9", "T2"), Message("Hello."), "key-1")
    assert len(other.channels["C9"].visible) == 1


async def test_the_install_page_asks_slack_for_the_scopes_of_the_manifest(team: HttpTeam) -> None:
    status, page, cookie = await team.browse("/slack/install")
    assert status == 200
    assert cookie.startswith(f"{COOKIE}=")
    assert "https://slack.com/oauth/v2/authorize?" in page
    assert f"scope={','.join(sorted(SCOPES))}" in page
    assert f"client_id={team.slack.client_id}" in page
    assert team.slack.client_secret not in page


async def test_the_install_page_lets_nothing_slip_into_the_link(team: HttpTeam) -> None:
    assert "&amp;team=T2" in (await team.browse("/slack/install?team=T2"))[1]
    for hostile in ("T2%26redirect_uri%3Dhttps://evil.example", "%22%3E%3Cscript%3E", "T2&team=T3%0a"):
        assert "evil" not in (page := (await team.browse(f"/slack/install?team={hostile}"))[1])
        assert "<script" not in page


async def test_a_token_that_ends_is_kept_with_its_end_by_our_clock(team: HttpTeam, other: Workspace) -> None:
    other.rotates = True
    state, cookie = await team.begins_installing()
    await back(team, cookie, code=other.grants(), state=state)
    kept = await team.installations.get("T2")
    assert kept
    assert kept.refresh_token in other.refresh_tokens
    assert kept.expires_at
    assert abs(kept.expires_at - team.now() - timedelta(hours=12)) < timedelta(seconds=5)


async def test_somebody_elses_state_installs_nothing(team: HttpTeam, other: Workspace) -> None:
    state, _ = await team.begins_installing()
    _, cookie = await team.begins_installing()
    status, page = await back(team, cookie, code=other.grants(), state=state)
    assert (status, "did not begin the installation" in page) == (400, True)
    assert await team.installations.get("T2") is None


@pytest.mark.parametrize("state", ["", "guessed", "gAAAAA" + "A" * 90, "é"])
async def test_an_invented_state_installs_nothing(team: HttpTeam, other: Workspace, state: str) -> None:
    status, _ = await back(team, f"{COOKIE}={state}", code=other.grants(), state=state)
    assert status in (400, 401)
    assert await team.installations.get("T2") is None
    assert not team.slack.calls_to("oauth.v2.access")


async def test_a_state_lives_ten_minutes_and_once(team: HttpTeam, other: Workspace) -> None:
    late, cookie = await team.begins_installing()
    team.clock.advance(timedelta(minutes=10, seconds=1))
    assert "longer than ten minutes" in (await back(team, cookie, code=other.grants(), state=late))[1]
    state, cookie = await team.begins_installing()
    assert (await back(team, cookie, code=other.grants(), state=state))[0] == 200
    assert (await back(team, cookie, code=other.grants(), state=state))[0] == 401


async def test_a_code_used_before_installs_nothing(team: HttpTeam, other: Workspace) -> None:
    code = other.grants()
    for expected in (200, 401):
        state, cookie = await team.begins_installing()
        assert (await back(team, cookie, code=code, state=state))[0] == expected


async def test_a_code_that_is_none_is_written_nowhere(team: HttpTeam, caplog: pytest.LogCaptureFixture) -> None:
    state, cookie = await team.begins_installing()
    status, page = await back(team, cookie, code="1\npaperboy: The store is empty.", state=state)
    assert (status, "no longer takes this code" in page) == (400, True)
    assert "The store is empty" not in caplog.text


async def test_a_no_in_slack_is_told_kindly_and_its_words_can_do_no_harm(team: HttpTeam) -> None:
    assert "that was the answer in Slack" in (await back(team, "", error="access_denied"))[1]
    assert "&lt;script&gt;" in (await back(team, "", error="<script>alert(1)</script>"))[1]


async def test_a_whole_organization_is_told_to_choose_a_workspace(team: HttpTeam, other: Workspace) -> None:
    other.organization = "E1"
    state, cookie = await team.begins_installing()
    status, page = await back(team, cookie, code=other.grants("U7"), state=state)
    assert (status == 200, "choose one workspace" in page) == (False, True)
    assert await team.installations.get("T2") is None


async def test_a_missing_code_is_told(team: HttpTeam) -> None:
    state, cookie = await team.begins_installing()
    assert "sent no code" in (await back(team, cookie, state=state))[1]


@pytest.mark.parametrize("method", ["oauth.v2.access", "auth.test"])
async def test_a_slack_that_does_not_answer_is_told(team: HttpTeam, other: Workspace, method: str) -> None:
    team.slack.faults.lose_reply(method)
    state, cookie = await team.begins_installing()
    status, page = await back(team, cookie, code=other.grants(), state=state)
    assert (status, "Slack did not answer" in page) == (502, True)
    assert await team.installations.get("T2") is None


async def test_pages_may_run_nothing_and_be_framed_nowhere(team: HttpTeam) -> None:
    from aiohttp import ClientSession

    async with ClientSession() as browser, browser.get(f"{team.url}/slack/oauth_redirect?error=x") as page:
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "<style" not in await page.text()
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_pages_have_the_style_of_the_page(team: HttpTeam) -> None:
    for path in ("/slack/install", "/slack/oauth_redirect?error=access_denied"):
        _, page, _ = await team.browse(path)
        style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert (await team.browse(style))[0] == 200


async def test_the_page_install_leads_to_the_installation(team: HttpTeam) -> None:
    assert isinstance(team.platform, Inviting)
    invitation = team.platform.invitation
    assert (await team.browse(invitation.url))[0] == 200
    assert invitation.label == "Add to Slack"


SECRET_CODE = "123.456.secret-code-of-an-installation"


@pytest.mark.parametrize("fault", ["refused", "an error with the code in it", "no JSON", "lost"])
async def test_oauth_code_is_not_logged_when_the_exchange_fails(
    team: HttpTeam, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    state, cookie = await team.begins_installing()
    if fault == "an error with the code in it":
        team.slack.faults.error("oauth.v2.access", f"invalid {SECRET_CODE}")
    elif fault == "no JSON":
        team.slack.faults.status("oauth.v2.access", 502)
    elif fault == "lost":
        team.slack.faults.lose_request("oauth.v2.access")
    status, _ = await back(team, cookie, code=SECRET_CODE, state=state)
    assert status in (401, 502)
    assert "installation" in caplog.text
    for secret in (SECRET_CODE, team.slack.client_secret, state):
        assert secret not in caplog.text
