"""`paperboy run` as a newcomer starts it, against the fake Slack."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlparse

import aiohttp
import pytest
from cryptography.fernet import Fernet

from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES
from tests.fakes.slack.server import FakeSlack
from tests.platforms.process import log_lines
from tests.platforms.slack.process import address_of, many_workspaces, one_workspace, running


async def test_a_team_invites_the_bot_asks_it_and_ends_it(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        lab = slack.workspace("T1", "lab")
        lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        ml, ada, bo = lab.channel("C1", "ml-papers", bot=False), lab.member("U1", "ada"), lab.member("U2", "bo")
        settings = one_workspace(slack, lab.bot_token) | {"SLACK__MANAGERS": bo.id}
        async with running(slack, settings, tmp_path) as process:
            await slack.until(lambda: slack.sockets.connections, within=60)
            await ada.invites_bot(ml)
            [greeting] = ml.visible
            assert "Hello, I am Paperboy" in greeting.words
            await ada.says("/papers", "schedule 08:00 weekdays Europe/Berlin 3", ml)
            answer = (await slack.until(lambda: ada.ephemeral))[0]
            assert "08:00" in answer.words, "whoever invited the bot may set its hour"
            await bo.says("/papers", "schedule 07:00", ml)
            assert "07:00" in (await slack.until(lambda: bo.ephemeral))[0].words, "and whom the settings name"
            process.send_signal(signal.SIGINT)
            _, told = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0
            page, runs = log_lines(told.decode())
            assert page.startswith("The page is at http://127.0.0.1:")
            assert runs == "Paperboy runs on slack. Ctrl-C ends it; nothing is lost."
    assert slack.unknown == []


@pytest.mark.parametrize(
    "wrong", [{"SLACK__BOT_TOKEN": "xoxb-wrong"}, {"SLACK__APP_TOKEN": "xapp-wrong"}], ids=["bot", "app"]
)
async def test_a_wrong_token_is_told_in_one_line_and_ends_it(tmp_path: Path, wrong: dict[str, str]) -> None:
    async with FakeSlack() as slack:
        tokens = one_workspace(slack, slack.workspace("T1", "lab").bot_token)
        async with running(slack, tokens | wrong, tmp_path) as process:
            _, told = await asyncio.wait_for(process.communicate(), 60)
    page, runs, *why = told.decode().splitlines()
    assert "The page is at " in page
    assert (process.returncode, "Paperboy runs on slack." in runs) == (1, True)
    assert [line.startswith("paperboy: ") and "invalid_auth" in line for line in why] == [True], why
    assert "-wrong" not in why[0]


async def test_a_workspace_installs_the_bot_over_http_and_it_is_there_after_a_restart(tmp_path: Path) -> None:
    async with FakeSlack() as slack, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
        lab = slack.workspace("T1", "lab")
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        ml, ada = lab.channel("C1", "ml-papers", bot=False), lab.member("U1", "ada")
        async with running(slack, many_workspaces(slack), tmp_path) as process:
            address = await address_of(process)
            async with browser.get(f"{address}/slack/install") as page:
                cookie = page.headers["Set-Cookie"].partition(";")[0]
            state, code = cookie.partition("=")[2].strip('"'), lab.grants("U1", set(SCOPES))
            back = f"{address}/slack/oauth_redirect?code={code}&state={state}"
            async with browser.get(back, headers={"Cookie": cookie}) as page:
                assert "Paperboy is installed" in await page.text()
            slack.listener = f"{address}/slack/events"
            await ada.invites_bot(ml)
            assert ["Hello, I am Paperboy" in message.words for message in ml.visible] == [True]
            process.send_signal(signal.SIGINT)
            _, told = await asyncio.wait_for(process.communicate(), 30)
            assert (process.returncode, "Traceback" in told.decode()) == (0, False)
            assert not [each for each in (lab.bot_token, *many_workspaces(slack).values()) if each in told.decode()]
        assert lab.bot_token.encode() not in (tmp_path / "paperboy.db").read_bytes()
        bo = lab.member("U2", "bo")
        async with running(slack, many_workspaces(slack) | {"SLACK__MANAGERS": bo.id}, tmp_path) as process:
            slack.listener = f"{await address_of(process)}/slack/events"
            await ada.says("/papers", "schedule 08:00", ml)
            assert "08:00" in (await slack.until(lambda: ada.ephemeral))[0].words
            await bo.says("/papers", "schedule 07:00", ml)
            assert "07:00" in (await slack.until(lambda: bo.ephemeral))[0].words
        (tmp_path / "encryption.key").write_bytes(Fernet.generate_key())
        (tmp_path / "encryption.key").chmod(0o600)
        async with running(slack, many_workspaces(slack), tmp_path) as process:
            _, told = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 1
            assert told.decode().startswith(
                f"paperboy: The key in {tmp_path / 'encryption.key'} does not open the tokens"
            )
            assert len(told.decode().strip().splitlines()) == 1
    assert slack.unknown == []


async def test_web_server_answers_despite_hundreds_of_half_open_connections(tmp_path: Path) -> None:
    """With 256 open files and 300 connections whose headers never come, the real program still answers."""
    resource = pytest.importorskip("resource")
    async with FakeSlack() as slack, running(slack, many_workspaces(slack), tmp_path) as program:
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (256, 256))
        url = await address_of(program)
        address = urlparse(url)
        streams = []
        for _ in range(300):
            stream = await asyncio.open_connection(address.hostname, address.port)
            stream[1].write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            streams.append(stream)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as browser:
            for _ in range(3):
                async with browser.get(f"{url}/healthz") as answer:
                    assert answer.status == 200
        for _, writer in streams:
            writer.close()
