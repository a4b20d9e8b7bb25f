"""`python -m tests.benchmarks.planning CHANNELS BATCH [--data FOLDER] [--sqlite] [--workspace N]`: what the digest of a
channel costs to plan, in batches and one by one.

Every channel has 50 votes by 5 members, 15 past digests of 5 cards and 10 titles, and a choice among 1,000 new papers.
The store is a PostgreSQL that is started here, or an SQLite file. Each way of planning runs in a process of its own.
CPU milliseconds are those of that process, and of PostgreSQL's processes beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import build
from bot.paper_index import PaperIndex
from bot.settings import load
from bot.store import channels, metadata, papers, tables
from bot.store.database import Store
from bot.store.opening import open_store
from bot.store.states import ChannelState, DeliveryKind, DeliveryState, PostState
from recommender import Recommender
from tests.benchmarks.corpus import made_up, paper_files
from tests.benchmarks.corpus import papers as papers_of
from tests.benchmarks.figures import in_child, report
from tests.fakes.postgres import running_postgres
from tests.support.chat import FakeChat
from tests.support.harness import no_sleep

DAYS, A_DAY, CARDS, TITLES, VOTES, MEMBERS = 15, 1_000, 5, 10, 50, 5
OLDER = 5_000
"""Papers from before the first digest."""
_AT_ONCE = 50
"""Channels that are stored in one transaction."""
_WARM_UP, _ALONE = 20, 100
"""Channels that are planned before anything is measured, and those that are planned one by one."""
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one channel costs, in milliseconds: of this process, of the database server, and of ranking; and the peak
    memory of this process in MiB."""

    client: float
    server: float
    ranking: float
    memory: float

    def __str__(self) -> str:
        parts = f"{self.client:6.1f} ms client, {self.server:5.1f} ms server, {self.ranking:4.1f} ms of it ranking"
        return f"{parts}, {self.memory:4.0f} MiB"


def run(folder: Path, channel_count: int, batch: int, data: Path | None, *, sqlite: bool, workspace: int) -> list[Cost]:
    """The cost of a channel in batches, and one by one."""
    with _database(folder, sqlite=sqlite) as url:
        alone = min(_ALONE, channel_count)
        asyncio.run(_fill(url, folder, channel_count + alone + 2 * _WARM_UP, data, workspace))
        costs = []
        for count, size in ((channel_count, batch), (alone, 1)):
            told = in_child("tests.benchmarks.planning", "--child", url, str(folder), str(count), str(size))
            costs.append(Cost(*(told[name] for name in ("client", "server", "ranking", "memory"))))
    return costs


@contextlib.contextmanager
def _database(folder: Path, *, sqlite: bool) -> Iterator[str]:
    if sqlite:
        yield f"sqlite:///{folder / 'paperboy.db'}"
        return
    with running_postgres() as server:
        yield server.create().render_as_string(hide_password=False)


# -- the store


