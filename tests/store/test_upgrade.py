from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.store.database import Store, make_engine
from bot.store.errors import StoreDamaged, StoreError, StoreNewer
from bot.store.opening import open_store
from bot.store.tables import metadata
from bot.store.upgrade import current, revisions, upgrade
from tests.store.whole import dump, fill


@pytest.mark.parametrize("revision", revisions())
async def test_an_upgrade_from_any_revision_keeps_every_row(empty_url: str, revision: str) -> None:
    store = Store(make_engine(empty_url, 1))
    assert await upgrade(store, revision)
    async with store.write() as tx:
        assert await current(tx) == revision
        count = await fill(tx)
    before = await dump(store)
    await upgrade(store)
    after = await dump(store)
    assert after["alembic_version"] == [(revisions()[-1],)]
    assert sum(len(rows) for name, rows in after.items() if name != "alembic_version") >= count
    for name, rows in before.items():
        if name != "alembic_version":
            assert _values(after[name]) >= _values(rows), name
    assert not await upgrade(store)
    await store.close()


def _values(rows: list[tuple[Any, ...]]) -> set[str]:
    """What was told must still be there, whatever columns came to stand beside it."""
    return {repr(value) for row in rows for value in row}


async def test_the_migrations_make_the_tables_of_the_code(store: Store) -> None:
    def differences(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with store.read() as tx:
        assert await tx.run_sync(differences) == []


def test_revisions_are_numbered_without_gaps() -> None:
    assert revisions() == [f"{number:04}" for number in range(1, len(revisions()) + 1)]


async def test_concurrent_upgrades_run_one_after_the_other(empty_url: str) -> None:
    for store in await asyncio.gather(*(open_store(empty_url) for _ in range(4))):
        async with store.read() as tx:
            assert await current(tx) == revisions()[-1]
        await store.close()


@pytest.mark.parametrize(
    ("statements", "error", "message"),
    [
        (["create table alembic_version (version_num text)", "insert into alembic_version values ('9999')"],
         StoreNewer, r"newer Paperboy \(its revision is 9999"),
        (["create table alembic_version (version_num text)", "insert into alembic_version values ('ab12cd')"],
         StoreDamaged, "belongs to another program"),
        (["create table alembic_version (version_num text)", "create table customers (id int)"],
         StoreDamaged, "tables that are not Paperboy's"),
        (["create table customers (id int)"], StoreDamaged, "tables that are not Paperboy's"),
    ],
    ids=["newer", "other-migrations", "other-unfinished", "other-tables"],
)  # fmt: skip
async def test_a_foreign_or_newer_database_is_refused_and_left_unchanged(
    empty_url: str, statements: list[str], error: type[StoreError], message: str
) -> None:
    foreign = Store(make_engine(empty_url, 1))
    async with foreign.write() as tx:
        for statement in statements:
            await tx.exec_driver_sql(statement)
    before = await dump(foreign)
    with pytest.raises(error, match=rf"^[^\n]*{message}[^\n]*$"):
        await open_store(empty_url)
    assert await dump(foreign) == before
    await foreign.close()


async def test_migration_0002_gives_each_digest_the_revision_of_its_papers(empty_url: str) -> None:
    store = Store(make_engine(empty_url, 1))
    await upgrade(store, "0001")
    async with store.write() as tx:
        await fill(tx)
        # Of three digests, each planned at the moment one of the papers became news: the last has heard of all.
        news_times = (await tx.exec_driver_sql("select news_at from papers order by news_at")).all()
        await tx.exec_driver_sql(
            "update papers set revision = case "
            + " ".join(f"when news_at = '{at}' then {10 * (n + 1)}" for n, (at,) in enumerate(news_times))
            + " end"
        )
    await upgrade(store)
    async with store.read() as tx:
        rows = await tx.exec_driver_sql("select papers_revision from deliveries order by planned_at")
        assert [row[0] for row in rows] == [19, 29, 30]
        news = await tx.exec_driver_sql("select news_revision from papers order by news_at")
        assert [row[0] for row in news] == [10, 20, 30]
    await store.close()
