"""What an operator sees of the queue: `paperboy jobs`, `paperboy check`, and the metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.jobs.postgres_queue import PostgresQueue
from bot.jobs.work import ALL, Kind
from bot.operate import store_checks
from bot.ports.platform import Finding
from bot.store.database import Store
from bot.store.opening import open_store
from tests.fakes.postgres import Postgres
from tests.jobs.test_work_queue import queue_over
from tests.support.harness import comes_true
from tests.support.operator import Operator


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    made = postgres.create()
    yield made.render_as_string(hide_password=False)
    postgres.drop(made)


def over(url: str, do: Callable[[Store, PostgresQueue], Awaitable[None]], *kinds: Kind) -> None:
    async def go() -> None:
        store = await open_store(url)
        await do(store, queue_over(store, *kinds))
        await store.close()

    asyncio.run(go())


async def break_(keys: Sequence[str]) -> None:
    raise ValueError("the disk is full of ants")


BROKEN = Kind("chores", break_, timedelta(hours=1))


async def let_a_job_fail(store: Store, queue: PostgresQueue) -> None:
    async def has_failed() -> bool:
        return bool((await queue.counts()).failed)

    assert (await store_checks.jobs(store)).mend.startswith("The queue is not in the database yet.")
    await queue.prepare()
    assert await store_checks.jobs(store) == Finding()
    await queue.defer(BROKEN, ALL)
    assert (await store_checks.jobs(store)).mend == "1 job waiting or running."
    with capture_logs():
        queue.start()
        await comes_true(has_failed)
        await queue.finish()
    finding = await store_checks.jobs(store)
    assert finding.problem == "1 job has failed for good: chores (1); the last because: the disk is full of ants."
    assert "`paperboy jobs --retry`" in finding.mend


def test_a_job_that_failed_is_told_and_can_be_tried_again(operator: Operator, url: str) -> None:
    over(url, let_a_job_fail, BROKEN)
    operator.set(DATABASE_URL=url)
    told = operator("jobs")
    assert (told.code, told.out) == (0, "chores: failed for good, 1 key: the disk is full of ants\n")
    told = operator("jobs", "--retry", "--json")
    assert json.loads(told.out) == {"waiting": {"chores": 1}, "failed": [], "retried": 1}


def test_on_sqlite_there_is_no_queue(operator: Operator) -> None:
    told = operator("jobs")
    assert (told.code, len(told.told)) == (2, 1)