async def _fill(url: str, folder: Path, count: int, data: Path | None, workspace: int) -> None:
    """A store in which so many channels are due."""
    file = paper_files(data, folder)[0] if data else None
    wanted = OLDER + (DAYS + 1) * A_DAY
    some = list(islice(papers_of(file) if file else made_up(wanted), wanted))
    rng, store = random.Random(0), await open_store(url)
    days: list[list[str]] = []
    revision = 0
    for start in (0, *range(OLDER, len(some), A_DAY)):
        day = _NOW.date() - timedelta(days=DAYS - len(days) + 1)
        chunk = some[start : start + (A_DAY if start else OLDER)]
        async with store.write() as tx:
            recorded = await papers.record(tx, chunk, _NOW, {paper.id: day for paper in chunk})
            if len(days) <= DAYS:  # what is listed today is news for the next digest
                revision = await metadata.revision(tx)
        days.append(list(dict.fromkeys(recorded.ids)))
    await PaperIndex.open(store, folder / "index")
    for start in range(0, count, _AT_ONCE):
        async with store.write() as tx:
            for number in range(start, min(start + _AT_ONCE, count)):
                await _add_channel(tx, number, number // workspace, days[1:-1], revision, rng)
    if not store.is_sqlite:
        async with store.engine.connect() as connection:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(sa.text("analyze"))
    await store.close()


async def _add_channel(
    tx: AsyncConnection, number: int, workspace: int, days: Sequence[Sequence[str]], revision: int, rng: random.Random
) -> None:
    channel = await _insert_one(
        tx,
        tables.channels,
        {
            "platform": "fake", "workspace": f"W{workspace}", "address": f"C{number}", "name": f"papers-{number}",
            "kind": "channel", "private": False, "state": ChannelState.ACTIVE, "state_reason": "", "owner": "U0",
            "hour": "09:00", "days": "daily", "zone": "UTC", "count": CARDS, "bar": 0.5, "guess": True,
            "titles": TITLES, "next_due_at": _NOW, "next_due_on": _NOW.date(),
            "created_at": _sent(0) - timedelta(days=1),
        },
    )  # fmt: skip
    deliveries = await _insert(tx, tables.deliveries, [_delivery(channel, at, revision) for at in range(len(days))])
    posts: list[dict[str, Any]] = []
    shown: list[list[str]] = []
    carded: list[str] = []
    for at, (delivery_id, listed) in enumerate(zip(deliveries, days, strict=True)):
        chosen = rng.sample(listed, CARDS + TITLES)
        for position, paper_id in enumerate(("", *chosen[:CARDS], "")):
            posts.append(_post(channel, delivery_id, position, paper_id or None, at))
            shown.append(chosen[CARDS:] if position > CARDS else [])
        carded += chosen[:CARDS]
    post_ids = await _insert(tx, tables.posts, posts)
    numbers = [
        {"post_id": post_id, "number": number, "channel_id": channel, "paper_id": paper_id}
        for post_id, listed in zip(post_ids, shown, strict=True)
        for number, paper_id in enumerate(listed, 1)
    ]
    await tx.execute(sa.insert(tables.numbers), numbers)
    picks = [
        {"delivery_id": delivery_id, "paper_id": paper_id, "place": place + 1, "fit": rng.random(), "guess": False}
        for at, delivery_id in enumerate(deliveries)
        for place, paper_id in enumerate(carded[at * CARDS : (at + 1) * CARDS])
    ]
    await tx.execute(sa.insert(tables.choices), picks)
    voted = rng.sample(carded, VOTES)
    signals = ("said:more", "said:more", "👍", "said:less")
    votes = [
        {"channel_id": channel, "paper_id": paper_id, "member": f"U{n % MEMBERS}", "signal": rng.choice(signals),
         "on": True, "at": _sent(carded.index(paper_id) // CARDS) + timedelta(hours=1)}
        for n, paper_id in enumerate(voted)
    ]  # fmt: skip
    await tx.execute(sa.insert(tables.votes), votes)


def _sent(at: int) -> datetime:
    """When the digest of that number was sent."""
    return _NOW - timedelta(days=DAYS - at)


def _delivery(channel: int, at: int, revision: int) -> dict[str, Any]:
    return {
        "channel_id": channel, "local_date": _sent(at).date(), "kind": DeliveryKind.DIGEST, "due_at": _sent(at),
        "state": DeliveryState.PLANNED, "reason": "", "planned_at": _sent(at), "papers_revision": revision,
    }  # fmt: skip


def _post(channel: int, delivery_id: int, position: int, paper_id: str | None, at: int) -> dict[str, Any]:
    key = f"pb.{delivery_id}-{position}"
    return {
        "delivery_id": delivery_id, "channel_id": channel, "paper_id": paper_id, "position": position, "key": key,
        "state": PostState.SENT, "reason": "", "body": {}, "attempts": 1, "message": f"M{key}", "planned_at": _sent(at),
        "not_before": _sent(at), "sent_at": _sent(at), "threaded": False, "glance": position > CARDS,
    }  # fmt: skip


async def _insert(tx: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list((await tx.execute(statement, rows)).scalars())


async def _insert_one(tx: AsyncConnection, table: sa.Table, row: dict[str, Any]) -> int:
    return (await _insert(tx, table, [row]))[0]


# -- planning, in a process of its own


async def _plan(url: str, folder: Path, count: int, batch: int) -> None:
    """Plan the digests of so many of the channels that are due, and report what one costs."""
    async with _planner(url, folder) as (store, planner, ranking):
        async with store.read() as tx:
            due = [channel.id for channel in await channels.due(tx, _NOW, ["fake"], limit=_WARM_UP + count)]
            server = await _server_pid(store, tx)
        warm_up, ids = due[:_WARM_UP], due[_WARM_UP:]
        await planner.plan(warm_up)
        ranking.clear()
        began, server_began, planned = time.process_time(), _cpu_below(server), 0
        for start in range(0, len(ids), batch):
            planned += await planner.plan(ids[start : start + batch])
        client, of_server = time.process_time() - began, _cpu_below(server) - server_began
    assert planned == len(ids), "every channel gets a digest"
    each = 1_000 / len(ids)
    report(client=client * each, server=of_server * each, ranking=sum(ranking) * each)


@contextlib.asynccontextmanager
async def _planner(url: str, folder: Path) -> AsyncIterator[tuple[Store, Any, list[float]]]:
    """The store, its planner, and the seconds of each ranking."""
    store, seconds = await open_store(url), []
    scored = Recommender._scored

    def timed(*arguments: Any) -> Any:
        began = time.thread_time()
        result = scored(*arguments)
        seconds.append(time.thread_time() - began)
        return result

    Recommender._scored = staticmethod(timed)  # type: ignore[method-assign, assignment]
    index, chat = await PaperIndex.open(store, folder / "index"), FakeChat()
    app = build(load(None, {}), store, index, {chat.name: chat}, [], lambda: _NOW, no_sleep)
    yield store, app.planner, seconds
    await store.close()


async def _server_pid(store: Store, tx: AsyncConnection) -> int:
    """The process that starts PostgreSQL's others; 0 for SQLite."""
    if store.is_sqlite:
        return 0
    backend = (await tx.execute(sa.text("select pg_backend_pid()"))).scalar_one()
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def _cpu_below(pid: int) -> float:
    """The CPU seconds of the processes that a process started."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat") if pid else ():
        with contextlib.suppress(OSError):
            values = stat.read_text().rpartition(")")[2].split()
            if int(values[1]) == pid:
                total += (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")
    return total


def main() -> None:
    """Measure, and print a line for each way of planning."""
    if sys.argv[1] == "--child":
        url, folder, count, batch = sys.argv[2:]
        asyncio.run(_plan(url, Path(folder), int(count), int(batch)))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("channels", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("--data", type=Path, help="a folder of papers; else they are made up")
    parser.add_argument("--sqlite", action="store_true", help="in an SQLite file instead of PostgreSQL")
    parser.add_argument("--workspace", type=int, default=1, help="channels of one workspace")
    options = parser.parse_args()
    temporary = Path(tempfile.mkdtemp())
    try:
        batches, alone = run(
            temporary,
            options.channels,
            options.batch,
            options.data,
            sqlite=options.sqlite,
            workspace=options.workspace,
        )
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(f"in batches of {options.batch:<4} {batches}")
    print(f"one by one         {alone}")
    print(f"one by one costs {(alone.client + alone.server) / (batches.client + batches.server):.1f} times as much")


if __name__ == "__main__":
    main()
