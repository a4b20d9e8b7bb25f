"""The real program in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.model.messages import Place
from bot.store import channels
from bot.store.database import Store, make_engine

ROOT = Path(__file__).parents[2]


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program over a data folder; `settings` are variables without their prefix."""
    own = {
        "DATA_DIR": str(folder),
        "WEB__PORT": "0",
        "SOURCES__HUGGINGFACE__ENABLED": "false",
        "SOURCES__ARXIV__ENABLED": "false",
    }
    return os.environ | {f"PAPERBOY_{name}": value for name, value in (own | dict(settings)).items()}


async def begun(folder: Path, settings: Mapping[str, str], *command: str) -> Process:
    """`paperboy COMMAND` over a data folder; `settings` are variables without their prefix."""
    environ = environment(folder, settings)
    words = (sys.executable, "-m", "bot", *command)
    return await asyncio.create_subprocess_exec(*words, env=environ, cwd=ROOT, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(folder: Path, settings: Mapping[str, str], command: str = "run") -> AsyncIterator[Process]:
    """`paperboy run` or `paperboy worker`, until the block ends."""
    process = await begun(folder, settings, command)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def let_come(folder: Path, place: Place, day: date) -> None:
    """The hour of a day's digest has come in a channel, a second ago."""
    store = Store(make_engine(f"sqlite:///{folder / 'paperboy.db'}", 10.0))
    async with store.write() as tx:
        channel = await channels.find(tx, place)
        assert channel
        due = {"next_due_at": datetime.now(UTC) - timedelta(seconds=1), "next_due_on": day}
        await channels.change(tx, channel.id, **due)
    await store.close()


def log_lines(text: str) -> list[str]:
    """The events of the lines that `paperboy run` logged to a pipe. Each is JSON with a time and a level."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines), text
    return [line["event"] for line in lines]
