"""One bot to an SQLite store, whatever path leads to its file, and any number on PostgreSQL, with the real program."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.operate.output import CommandError
from bot.operate.single_instance import single_instance
from bot.settings import load
from tests.fakes.postgres import Postgres
from tests.support.operator import Operator

PATIENCE_SECONDS = 60


@contextmanager
def chatting(operator: Operator) -> Iterator[subprocess.Popen[str]]:
    """A bot in a process of its own that has begun to serve."""
    process = operator.start("chat", stdin=subprocess.PIPE)
    assert process.stdout
    try:
        while not process.stdout.readline().strip():
            assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        process.kill()
        process.communicate()


def refused(operator: Operator, *words: str) -> None:
    second = operator.start(*words)
    out, err = second.communicate(timeout=PATIENCE_SECONDS)
    assert (second.returncode, out) == (1, "")
    lines = [line for line in err.splitlines() if "Another Paperboy holds" not in line]
    assert len(lines) == 1, err
    assert "Another Paperboy serves" in lines[0]


@pytest.fixture
def on_postgres(operator: Operator, postgres: Postgres) -> Iterator[Operator]:
    """Somebody whose store is a PostgreSQL database, with an app of Discord's that the bot would log in with."""
    url = postgres.create()
    operator.set(
        DATABASE_URL=url.render_as_string(hide_password=False),
        DATABASE_BUSY_SECONDS="0.5",
        DISCORD__TOKEN="a.b.c",
        DISCORD__API_URL="http://127.0.0.1:9",
        SOURCES__HUGGINGFACE__ENABLED="false",
        SOURCES__ARXIV__ENABLED="false",
    )
    yield operator
    postgres.drop(url)


def test_two_bots_share_a_postgresql_store(on_postgres: Operator) -> None:
    with chatting(on_postgres):
        other = on_postgres.start("chat", stdin=subprocess.PIPE)
        out, err = other.communicate("help\nquit\n", timeout=PATIENCE_SECONDS)
        assert (other.returncode, err) == (0, "")
        assert "subscribe" in out


@pytest.mark.parametrize("way", ["symlink", "hard link", "folder link", "spelling", "deleted lock", "working folder"])
def test_a_second_bot_is_refused_whatever_leads_to_the_sqlite_file(
    operator: Operator, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = operator.home, operator.home / "paperboy.db"
    with single_instance(load()):
        if way == "deleted lock":
            (home / "paperboy.db.bot").unlink()
            again = str(file)
        elif way == "symlink":
            (tmp_path / "link.db").symlink_to(file)
            again = str(tmp_path / "link.db")
        elif way == "hard link":
            os.link(file, tmp_path / "hard.db")
            again = str(tmp_path / "hard.db")
        elif way == "folder link":
            (tmp_path / "elsewhere").symlink_to(home)
            again = str(tmp_path / "elsewhere" / "paperboy.db")
        elif way == "spelling":
            again = f"{home}/../{home.name}/./paperboy.db"
        else:
            monkeypatch.chdir(home)
            again = "paperboy.db"
        operator.set(DATABASE_URL=f"sqlite:///{again}", DATA_DIR=str(tmp_path / "other"))
        ran = operator("chat")
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "Another Paperboy serves" in ran.err
        assert operator("search", "federated").code == 0
    with single_instance(load()):
        pass


def test_database_lock_survives_sqlite_connections_and_blocks_none_of_them(operator: Operator) -> None:
    file = operator.home / "paperboy.db"
    with single_instance(load()):
        for _ in range(3):
            with sqlite3.connect(file) as tx:
                tx.execute("create table if not exists scratch (x)")
                tx.execute("insert into scratch values (1)")
            tx.close()
        (operator.home / "paperboy.db.bot").unlink()
        with pytest.raises(CommandError), single_instance(load()):
            pass


def test_a_new_store_is_made_and_locked_for_its_owner_alone(operator: Operator, tmp_path: Path) -> None:
    operator.set(DATA_DIR=str(tmp_path / "new"))
    with single_instance(load()):
        assert (tmp_path / "new" / "paperboy.db").stat().st_mode & 0o777 == 0o600
        with pytest.raises(CommandError), single_instance(load()):
            pass


def test_a_bot_on_sqlite_does_not_import_the_driver_of_postgresql() -> None:
    code = "import sys; import bot.operate.run; print('psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"
