"""The lock of the bot that serves a PostgreSQL store, also when its connection is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.store import metadata
from bot.store.errors import StoreAway, StoreMissing
from bot.store.opening import open_store
from bot.store.serving import ServingLock, StoreTaken
from tests.fakes.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    database = postgres.create()
    yield database.render_as_string(hide_password=False)
    postgres.drop(database)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


async def say(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


HOLDERS = "from pg_locks where locktype = 'advisory' and classid = 7402512 and granted and database = (select oid from pg_database where datname = current_database())"  # noqa: E501
CUT = f"select pg_terminate_backend(pid) {HOLDERS}"


async def test_a_second_bot_on_a_postgresql_store_is_refused_in_one_sentence(url: str) -> None:
    async with ServingLock(url, 0.0).hold():
        with pytest.raises(StoreTaken, match=r"^Another Paperboy serves the database \w+ on [^\n]* already\.[^\n]*$"):
            await ServingLock(url, 0.0).acquire()
    async with ServingLock(url, 0.0).hold():
        pass


async def test_acquire_waits_for_a_holder_that_is_stopping(url: str) -> None:
    first = ServingLock(url, 0.0)
    held, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with first.hold():
            held.set()
            await leave.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    second = ServingLock(url, 30.0)
    waiting = asyncio.create_task(second.acquire())
    while not await say(url, "select 1 from pg_stat_activity where query like '%pg_try_advisory_xact_lock%' offset 1"):
        pass
    leave.set()
    await asyncio.wait_for(asyncio.gather(holding, waiting), 20)
    await second.release()


async def test_each_database_and_schema_has_a_lock_of_its_own(url: str, postgres: Postgres) -> None:
    other = postgres.create()
    await say(url, "create schema second")
    in_schema = sa.make_url(url).update_query_dict({"options": "-csearch_path=second"})
    in_other, in_second = (each.render_as_string(hide_password=False) for each in (other, in_schema))
    async with ServingLock(url, 0.0).hold(), ServingLock(in_other, 0.0).hold(), ServingLock(in_second, 0.0).hold():
        for taken in (url, in_other, in_second):
            with pytest.raises(StoreTaken):
                await ServingLock(taken, 0.0).acquire()
    postgres.drop(other)


async def test_writes_wait_for_the_lock_after_its_connection_was_cut(url: str) -> None:
    store, lock = await open_store(url), ServingLock(url, 5.0)
    store.ready_to_write = lock.ready
    async with lock.hold():
        [(before,)] = await say(url, f"select pid {HOLDERS}")
        for _ in range(3):
            await say(url, CUT)
            async with asyncio.timeout(20):
                while await say(url, f"select pid {HOLDERS}") in ([], [(before,)]):
                    pass
            [(before,)] = await say(url, f"select pid {HOLDERS}")
            async with store.write() as tx:
                await metadata.put(tx, "a", "b")
    await store.close()


async def test_a_write_without_the_lock_raises_store_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.serving._GAP_SECONDS", 0.01)
    store = await open_store(url)
    store.ready_to_write = ServingLock(url, 5.0).ready
    with pytest.raises(StoreAway, match="was cut"):
        async with store.write() as tx:
            await metadata.put(tx, "a", "b")
    async with store.read() as tx:
        assert await metadata.get(tx, "a") is None
    await store.close()


async def test_a_bot_stops_when_another_bot_took_its_lock(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ServingLock(url, 0.3), ServingLock(url, 5.0)
    begun = asyncio.Event()

    async def serve() -> None:
        async with first.hold():
            begun.set()
            await asyncio.Event().wait()

    real = first.acquire

    async def late() -> None:
        await second.acquire()
        await real()

    serving = asyncio.create_task(serve())
    await begun.wait()
    monkeypatch.setattr(first, "acquire", late)
    await say(url, CUT)
    with pytest.raises(StoreTaken, match=r"^Another Paperboy took over [^\n]* This one stops\.$"):
        await asyncio.wait_for(serving, 20)
    await second.release()


async def test_a_bot_can_be_cancelled_while_its_lock_is_lost(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, begun, lost = ServingLock(url, 0.3), asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        async with lock.hold():
            begun.set()
            await asyncio.Event().wait()

    async def never() -> None:
        lost.set()
        await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    await begun.wait()
    monkeypatch.setattr(lock, "acquire", never)
    await say(url, CUT)
    await asyncio.wait_for(lost.wait(), 20)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, 20)


async def test_the_lock_transaction_holds_back_no_vacuum_and_has_no_idle_timeout(url: str) -> None:
    name = sa.make_url(url).database
    await say(url, f'alter database "{name}" set idle_in_transaction_session_timeout = 200')
    await say(url, f"alter database \"{name}\" set default_transaction_isolation = 'repeatable read'")
    async with ServingLock(url, 0.0).hold():
        [(before,)] = await say(url, f"select pid {HOLDERS}")
        await say(url, "select pg_sleep(0.6)")
        assert await say(url, f"select pid {HOLDERS}") == [(before,)]
        state = await say(url, f"select state, backend_xmin::text from pg_stat_activity where pid = {before}")
        assert state == [("idle in transaction", None)]


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"database": "no_such_database"}, StoreMissing), ({"username": "no_such_role"}, StoreMissing),
     ({"query": {"host": "/nowhere"}}, StoreAway)],
)  # fmt: skip
async def test_a_refusal_raises_store_missing_and_no_answer_store_away(
    url: str, change: dict[str, object], kind: type[StoreMissing]
) -> None:
    wrong = sa.make_url(url).set(**change).render_as_string(hide_password=False)  # type: ignore[arg-type]
    with pytest.raises(StoreMissing, match=r"^The store can't be reached[^\n]+$") as caught:
        await ServingLock(wrong, 0.0).acquire()
    assert type(caught.value) is kind
    with pytest.raises(StoreMissing) as caught:
        await open_store(wrong)
    assert type(caught.value) is kind
