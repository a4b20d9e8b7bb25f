"""What every test may ask for: an open store on either database, and a clock."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
import structlog
from hypothesis import settings

from bot.demo.world import CORPUS
from bot.store.database import Store
from bot.store.opening import open_store
from tests.fakes.clock import Clock
from tests.fakes.postgres import Postgres, running_postgres
from tests.support.harness import BotHarness, demo_papers, harness_over
from tests.support.operator import ROOT, Operator

# A run that was started in the background ignores Ctrl-C, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure: what an example may cost is measured in processor time where it matters (test_fuzz.py).
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _our_lines_reach_caplog() -> Iterator[None]:
    """Log through `logging`, as libraries do. structlog's own default prints the variables of every frame of a
    traceback, which takes seconds. A command that ran in this process leaves a handler of its own, whose stream is
    closed after the test: it is removed."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    root = logging.getLogger()
    level, handlers, raise_exceptions = root.level, root.handlers[:], logging.raiseExceptions
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.raiseExceptions = raise_exceptions


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_store(postgres: Postgres) -> Iterator[sa.URL]:
    url = postgres.create()
    _migrate(url.render_as_string(hide_password=False))
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "paperboy.db"
    _migrate(f"sqlite:///{file}")
    return file


def _migrate(url: str) -> None:
    async def open_and_close() -> None:
        await (await open_store(url)).close()

    asyncio.run(open_and_close())


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database: what asks for it runs once on each."""
    return cast("str", request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which nothing stands yet."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'paperboy.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create()
    yield url.render_as_string(hide_password=False)
    server.drop(url)


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a store of the newest revision with nothing in it; for other tables, ask for `empty_url`."""
    if backend == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: Postgres = request.getfixturevalue("postgres")
    url: sa.URL = request.getfixturevalue("_postgres_store")
    yield url.render_as_string(hide_password=False)
    server.empty(url)


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'paperboy.db')}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open, empty store; the test runs on SQLite and on PostgreSQL."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    """An open, empty store on SQLite, for what does not depend on the database."""
    opened = await open_store(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
def operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _sqlite_template: Path
) -> Iterator[Operator]:
    """Somebody with an empty store of the newest revision."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    shutil.copy(_sqlite_template, home / "paperboy.db")
    (home / "paperboy.db").chmod(0o600)
    yield Operator(home, monkeypatch, capsys.readouterr, ROOT)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def _stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("stocked")
    environ = {**os.environ, "PAPERBOY_DATA_DIR": str(home)}
    subprocess.run([sys.executable, "-m", "bot", "papers", "import", CORPUS], check=True, env=environ, cwd=ROOT)
    return home


@pytest.fixture
def stocked(operator: Operator, _stocked: Path) -> Operator:
    """Somebody whose store holds the demo's papers."""
    shutil.rmtree(operator.home)
    shutil.copytree(_stocked, operator.home)
    return operator


@pytest.fixture
async def harness(sqlite_store: Store, clock: Clock) -> BotHarness:
    """Invited to one channel, with forty papers listed today; for whatever does not depend on the database."""
    made = harness_over(sqlite_store, clock)
    await made.list_papers(demo_papers()[:40])
    await made.invite()
    return made
