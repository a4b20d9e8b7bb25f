"""The real program in a process of its own, against the fake Slack."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.fakes.slack.server import FakeSlack
from tests.platforms import process


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
    return await process.begun(folder, {"SLACK__API_URL": slack.api} | dict(settings), *command)


def running(slack: FakeSlack, settings: Mapping[str, str], folder: Path) -> AbstractAsyncContextManager[Process]:
    """`paperboy run`, until the block ends."""
    return process.running(folder, {"SLACK__API_URL": slack.api} | dict(settings))


async def address_of(program: Process) -> str:
    """Where the api server listens."""
    assert program.stderr
    async with asyncio.timeout(60):
        while told := (await program.stderr.readline()).decode():
            event: str = json.loads(told)["event"]
            if event.startswith(("The web server listens on ", "The page is at ")):
                return event.split()[-1].rstrip(".")
    raise AssertionError("it ended before it listened")
