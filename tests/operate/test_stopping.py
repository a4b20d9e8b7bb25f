"""A stop ends the program in time, whatever it is busy with."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.platforms.process import ROOT
from tests.platforms.process import environment as environment_of
from tests.support.paper_sources import PaperSources

BUSY_THREAD = """
import bot.sources.feed as feed
def read(answer, today):
    print("reading", flush=True)
    while True: pass
feed._read = read
"""
BUSY_LOOP = """
import bot.jobs.ingest as ingest
async def run(self, *_, **__):
    print("reading", flush=True)
    while True: pass
ingest.Ingest.run = run
"""
START = "\nimport sys; sys.argv = ['paperboy', 'ingest']\nfrom bot.__main__ import main; main()"


@pytest.mark.parametrize("busy", [BUSY_THREAD, BUSY_LOOP], ids=["a thread that parses", "the loop itself"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_ends_the_program_whatever_is_being_read(
    busy: str, number: signal.Signals, tmp_path: Path
) -> None:
    async with PaperSources() as world:
        environment = environment_of(tmp_path, {"SOURCES__FEEDS": world.answer("/feed", "<rss/>")})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", busy + START, env=environment, cwd=ROOT, stdout=PIPE, stderr=PIPE
        )
        assert process.stdout
        assert await process.stdout.readline() == b"reading\n"
        began = time.monotonic()
        process.send_signal(number)
        _, said = await process.communicate()
    assert time.monotonic() - began < 20
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
