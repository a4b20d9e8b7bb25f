"""SQLite on the event loop: short transactions take few turns of the loop, and slow work never blocks it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.store import exposures, metadata
from bot.store.database import Store, for_visitors, high_priority


@contextlib.asynccontextmanager
async def turns() -> AsyncIterator[list[int]]:
    """How often the loop went round, in a list of one number."""
    counted = [0]

    async def count() -> None:
        while True:
            await asyncio.sleep(0)
            counted[0] += 1

    counting = asyncio.create_task(count())
    yield counted
    counting.cancel()


async def put(store: Store, name: str) -> None:
    async with store.write() as tx:
        await metadata.put(tx, name, "1")


async def put_ahead(store: Store, name: str) -> None:
    with high_priority():
        await put(store, name)


async def test_hundreds_of_priority_writes_need_few_turns_of_the_loop(sqlite_store: Store) -> None:
    async with turns() as counted:
        await asyncio.gather(*(put_ahead(sqlite_store, str(number)) for number in range(300)))
    assert counted[0] < 150
    async with sqlite_store.read() as tx:
        assert await metadata.get(tx, "299") == "1"


async def test_a_priority_write_runs_between_background_writes(sqlite_store: Store) -> None:
    many = [asyncio.create_task(put(sqlite_store, str(number))) for number in range(300)]
    await asyncio.sleep(0)
    async with turns() as counted:
        await put_ahead(sqlite_store, "ahead")
        assert counted[0] < 10
        assert not all(task.done() for task in many)
        await asyncio.gather(*many)
        assert counted[0] >= 290


async def test_a_visitor_waits_behind_visitors_alone(sqlite_store: Store) -> None:
    many = [asyncio.create_task(put(sqlite_store, str(number))) for number in range(300)]
    await asyncio.sleep(0)

    async def visit() -> None:
        with for_visitors():
            async with sqlite_store.read() as tx:
                await metadata.get(tx, "a")

    async with turns() as counted:
        await asyncio.gather(*(visit() for _ in range(10)))
        assert 10 <= counted[0] < 50
        assert not all(task.done() for task in many)
        await asyncio.gather(*many)


async def test_an_open_write_keeps_other_writers_out(sqlite_store: Store) -> None:
    goes_on, seen = asyncio.Event(), list[str]()

    async def slow() -> None:
        async with sqlite_store.write() as tx:
            await metadata.put(tx, "a", "slow")
            await goes_on.wait()
            seen.append("slow")

    async def quick(name: str) -> None:
        async with sqlite_store.write() as tx:
            seen.append(f"{name} after {await metadata.get(tx, 'a')}")

    tasks = [asyncio.create_task(work) for work in (slow(), quick("x"), quick("y"))]
    for _ in range(10):
        await asyncio.sleep(0)
    assert seen == []
    tasks[1].cancel()
    goes_on.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert seen == ["slow", "y after slow"]


async def test_a_long_transaction_lets_the_loop_turn(sqlite_store: Store) -> None:
    async with turns() as counted, sqlite_store.write() as tx:
        for number in range(2_000):
            await metadata.put(tx, str(number), "1")
        assert counted[0] > 3


async def test_one_transaction_after_the_other_lets_the_loop_turn(sqlite_store: Store) -> None:
    async with turns() as counted:
        for number in range(100):
            await put(sqlite_store, str(number))
        assert counted[0] >= 90


async def test_the_loop_goes_on_while_another_program_holds_the_lock(sqlite_store: Store) -> None:
    file = str(sqlite_store.engine.url.database)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        writing = asyncio.create_task(put(sqlite_store, "a"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not writing.done()
        other.execute("rollback")
        await writing


async def test_a_result_is_not_changed_by_later_statements(sqlite_store: Store) -> None:
    async with sqlite_store.write() as tx:
        for name in "abc":
            await metadata.put(tx, name, "1")
        seen = []
        for (name,) in await tx.exec_driver_sql("select name from facts where name in ('a', 'b', 'c') order by name"):
            await tx.exec_driver_sql("delete from facts where name in ('a', 'b', 'c')")
            seen.append(name)
    assert seen == ["a", "b", "c"]


async def test_the_wal_does_not_grow_after_a_checkpoint(sqlite_store: Store) -> None:
    def size() -> int:
        return Path(f"{sqlite_store.engine.url.database}-wal").stat().st_size

    for number in range(600):
        await put(sqlite_store, str(number))
    before = size()
    for number in range(600):
        await put(sqlite_store, str(number))
    assert size() == before


async def test_seen_in_workspace_uses_an_index_and_no_scan(sqlite_store: Store) -> None:
    statements: list[tuple[str, Any]] = []

    def record_statement(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        statements.append((statement, values))

    async with sqlite_store.read() as tx:
        sa.event.listen(sqlite_store.engine.sync_engine, "before_cursor_execute", record_statement)
        await exposures.seen_in_workspace(tx, 1, ["a", "b"])
        sa.event.remove(sqlite_store.engine.sync_engine, "before_cursor_execute", record_statement)
        statement, values = statements[0]
        plan = [str(row.detail) for row in await tx.exec_driver_sql(f"explain query plan {statement}", values)]
    steps = [step for step in plan if step.startswith(("SEARCH posts", "SEARCH numbers", "SCAN posts", "SCAN numbers"))]
    by_paper = [step for step in steps if "(channel_id=? AND paper_id=?)" in step]
    assert len(by_paper) == 2
    assert [step for step in steps if step not in by_paper] == ["SEARCH posts USING INTEGER PRIMARY KEY (rowid=?)"]
