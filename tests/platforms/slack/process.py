"""The real program in a process of its own, against the fake Slack."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.slack.server import FakeSlack

ROOT = Path(__file__).parents[3]


def one_workspace(slack: FakeSlack, token: str) -> dict[str, str]:
    return {"SLACK__BOT_TOKEN": token, "SLACK__APP_TOKEN": slack.app_token}


def many_workspaces(slack: FakeSlack) -> dict[str, str]:
    return {
        "SLACK__SIGNING_SECRET": slack.signing_secret,
        "SLACK__CLIENT_ID": slack.client_id,
        "SLACK__CLIENT_SECRET": slack.client_secret,
    }


async def begun(slack: FakeSlack, folder: Path, settings: Mapping[str, str], *command: str) -> Process:
    """`paperboy COMMAND` over a data folder; `settings` are variables without their prefix."""
    own = {
        "DATA_DIR": str(folder),
        "WEB__PORT": "0",
        "SLACK__API_URL": slack.api,
        "SOURCES__HUGGINGFACE__ENABLED": "false",
        "SOURCES__ARXIV__ENABLED": "false",
    }
    environ = os.environ | {f"PAPERBOY_{name}": value for name, value in (own | dict(settings)).items()}
    words = (sys.executable, "-m", "bot", *command)
    return await asyncio.create_subprocess_exec(*words, env=environ, cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(slack: FakeSlack, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Process]:
    """`paperboy run`, until the block ends."""
    process = await begun(slack, folder, settings, "run")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address_of(process: Process) -> str:
    """Where the web server listens."""
    assert process.stderr
    async with asyncio.timeout(60):
        while told := (await process.stderr.readline()).decode():
            if "listens on" in told:
                return told.split()[-1].rstrip(".")
    raise AssertionError("it ended before it listened")
