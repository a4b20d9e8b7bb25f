"""A process notices that another one changed the tables, and ends with one sentence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from bot.serve import serve
from bot.store import channels
from bot.store.database import OUTDATED, Store
from bot.store.errors import StoreMissing, StoreOutdated
from bot.store.opening import open_store
from tests.fakes.clock import Clock
from tests.fakes.postgres import Postgres
from tests.operate.test_single_instance import PATIENCE_SECONDS, chatting
from tests.support.harness import harness_over
from tests.support.operator import Operator


@pytest.fixture
async def own(empty_url: str) -> AsyncIterator[Store]:
    """A store with tables of its own, which a test may change."""
    store = await open_store(empty_url)
    yield store
    await store.close()


async def change_tables(store: Store) -> None:
    """What a newer version does to the tables."""
    async with store.write(exclusive=True) as tx:
        await tx.execute(sa.text("alter table channels rename column owner to proprietor"))
        await tx.execute(sa.text("update alembic_version set version_num = '9999'"))


async def test_a_process_notices_that_the_tables_were_changed(own: Store) -> None:
    await own.check_revision()
    await change_tables(own)
    for transaction in (own.read, own.write):
        with pytest.raises(StoreOutdated):
            async with transaction() as tx:
                await channels.list_all(tx)
    with pytest.raises(StoreOutdated, match="start the version again that changed them"):
        await own.check_revision()
    assert own.outdated.is_set()


async def test_a_database_that_was_emptied_is_noticed(own: Store) -> None:
    async with own.write(exclusive=True) as tx:
        await tx.execute(sa.text("drop table alembic_version"))
    with pytest.raises(StoreOutdated):
        await own.check_revision()


async def test_a_mistake_in_a_statement_is_no_change_of_the_tables(own: Store) -> None:
    for statement in ("select nothing from channels", "select * from nowhere"):
        with pytest.raises((sa.exc.ProgrammingError, StoreMissing)):
            async with own.read() as tx:
                await tx.execute(sa.text(statement))
    assert not own.outdated.is_set()


async def test_a_bot_ends_when_the_tables_were_changed(
    own: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    harness = harness_over(own, clock)
    serving = asyncio.create_task(serve(harness.app, {}))
    await change_tables(own)
    clock.advance(timedelta(days=1))
    with pytest.raises(StoreOutdated, match="Nothing is lost"):
        await asyncio.wait_for(serving, 30)
    assert "Traceback" not in caplog.text


@pytest.fixture
def served(operator: Operator, postgres: Postgres) -> Iterator[str]:
    """The URL of the PostgreSQL database of an operator."""
    url = postgres.create().render_as_string(hide_password=False)
    operator.set(
        DATABASE_URL=url,
        SCHEDULE__TICK_SECONDS="0.2",
        SOURCES__HUGGINGFACE__ENABLED="false",
        SOURCES__ARXIV__ENABLED="false",
    )
    yield url
    postgres.drop(sa.make_url(url))


def test_the_program_ends_with_one_sentence(operator: Operator, served: str) -> None:
    with chatting(operator) as bot:
        with psycopg.connect(served, autocommit=True) as connection:
            connection.execute("update alembic_version set version_num = '9999'")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while bot.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert bot.returncode == 1
        _, err = bot.communicate()
    assert err.splitlines()[-1] == f"paperboy: {OUTDATED}"
    assert "Traceback" not in err


def test_a_user_who_may_create_no_tables_is_told_in_one_sentence(
    operator: Operator, served: str, postgres: Postgres
) -> None:
    with psycopg.connect(served, autocommit=True) as connection:
        connection.execute("create role guest login; revoke create on schema public from public")
    operator.set(DATABASE_URL=served.replace("paperboy@", "guest@"))
    for words in (("db", "upgrade"), ("search", "x")):
        ran = operator(*words)
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1), ran.err
        assert "alter schema public owner to" in ran.err
    with psycopg.connect(served, autocommit=True) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)
        connection.execute("drop role guest")


async def write_as_reader(store: Store) -> None:
    async with store.write() as tx:
        await tx.execute(sa.text("set local role reader"))
        await tx.execute(sa.text("update facts set value = ''"))


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_user_who_may_not_write_is_told(empty_url: str) -> None:
    store = await open_store(empty_url)
    async with store.write(exclusive=True) as tx:
        await tx.execute(sa.text("create role reader"))
        await tx.execute(sa.text("grant select on all tables in schema public to reader"))
    try:
        with pytest.raises(StoreMissing, match="may not use or change its tables"):
            await write_as_reader(store)
    finally:
        async with store.write(exclusive=True) as tx:
            await tx.execute(sa.text("drop owned by reader"))
            await tx.execute(sa.text("drop role reader"))
        await store.close()
