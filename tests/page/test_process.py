"""The page of the real program."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp

from tests.platforms.process import running

PATIENCE_SECONDS = 60


async def test_without_a_platform_run_says_what_to_set_and_serves_the_page(tmp_path: Path) -> None:
    async with running(tmp_path, {}) as process, asyncio.timeout(PATIENCE_SECONDS), aiohttp.ClientSession() as client:
        assert process.stderr
        url = ""
        while line := json.loads(await process.stderr.readline())["event"]:
            if line.startswith("The page is at "):
                url = line.removeprefix("The page is at ").rstrip(".")
            if line.startswith("No platform is set up"):
                assert "PAPERBOY_SLACK__BOT_TOKEN" in line
                break
        async with client.get(url) as answer:
            assert answer.status == 200
            assert "The sources have not been read yet." in await answer.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
