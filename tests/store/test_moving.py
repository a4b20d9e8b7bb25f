"""Moving a store between SQLite and PostgreSQL: all of it, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.store import deliveries, delivery_plans, metadata, papers, tables
from bot.store.database import Store, make_engine
from bot.store.delivery_plans import Draft
from bot.store.errors import StoreNewer
from bot.store.moving import MoveRefused, Progress, move
from bot.store.opening import open_store
from bot.store.states import DeliveryKind
from recommender.paper import Paper
from tests.fakes.postgres import Postgres
from tests.store.whole import START, add_channel, dump, fill
from tests.support.operator import ROOT


@contextlib.contextmanager
def silently(_what: str) -> Iterator[Progress]:
    yield lambda done, total: None


@pytest.fixture
async def empty(backend: str, tmp_path: Path, postgres: Postgres) -> AsyncIterator[Store]:
    """An empty database of the other kind."""
    url = postgres.create() if backend == "sqlite" else sa.make_url(f"sqlite:///{tmp_path / 'other.db'}")
    other = Store(make_engine(url.render_as_string(hide_password=False), 10))
    yield other
    await other.close()
    if backend == "sqlite":
        postgres.drop(url)


async def rows_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows but the leases, which are not moved."""
    return {name: rows for name, rows in (await dump(store)).items() if name != "leases"}


async def table_names(store: Store) -> list[str]:
    async with store.read() as tx:
        return await tx.run_sync(lambda connection: sa.inspect(connection).get_table_names())


async def test_every_row_of_either_database_comes_to_the_other_and_back(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    async with store.write() as tx:
        count = await fill(tx)
    before = await rows_of(store)
    stages: list[str] = []
    ticks: list[tuple[int, int]] = []

    @contextlib.contextmanager
    def told(what: str) -> Iterator[Progress]:
        stages.append(what)
        yield lambda done, total: ticks.append((done, total))

    moved = await move(store, empty, told)
    assert moved == count - len(await dump(store) and (await dump(store))["leases"])
    assert (stages, ticks[-1]) == (["Checking", "Moving", "Comparing"], (moved, moved))
    assert await rows_of(empty) == before
    back = Store(make_engine(f"sqlite:///{tmp_path / 'back.db'}", 10))
    await move(empty, back, silently)
    assert await rows_of(back) == before == await rows_of(store)
    await back.close()


async def test_a_moved_store_keeps_its_id_and_never_gives_an_old_number_again(store: Store, empty: Store) -> None:
    async with store.write() as tx:
        store_id = await metadata.store_id(tx)
        ids = [(await add_channel(tx, f"C{number}")).id for number in range(4)]
        await papers.record(tx, [Paper("2310.01234", "")], START)
        await delivery_plans.plan(
            tx, ids[0], START.date(), DeliveryKind.DIGEST, START, [Draft({}, "2310.01234")], START
        )
        await tx.execute(sa.delete(tables.channels).where(tables.channels.c.id == ids[3]))
        await tx.execute(sa.delete(tables.deliveries))
    await move(store, empty, silently)
    async with empty.write() as tx:
        assert await metadata.store_id(tx) == store_id
        assert (await add_channel(tx, "C9")).id == max(ids) + 1
        planned = await delivery_plans.plan(
            tx, ids[0], START.date(), DeliveryKind.DIGEST, START, [Draft({}, "2310.01234")], START
        )
        assert planned
        assert [post.key for post in await deliveries.posts_of_delivery(tx, planned.id)] == [f"pb{store_id[:6]}.2-0"]


async def test_a_store_with_the_tables_alone_may_be_moved_into(store: Store, empty: Store) -> None:
    async with store.write() as tx:
        await add_channel(tx)
    made = await open_store(empty.engine.url.render_as_string(hide_password=False))
    async with made.write() as tx:
        await metadata.store_id(tx)
    await made.close()
    await move(store, empty, silently)
    assert await rows_of(empty) == await rows_of(store)


async def test_a_database_that_holds_anything_is_refused(store: Store, empty: Store) -> None:
    async with store.write() as tx:
        await add_channel(tx)
    url = empty.engine.url.render_as_string(hide_password=False)
    async with empty.write() as tx:
        await tx.execute(sa.text("create table customers (name text)"))
    with pytest.raises(MoveRefused, match="another program's"):
        await move(store, empty, silently)
    async with empty.write() as tx:
        await tx.execute(sa.text("drop table customers"))
    made = await open_store(url)
    async with made.write() as tx:
        await add_channel(tx, "of the other")
    before = await dump(made)
    with pytest.raises(MoveRefused, match="holds a store already"):
        await move(store, made, silently)
    assert await dump(made) == before
    async with made.write() as tx:
        await tx.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreNewer):
        await move(store, made, silently)
    await made.close()


