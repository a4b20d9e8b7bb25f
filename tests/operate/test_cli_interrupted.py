"""Commands side by side, and interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bot.operate.single_instance import single_instance
from bot.settings import load
from tests.support.operator import Operator, good, ids, lines
from tests.support.paper_sources import PaperSources, Reply


def test_a_second_bot_on_a_store_is_refused_and_searches_are_not(stocked: Operator, tmp_path: Path) -> None:
    with single_instance(load()):
        ran = stocked("chat")
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "Another Paperboy serves" in ran.err
        assert stocked("search", "federated").code == 0
        assert stocked("papers", "import", lines(tmp_path, good(1))).code == 0
        assert stocked("db", "backup", tmp_path / "backup").code == 0
    with single_instance(load()):
        pass


@pytest.mark.parametrize(("words", "number"), [("chat", signal.SIGINT), ("chat", signal.SIGTERM)])
def test_signal_ends_a_chat_cleanly_and_sets_the_exit_code(
    stocked: Operator, words: str, number: signal.Signals
) -> None:
    process = stocked.start(words, stdin=subprocess.PIPE)
    assert process.stdout
    while not process.stdout.readline().strip():
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "")


def test_an_interrupted_demo_ends_without_a_traceback(stocked: Operator) -> None:
    words = ["demo"]
    process = stocked.start(*words, stdin=subprocess.PIPE)
    assert process.stdout
    while not process.stdout.readline().strip():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    assert err == ""


def test_an_interrupted_import_keeps_what_it_had(stocked: Operator, tmp_path: Path) -> None:
    first, pipe = lines(tmp_path, good(1), "{"), tmp_path / "pipe"
    os.mkfifo(pipe)
    process = stocked.start("papers", "import", first, pipe)
    assert process.stderr
    assert "line 2" in process.stderr.readline()
    with pipe.open("w"):  # by now it waits for the second file
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "2501.00001" in ids(stocked)


async def test_an_interrupted_reading_of_the_sources_leaves_cleanly(stocked: Operator) -> None:
    async with PaperSources() as world:
        world.answer("/api/daily_papers", Reply(hang=True))
        stocked.set(SOURCES__HUGGINGFACE__URL=world.url, SOURCES__ARXIV__ENABLED="false")
        process = stocked.start("ingest")
        while not world.requests:
            assert process.poll() is None
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert (process.returncode, err) == (130, "Reading huggingface …\n")
