"""`paperboy db move` with the real program: a store goes to PostgreSQL and back."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator

import psycopg
import pytest

from bot.store.database import BOT
from bot.store.leases import Leases
from bot.store.opening import open_store
from tests.fakes.postgres import Postgres
from tests.operate.test_single_instance import chatting
from tests.store.whole import START, add_channel
from tests.support.operator import Operator


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    url = postgres.create()
    yield url.render_as_string(hide_password=False)
    postgres.drop(url)


def test_a_store_goes_to_postgresql_and_back(stocked: Operator, database: str) -> None:
    before = stocked("papers", "export").out
    ran = stocked("db", "move", database)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Moved ")
    assert "PAPERBOY_DATABASE_URL" in ran.out
    assert "PAPERBOY_ENCRYPTION_KEYS" not in ran.out
    assert stocked("papers", "export").out == before
    stocked.set(DATABASE_URL=database)
    assert stocked("papers", "export").out == before
    index = sorted(path.name for path in (stocked.home / "index").iterdir())
    assert stocked("search", "federated").code == 0
    assert sorted(path.name for path in (stocked.home / "index").iterdir()) == index
    back = stocked("db", "move", f"sqlite:///{stocked.home / 'back.db'}")
    assert (back.code, back.err) == (0, "")
    stocked.set(DATABASE_URL=f"sqlite:///{stocked.home / 'back.db'}")
    assert stocked("papers", "export").out == before


def test_the_password_of_the_target_is_not_printed(stocked: Operator, database: str) -> None:
    ran = stocked("db", "move", database.replace("paperboy@", "paperboy:hunter2@"))
    assert (ran.code, "hunter2" in ran.out + ran.err) == (0, False)


def test_the_key_of_encrypted_tokens_is_told(operator: Operator, database: str) -> None:
    with contextlib.closing(sqlite3.connect(operator.home / "paperboy.db")) as connection:
        connection.execute(
            "insert into installations (platform, workspace, name, bot_user, bot, installer, scopes, token,"
            " refresh_token, installed_at)"
            " values ('slack', 'T1', '', '', '', '', '[]', 'gAAAA', '', '2026-01-01 00:00:00')"
        )
        connection.commit()
    ran = operator("db", "move", database)
    assert ran.code == 0
    assert f"the key in {operator.home / 'encryption.key'}" in ran.out


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nowhere", "The URL to move to is not a database's URL"),
        ("mysql://a/b", "The URL to move to names mysql"),
        ("sqlite://", "A store in memory is gone"),
    ],
)
def test_a_url_that_is_none_is_told(stocked: Operator, url: str, told: str) -> None:
    ran = stocked("db", "move", url)
    assert (ran.code, ran.out, len(ran.told)) == (2, "", 1)
    assert told in ran.err


def test_a_target_that_can_not_take_the_store_is_told_in_one_line(stocked: Operator, database: str) -> None:
    assert stocked("db", "move", database).code == 0
    for url, told in (
        (database, "holds a store already"),
        (f"sqlite:///{stocked.home / 'paperboy.db'}", "That is the store itself"),
        (database.replace("?", "_missing?"), "The database to move into can't be used."),
        ("sqlite:////proc/none/paperboy.db", "can't be written"),
    ):
        ran = stocked("db", "move", url)
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1), ran.err
        assert told in ran.err


def test_an_empty_store_is_not_moved(operator: Operator, database: str) -> None:
    ran = operator("db", "move", database)
    assert (ran.code, ran.out) == (1, "")
    assert ran.told == ["paperboy: The store is empty: there is nothing to move."]


def test_nothing_is_moved_while_a_bot_serves_the_store(stocked: Operator, database: str) -> None:
    with chatting(stocked):
        ran = stocked("db", "move", database)
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "Another Paperboy serves" in ran.err


def test_nothing_is_moved_while_a_bot_serves_either_postgresql_store(stocked: Operator, database: str) -> None:
    with psycopg.connect(database, application_name=f"{BOT} 123") as bot:
        assert bot.execute("select 1")
        ran = stocked("db", "move", database)
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "The database to move into is in use by a running Paperboy" in ran.err
    asyncio.run(_hold_a_lease(database))
    ran = stocked("db", "move", database)
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
    assert "is in use by a running Paperboy" in ran.err
    stocked.set(DATABASE_URL=database)
    ran = stocked("db", "move", f"sqlite:///{stocked.home / 'back.db'}")
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
    assert "The store is in use by a running Paperboy" in ran.err


async def _hold_a_lease(database: str) -> None:
    store = await open_store(database)
    assert await Leases(store).take("alerts")
    async with store.write() as tx:
        await add_channel(tx, created_at=START)
    await store.close()