async def test_a_database_without_all_characters_is_refused(sqlite_store: Store, postgres: Postgres) -> None:
    async with sqlite_store.write() as tx:
        await add_channel(tx)
    url = postgres.url.set(database="paperboy_latin")
    with psycopg.connect(postgres.url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("create database paperboy_latin encoding 'LATIN1' locale 'C' template template0")
    latin = Store(make_engine(url.render_as_string(hide_password=False), 10))
    with pytest.raises(MoveRefused, match="createdb --encoding=UTF8"):
        await move(sqlite_store, latin, silently)
    assert await table_names(latin) == []
    await latin.close()
    postgres.drop(url)


FAULTS = {
    "a NUL in a text": ("update papers set title = 'a' || char(0) || 'b'", "papers, title", "NUL"),
    "a NUL in a key": ("insert into paper_names select 'a' || char(0), id from papers limit 1", "name", "NUL"),
    "a key that is too long": ("update channels set owner = printf('%.*c', 4000, 'x')", "channels, owner", "too long"),
    "a NUL in JSON": ("""update papers set authors = '["\\u0000"]'""", "papers, authors", "NUL"),
    "half a character in JSON": ("""update papers set authors = '["\\ud800"]'""", "papers, authors", "NUL"),
    "no number in JSON": ("update papers set authors = '[NaN]'", "papers, authors", "JSON"),
    "an endless number in JSON": ("update papers set authors = '[1e999]'", "papers, authors", "JSON"),
    "half of JSON": ("update papers set authors = '[1,'", "papers, authors", "JSON"),
    "deep JSON": ("update papers set authors = printf('%.*c', 100000, '[')", "papers, authors", "JSON"),
    "no date": ("update papers set published = 'soon'", "papers, published", "date"),
    "no time": ("update channels set created_at = 'now'", "channels, created_at", "date"),
    "a word for a number": ("update papers set upvotes = 'many'", "papers, upvotes", "32 bits"),
    "a number that is too large": ("update papers set upvotes = 3000000000", "papers, upvotes", "32 bits"),
    "no truth": ("update papers set withdrawn = 'perhaps'", "papers, withdrawn", "true nor false"),
    "bytes": ("update papers set title = x'ff00'", "papers, title", "no text"),
    "a text that is no UTF-8": ("update papers set title = cast(x'41ff42' as text)", "papers", "UTF-8"),
    "a row without the row that it belongs to": (
        (
            "pragma foreign_keys = off; insert into topics (channel_id, query, muted, alert, member, created_at)"
            " values (99, '', 0, 0, '', '2026-01-01 00:00:00')"
        ),
        "the table topics",
        "missing",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_value_that_postgresql_refuses_is_found_before_anything_is_written(
    fault: str, sqlite_store: Store, empty_postgres: Store
) -> None:
    statement, where, what = FAULTS[fault]
    async with sqlite_store.write() as tx:
        await add_channel(tx)
        await papers.record(tx, [Paper("2310.01234", "A title")], START)
    with contextlib.closing(sqlite3.connect(str(sqlite_store.engine.url.database))) as connection:
        connection.executescript(statement)
        connection.commit()
    with pytest.raises(MoveRefused) as refused:
        await move(sqlite_store, empty_postgres, silently)
    text = str(refused.value)
    assert where in text
    assert what in text
    assert text.endswith("Nothing was moved.")
    assert len(text) < 500
    assert "\n" not in text
    assert await table_names(empty_postgres) == []


@pytest.fixture
async def empty_postgres(postgres: Postgres) -> AsyncIterator[Store]:
    url = postgres.create()
    other = Store(make_engine(url.render_as_string(hide_password=False), 10))
    yield other
    await other.close()
    postgres.drop(url)


async def test_a_time_that_sqlite_lacks_is_refused(empty_postgres: Store, tmp_path: Path) -> None:
    full = await open_store(empty_postgres.engine.url.render_as_string(hide_password=False))
    async with full.write() as tx:
        await add_channel(tx)
        await tx.execute(sa.text("update channels set next_due_at = 'infinity'"))
    target = Store(make_engine(f"sqlite:///{tmp_path / 'target.db'}", 10))
    with pytest.raises(MoveRefused, match="the table channels"):
        await move(full, target, silently)
    assert await table_names(target) == []
    await full.close()
    await target.close()


_LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_JSON = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


@pytest.fixture
def emptied_url(_postgres_store: sa.URL) -> str:
    """The URL of a PostgreSQL store without a row."""
    return _postgres_store.render_as_string(hide_password=False)


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink an example would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    texts=st.lists(st.text(), max_size=4),
    values=st.lists(_JSON, min_size=1, max_size=4),
    dates=st.lists(st.datetimes(timezones=st.timezones()), max_size=3),
    is_raw=st.booleans(),
)
def test_hostile_values_come_over_unchanged_or_not_at_all(
    texts: list[str], values: list[Any], dates: list[Any], is_raw: bool, emptied_url: str, postgres: Postgres
) -> None:
    """Raw values come past the types of the columns, which clean what is written."""

    async def run() -> None:
        source = await open_store("sqlite://")
        target = Store(make_engine(emptied_url, 10))
        try:
            async with source.write() as tx:
                await add_channel(tx, created_at=dates[0]) if dates else await add_channel(tx)
                for number, value in enumerate(values):
                    paper = Paper(f"2310.{number:05d}", texts[0] if texts else "")
                    await papers.record(tx, [paper], START, {paper.id: START.date()})
                    where = {"id": paper.id, "json": json.dumps(value), "text": "".join(texts).encode(errors="ignore")}
                    if is_raw:
                        raw = "update papers set authors = :json, title = cast(:text as text) where id = :id"
                        await tx.execute(sa.text(raw), where)
                    else:
                        change = sa.update(tables.papers).where(tables.papers.c.id == paper.id)
                        await tx.execute(change.values(authors=value, title="".join(texts)))
            before = await rows_of(source)
            may_be_refused = contextlib.suppress(MoveRefused) if is_raw else contextlib.nullcontext()
            with may_be_refused:
                await move(source, target, silently)
            after = await rows_of(target)
            assert as_numbers(after) == as_numbers(before) or (is_raw and not after["papers"] and not after["facts"])
            assert await rows_of(source) == before
        finally:
            await source.close()
            await target.close()

    try:
        asyncio.run(run())
    finally:
        postgres.empty(sa.make_url(emptied_url))


def as_numbers(value: Any) -> Any:
    """The value with all its numbers as floats: PostgreSQL gives 1e16 in JSON back as a whole number."""
    match value:
        case bool():
            return value
        case int() if abs(value) <= sys.float_info.max:
            return float(value)
        case list() | tuple():
            return [as_numbers(item) for item in value]
        case dict():
            return {name: as_numbers(item) for name, item in value.items()}
    return value


_KILLED = """
import asyncio, contextlib, os, signal, sys
from bot.store.database import Store, make_engine
from bot.store.moving import move

left = int(sys.argv[3])

@contextlib.contextmanager
def dying(what):
    def tick(done, total):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    yield tick

async def run():
    source, target = Store(make_engine(sys.argv[1], 10)), Store(make_engine(sys.argv[2], 10))
    await move(source, target, dying)

asyncio.run(run())
"""


async def test_a_move_that_is_killed_leaves_the_target_empty(store: Store, empty: Store) -> None:
    async with store.write() as tx:
        await fill(tx)
    before, tables_with_rows = await rows_of(store), len(await rows_of(store)) - 1
    urls = [each.engine.url.render_as_string(hide_password=False) for each in (store, empty)]
    for step in (tables_with_rows + 5, 2 * tables_with_rows, 3 * tables_with_rows):
        command = [sys.executable, "-c", _KILLED, *urls, str(step)]
        killed = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
        _, err = await killed.communicate()
        assert killed.returncode == -signal.SIGKILL, err
        assert await table_names(empty) == []
    await move(store, empty, silently)
    assert await rows_of(empty) == before == await rows_of(store)
