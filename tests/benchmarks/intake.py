"""`python -m tests.benchmarks.intake`: votes into one PostgreSQL from several processes at a steady rate.

Each process has the whole service of the bot, and gets its reactions as a platform would hand them over. The load is
open: each reaction has its moment, and its latency counts from there to its commit; the platform's acknowledgement
follows that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bot.app import opened
from bot.model.messages import Place, Reaction
from bot.settings import load
from recommender.formats import write_papers
from tests.benchmarks.corpus import made_up
from tests.benchmarks.figures import ROOT
from tests.benchmarks.scale import SERVER
from tests.benchmarks.scale_run import KEY, server_cpu
from tests.benchmarks.scale_store import CARDS, DIGESTS, Size, build, message_of, workspace_of
from tests.benchmarks.serving import without_pauses
from tests.fakes.postgres import Postgres, running_postgres

WITHIN = 0.2
"""Seconds within which 99 of 100 votes are to be stored."""
_CHANNELS, _PAPERS = 500, 300
_READY = "ready\n"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the votes: how many were given and stored, latencies in seconds, and the seconds of processor time
    for each: of the processes and of PostgreSQL."""

    given: int
    stored: int
    p50: float
    p99: float
    longest: float
    client: float
    server: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="votes a second, of all processes together")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--child", nargs=2, metavar=("URL", "NUMBER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        url, number = options.child
        asyncio.run(_give(url, int(number), options))
        return 0
    with running_postgres(own=True, **SERVER) as server, tempfile.TemporaryDirectory() as folder:
        taken = run(server, Path(folder), options.rate, options.seconds, options.processes)
    print(
        f"{taken.given:,} votes at {options.rate:.0f}/s from {options.processes} processes: "
        f"{taken.given - taken.stored} lost; stored within {taken.p50 * 1e3:.0f} ms (p50), "
        f"{taken.p99 * 1e3:.0f} ms (p99), {taken.longest * 1e3:.0f} ms (all). Processor time of each: "
        f"{taken.client * 1e3:.1f} ms, and {taken.server * 1e3:.1f} ms of PostgreSQL."
    )
    return int(taken.stored != taken.given or taken.p99 > WITHIN)


def run(server: Postgres, folder: Path, rate: float, seconds: float, processes: int) -> Taken:
    """So many votes into a store made for it."""
    write_papers(folder / "papers.jsonl", made_up(_PAPERS + 100))
    url = server.create()
    asyncio.run(build(url, Size(_CHANNELS, _PAPERS, 100), folder / "papers.jsonl", KEY))
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as tx:
        before = _stored(tx)
        children = [_child(url, number, rate, seconds, processes) for number in range(processes)]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == _READY
        used, began = server_cpu(server), time.time() + 1.0
        for child in children:
            assert child.stdin is not None
            child.stdin.write(f"{began}\n")
            child.stdin.flush()
        told = [json.loads(child.communicate()[0]) for child in children]
        used, stored = server_cpu(server) - used, _stored(tx) - before
    server.drop(url)
    latencies = sorted(latency for one in told for latency in one["latencies"])
    given = len(latencies)
    p50, p99 = (latencies[min(int(share * given), given - 1)] for share in (0.5, 0.99))
    return Taken(given, stored, p50, p99, latencies[-1], sum(one["cpu"] for one in told) / given, used / given)


def _stored(tx: psycopg.Connection) -> int:
    [[count]] = tx.execute('select count(*) from votes where "on"').fetchall()
    return int(count)


def _child(url: sa.URL, number: int, rate: float, seconds: float, processes: int) -> subprocess.Popen[str]:
    words = ("--rate", rate, "--seconds", seconds, "--processes", processes)
    child = ("--child", url.render_as_string(hide_password=False), number)
    command = (sys.executable, "-m", "tests.benchmarks.intake", *map(str, (*words, *child)))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


async def _give(url: str, number: int, options: argparse.Namespace) -> None:
    """Be one process: hand over its share of the votes from the moment that stdin names, and print how long each
    took."""
    latencies = list[float]()
    with tempfile.TemporaryDirectory() as folder:
        off = {"SOURCES__HUGGINGFACE__ENABLED": "false", "SOURCES__ARXIV__ENABLED": "false", "LOG__LEVEL": "error"}
        of = {"DATA_DIR": folder, "DATABASE_URL": url, "ENCRYPTION_KEYS": KEY} | off
        settings = load(None, {f"PAPERBOY_{name}": value for name, value in of.items()})
        async with opened(settings, {}) as app:

            async def give(reaction: Reaction, moment: float) -> None:
                await app.service.react(reaction, f"{reaction.place.address} {reaction.message} {reaction.member}")
                latencies.append(time.time() - moment)

            print(_READY, end="", flush=True)
            begin, used = float(sys.stdin.readline()), time.process_time()
            with without_pauses():
                async with asyncio.TaskGroup() as group:
                    for turn, reaction in enumerate(_reactions(number, options)):
                        moment = begin + turn * options.processes / options.rate
                        await asyncio.sleep(max(moment - time.time(), 0.0))
                        group.create_task(give(reaction, moment))
            used = time.process_time() - used
    print(json.dumps({"latencies": latencies, "cpu": used}))


def _reactions(number: int, options: argparse.Namespace) -> Iterator[Reaction]:
    """One process's share: each vote is of a member of its own, on some card of some channel."""
    for turn in range(int(options.rate * options.seconds / options.processes)):
        every = turn * options.processes + number
        channel, card = every % _CHANNELS + 1, every // _CHANNELS % (DIGESTS * CARDS)
        place = Place("slack", f"C{channel}", workspace_of(channel))
        message = message_of(channel, card // CARDS, card % CARDS + 1)
        yield Reaction(place, message, f"U{channel}V{every}", "👍", True, datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
