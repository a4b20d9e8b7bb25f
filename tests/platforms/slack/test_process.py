"""`paperboy run` as a newcomer starts it, against the fake Slack."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.platforms.slack.intake import EVENTS
from bot.platforms.slack.manifest import SCOPES
from tests.fakes.slack.server import FakeSlack

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def running(slack: FakeSlack, token: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = os.environ | {
        "PAPERBOY_DATA_DIR": str(folder),
        "PAPERBOY_SLACK__BOT_TOKEN": token,
        "PAPERBOY_SLACK__APP_TOKEN": slack.app_token,
        "PAPERBOY_SLACK__API_URL": slack.api,
        "PAPERBOY_SOURCES__HUGGINGFACE__ENABLED": "false",
        "PAPERBOY_SOURCES__ARXIV__ENABLED": "false",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environ, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_team_invites_the_bot_asks_it_and_ends_it(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        lab = slack.workspace("T1", "lab")
        lab.scopes = set(SCOPES)
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        ml, ada = lab.channel("C1", "ml-papers", bot=False), lab.member("U1", "ada")
        async with running(slack, lab.bot_token, tmp_path) as process:
            await slack.until(lambda: slack.sockets.connections, within=60)
            await ada.invites_bot(ml)
            [greeting] = ml.visible
            assert "Hello, I am Paperboy" in greeting.words
            await ada.says("/papers", "schedule 08:00 weekdays Europe/Berlin 3", ml)
            answer = (await slack.until(lambda: ada.ephemeral))[0]
            assert "08:00" in answer.words, "whoever invited the bot may set its hour"
            process.send_signal(signal.SIGINT)
            _, told = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 130
            assert "Traceback" not in told.decode()
            assert "Paperboy runs on slack." in told.decode()
    assert slack.unknown == []


async def test_a_wrong_token_is_told_in_one_line(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        slack.workspace("T1", "lab")
        async with running(slack, "xoxb-wrong", tmp_path) as process:
            assert process.stderr
            told = [(await asyncio.wait_for(process.stderr.readline(), 60)).decode() for _ in range(2)]
    assert "Paperboy runs on slack." in told[0]
    assert "invalid_auth" in told[1]
    assert "xoxb-wrong" not in told[1]
