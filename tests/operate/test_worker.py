"""`paperboy worker`: one more process of the same bot."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL

from bot.model.messages import Place
from bot.platforms.slack.scopes import SCOPES
from bot.store import channels, papers
from bot.store.opening import open_store
from tests.fakes.postgres import Postgres
from tests.fakes.slack import FakeSlack
from tests.platforms.process import log_lines, running
from tests.platforms.slack.process import one_workspace
from tests.support.harness import demo_papers
from tests.support.operator import Operator

PATIENCE_SECONDS = 60


def test_on_sqlite_a_worker_says_what_it_needs(operator: Operator) -> None:
    operator.set(SLACK__BOT_TOKEN="xoxb-1", SLACK__APP_TOKEN="xapp-1")
    told = operator("worker")
    assert told.code == 2
    assert "PAPERBOY_DATABASE_URL" in told.err
    assert len(told.told) == 1


def test_without_a_platform_a_worker_says_what_to_set(operator: Operator) -> None:
    operator.set(DATABASE_URL="postgresql://nobody@localhost/nothing")
    told = operator("worker")
    assert told.code == 2
    assert "PAPERBOY_SLACK__BOT_TOKEN" in told.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_posts_a_digest_that_is_due_and_listens_to_nothing(
    number: signal.Signals, postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.create()
    async with FakeSlack() as slack:
        lab = slack.workspace("T1", "lab")
        lab.scopes = set(SCOPES)
        room = lab.channel("C1", "ml-papers")
        await let_a_digest_come(url)
        settings = one_workspace(slack, lab.bot_token) | {
            "SLACK__API_URL": slack.api,
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "SCHEDULE__TICK_SECONDS": "0.2",
            "DIGEST__TITLES": "0",
        }
        async with running(tmp_path, settings, "worker") as process:
            await slack.until(lambda: len(room.visible) == 3, within=PATIENCE_SECONDS)
            assert not slack.sockets.connections
            process.send_signal(number)
            _, told = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, told
        assert log_lines(told.decode())[0].startswith("This worker posts to slack.")
    postgres.drop(url)


async def test_a_worker_goes_on_after_a_restart_of_the_database(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create()
    async with FakeSlack() as slack:
        lab = slack.workspace("T1", "lab")
        lab.scopes = set(SCOPES)
        room = lab.channel("C1", "ml-papers")
        await (await open_store(url.render_as_string(hide_password=False))).close()
        settings = one_workspace(slack, lab.bot_token) | {
            "SLACK__API_URL": slack.api,
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "SCHEDULE__TICK_SECONDS": "0.2",
            "DIGEST__TITLES": "0",
        }
        async with running(tmp_path, settings, "worker") as process:
            assert process.stderr
            first = await asyncio.wait_for(process.stderr.readline(), PATIENCE_SECONDS)
            assert b"This worker posts to slack." in first
            await asyncio.to_thread(postgres.restart)
            await let_a_digest_come(url)
            await slack.until(lambda: len(room.visible) == 3, within=PATIENCE_SECONDS)
            process.send_signal(signal.SIGTERM)
            _, told = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, told
        assert b"Traceback" not in told, told
        log_lines(told.decode())
    postgres.drop(url)


async def let_a_digest_come(url: URL) -> None:
    """A channel whose digest of two papers is due."""
    store = await open_store(url.render_as_string(hide_password=False))
    now = datetime.now(UTC)
    some = demo_papers()[:2]
    async with store.write() as tx:
        await papers.record(tx, some, now, {paper.id: now.date() for paper in some})
        await channels.add(
            tx,
            Place("slack", "C1", "T1", "ml-papers"),
            owner="U1",
            hour="09:00",
            days="daily",
            zone="UTC",
            count=3,
            bar=0.0,
            bar_learned=False,
            guess=False,
            titles=0,
            next_due_at=now,
            next_due_on=now.date(),
            created_at=now,
        )
    await store.close()
