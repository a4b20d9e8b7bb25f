"""Two `paperboy run` and two `paperboy worker` on one PostgreSQL, through every fault: each card stands once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes.postgres import Postgres, running_postgres
from tests.fakes.slack import FakeSlack
from tests.faults.clock import SharedClock
from tests.faults.days import FIRST, SETTINGS, Days
from tests.faults.fleet import LEASE_SECONDS, Fleet, fleet
from tests.faults.rooms import SlackRooms
from tests.support.harness import comes_true

PROGRAMS = ("run-1", "run-2", "worker-1", "worker-2")
ROOMS = 4
SECONDS_A_POST = 0.2
DURABLE = {"synchronous_commit": "on"}
"""What is committed outlives a crash of the server."""
_DISK_BYTES = 96_000_000


@contextlib.asynccontextmanager
async def at_work(
    server: Postgres, folder: Path, programs: Sequence[str] = PROGRAMS, tablespace: str = "pg_default"
) -> AsyncIterator[tuple[Fleet, Days]]:
    """Programs that all start at once on an empty database; their clocks are a minute apart."""
    clock = SharedClock(folder / "clock")
    clock.set(FIRST)
    async with FakeSlack(clock) as slack:
        rooms = SlackRooms(slack, ROOMS)
        slack.faults.slow("chat.postMessage", SECONDS_A_POST, times=100_000)
        async with fleet(server, folder, SETTINGS | dict(rooms.settings), tablespace) as made:
            days = Days(made, [rooms], random.Random(19))
            for number, name in enumerate(programs):
                await made.begin(name.partition("-")[0], name, skew=30 * (-1) ** number)
            listening = sum(name.startswith("run") for name in programs)
            await slack.until(lambda: len(slack.sockets.connections) == listening, within=90)
            await days.settled()
            yield made, days
            counts = await days.check()
            assert counts["digests"] == ROOMS * days.passed
            assert counts["sent"] + counts["failed"] + counts["dropped"] >= 2 * counts["digests"]
            assert slack.unknown == []
            await made.end()


@pytest.mark.timeout(400)
async def test_two_runs_and_two_workers_post_each_card_once_through_every_fault(tmp_path: Path) -> None:
    with running_postgres(own=True, **DURABLE) as server:
        async with at_work(server, tmp_path) as (made, days):
            async with days.another():
                await asyncio.gather(made.programs["worker-1"].kill(), made.programs["run-1"].kill())
            await days.check()
            await asyncio.gather(made.again("worker-1"), made.again("run-1"))
            async with days.another():
                paused = [made.programs["worker-2"], made.programs["run-2"]]
                for program in paused:
                    program.pause()
                await asyncio.sleep(1.5 * LEASE_SECONDS)
                for program in paused:
                    program.resume()
            await days.check()
            async with days.another():
                server.cut(made.database)
                made.line.cut()
            async with days.another():
                with made.line.silence():
                    await asyncio.sleep(LEASE_SECONDS)
            async with days.another():
                await asyncio.to_thread(server.restart)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with little room."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may make a disk of its own, where the system lets it")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.timeout(300)
async def test_a_full_disk_loses_and_doubles_nothing(tmp_path: Path, small_disk: Path) -> None:
    with running_postgres(own=True, **DURABLE) as server:
        server.new_tablespace("small", small_disk / "tables")
        async with at_work(server, tmp_path, PROGRAMS[1:3], "small") as (made, days):

            async def is_told() -> bool:
                return any("disk with the store is full" in log for log in made.logs().values())

            await days.listed()
            with filled(small_disk / "filler"):
                await days.due()
                await comes_true(is_told, within=60)
            await days.settled()


@contextlib.contextmanager
def filled(file: Path) -> Iterator[None]:
    """The disk of a file is full."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(65_536))
    try:
        yield
    finally:
        file.unlink()
