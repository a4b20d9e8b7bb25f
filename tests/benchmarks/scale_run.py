"""Programs that serve a large store, and what they take for it: time, processor time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

from tests.benchmarks.figures import ROOT
from tests.fakes.postgres import Postgres

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
_TICK = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS = 0.5
_READY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Served:
    """One run. Times in seconds; `client` is the processor time of the workers, `server` that of PostgreSQL, and
    `memory` the peak of the largest worker in MiB."""

    channels: int
    papers: int
    workers: int
    planned: float
    done: float
    client: float
    server: float
    memory: float
    posts: int
    lost: int
    doubled: int

    def a_channel(self, seconds: float) -> float:
        """Milliseconds for each channel."""
        return seconds / self.channels * 1e3


def serve(server: Postgres, url: sa.URL, folder: Path, papers: int, workers: int, command: Sequence[str]) -> Served:
    """Let every channel of the store be due at the same moment, and wait until all is posted."""
    with _slack() as slack, psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as tx:
        [[channels]] = tx.execute("select count(*) from channels").fetchall()
        with _workers(url, slack, folder, workers, command) as programs:
            _wait_for_index(tx, folder, programs)
            idle = [_cpu(program.pid) for program in programs]
            before, began = server_cpu(server), time.monotonic()
            tx.execute("update channels set next_due_at = %s, next_due_on = %s", [datetime.now(UTC), _today()])
            planned = 0.0
            while True:
                time.sleep(_LOOK_SECONDS)
                assert all(program.poll() is None for program in programs), "a worker ended"
                due, waiting = _left(tx)
                took = time.monotonic() - began
                planned = planned or (0.0 if due else took)
                print(f"\r{took:6.0f} s: {due:,} due, {waiting:,} posts wait    ", end="", file=sys.stderr, flush=True)
                if not due and not waiting:
                    break
            print(file=sys.stderr)
            client = sum(_cpu(program.pid) - start for program, start in zip(programs, idle, strict=True))
            used, memory = server_cpu(server) - before, max(_peak(program.pid) for program in programs)
        counts = json.loads(urllib.request.urlopen(f"{slack}/counts").read())
        [[posts, unsent]] = tx.execute(
            "select count(*), count(*) filter (where posts.state <> 'sent') from posts"
            " join deliveries on deliveries.id = delivery_id where local_date = %s",
            [_today()],
        ).fetchall()
    lost = unsent + posts - (counts["posts"] - counts["doubled"])
    figures = (planned, took, client, used, memory, posts, lost, counts["doubled"])
    return Served(channels, papers, workers, *figures)


def _today() -> date:
    return datetime.now(UTC).date()


def _left(tx: psycopg.Connection) -> tuple[int, int]:
    """How many channels are due, and how many posts are not yet sent."""
    [[due]] = tx.execute("select count(*) from channels where next_due_at <= now()").fetchall()
    states = ["planned", "sending", "uncertain"]
    [[waiting]] = tx.execute("select count(*) from posts where state = any(%s)", [states]).fetchall()
    return due, waiting


@contextlib.contextmanager
def _slack() -> Iterator[str]:
    command = (sys.executable, "-m", "tests.benchmarks.scale_slack")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as slack:
        assert slack.stdout is not None
        try:
            yield slack.stdout.readline().strip()
        finally:
            slack.kill()


@contextlib.contextmanager
def _workers(
    url: sa.URL, slack: str, folder: Path, count: int, command: Sequence[str]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many programs, each with a folder of its own."""
    programs, logs = [], []
    for number in range(count):
        home = folder / f"worker-{number}"
        home.mkdir(parents=True, exist_ok=True)
        environ = os.environ | {
            "PAPERBOY_DATA_DIR": str(home),
            "PAPERBOY_DATABASE_URL": url.render_as_string(hide_password=False),
            "PAPERBOY_ENCRYPTION_KEYS": KEY,
            "PAPERBOY_SLACK__SIGNING_SECRET": "secret",
            "PAPERBOY_SLACK__CLIENT_ID": "1.2",
            "PAPERBOY_SLACK__CLIENT_SECRET": "secret",
            "PAPERBOY_SLACK__API_URL": f"{slack}/api/",
            "PAPERBOY_SOURCES__HUGGINGFACE__ENABLED": "false",
            "PAPERBOY_SOURCES__ARXIV__ENABLED": "false",
            # This Slack knows of no reactions, so reading them back would take every vote away.
            "PAPERBOY_VOTES__READ_BACK_DAYS": "0",
            "PAPERBOY_SCHEDULE__TICK_SECONDS": "1",
            "PAPERBOY_WEB__PORT": "0",
        }
        logs.append(home / "log")
        with logs[-1].open("w") as log:
            programs.append(
                subprocess.Popen([sys.executable, "-m", "bot", *command], env=environ, cwd=ROOT, stderr=log)
            )
    try:
        yield programs
    finally:
        for program in programs:
            program.send_signal(signal.SIGTERM)
        for program in programs:
            program.wait(60)
    for file in logs:
        if "Traceback" in file.read_text():
            raise SystemExit(f"A worker broke: {file.read_text()[:20_000]}")


def _wait_for_index(tx: psycopg.Connection, folder: Path, programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until every program has built its index, and rests."""
    ends, rested = time.monotonic() + _READY_SECONDS, 0
    used = 0.0
    while rested < 3:
        assert time.monotonic() < ends, "the workers were not ready in time"
        assert all(program.poll() is None for program in programs), "a worker ended"
        time.sleep(1.0)
        now = sum(_cpu(program.pid) for program in programs)
        indexed = len(list(folder.glob("worker-*/index"))) == len(programs)
        rested = rested + 1 if indexed and now - used < 0.5 * len(programs) else 0
        used = now


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has used, and those of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def server_cpu(server: Postgres) -> float:
    """Seconds of processor time that a PostgreSQL of ours has used, in all of its processes."""
    assert server.home
    parent = int((server.home / "data" / "postmaster.pid").read_text().split()[0])
    used = _cpu(parent)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                used += _cpu(int(folder.name))
    return used


def _peak(pid: int) -> float:
    [peak] = [line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
    return int(peak) / 2**10
