"""The queue hands each job out to one process at a time; whatever it loses or stops is put in again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.jobs.postgres_queue import PostgresQueue
from bot.jobs.work import Counts, InProcessQueue, Kind, Lane, WorkQueue, looking_for
from bot.store.database import Store
from bot.store.errors import StoreMissing
from bot.store.opening import open_store
from tests.fakes.postgres import Postgres
from tests.support.harness import comes_true

SECOND = timedelta(seconds=1)


@dataclass
class Desk:
    """Work of one kind: what is due, and what was done."""

    due: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)
    fails: int = 0

    def __post_init__(self) -> None:
        self.let.set()

    async def look(self) -> Sequence[str]:
        return list(self.due)

    async def run(self, keys: Sequence[str]) -> None:
        self.begun.set()
        await self.let.wait()
        self.jobs.append(list(keys))
        if self.fails:
            self.fails -= 1
            raise ValueError("it went wrong")
        self.due = [key for key in self.due if key not in keys]
        self.done += keys

    async def has_done(self, *keys: str) -> bool:
        return sorted(self.done) == sorted(keys)


def kind_of(desk: Desk, name: str = "digests", batch: int = 250, priority: int = 0, **more: object) -> Kind:
    return Kind(name, desk.run, SECOND, desk.look, priority, batch, **more)  # type: ignore[arg-type]


@pytest.fixture
async def pg_store(postgres: Postgres) -> AsyncIterator[Store]:
    url = postgres.create()
    store = await open_store(url.render_as_string(hide_password=False))
    yield store
    await store.close()
    postgres.drop(url)


def queue_over(store: Store, *kinds: Kind, stalled: float = 60.0) -> PostgresQueue:
    return PostgresQueue(store, kinds, poll=0.02, stalled=stalled, first_wait=timedelta(milliseconds=1), sleep=soon)


async def soon(seconds: float) -> None:
    await asyncio.sleep(0.01)


async def say(store: Store, statement: str) -> list[sa.Row[tuple[object]]]:
    async with store.engine.begin() as connection:
        result = await connection.execute(sa.text(statement))
        return list(result) if result.returns_rows else []


async def look(queue: WorkQueue, *kinds: Kind) -> None:
    """What the timer of each process does."""
    for job in looking_for(kinds, queue):
        await job.run()


async def is_empty(queue: WorkQueue) -> bool:
    return await queue.counts() == Counts()


@pytest.mark.parametrize("several", [False, True], ids=["in one process", "in several"])
async def test_what_is_due_is_done_once(several: bool, pg_store: Store) -> None:
    desk = Desk(due=[str(number) for number in range(30)])
    kind = kind_of(desk)
    queue: WorkQueue = InProcessQueue()
    if several:
        await (shared := queue_over(pg_store, kind)).prepare()
        queue = shared
    queue.start()
    await look(queue, kind)
    await comes_true(partial(desk.has_done, *map(str, range(30))))
    await comes_true(partial(is_empty, queue))
    await look(queue, kind)
    await queue.finish()
    assert len(desk.done) == 30
    assert len(desk.jobs) == (3 if several else 1)


async def test_what_waits_or_runs_is_not_put_in_twice(pg_store: Store) -> None:
    desk = Desk(due=["1", "2"], let=asyncio.Event())
    desk.let.clear()
    kind = kind_of(desk)
    queue, other = queue_over(pg_store, kind), queue_over(pg_store, kind)
    await asyncio.gather(queue.prepare(), other.prepare())
    await asyncio.gather(look(queue, kind), look(other, kind))
    queue.start()
    await asyncio.wait_for(desk.begun.wait(), 10)
    desk.due.append("3")
    await look(other, kind)
    assert await queue.counts() == Counts({"digests": 2})
    desk.let.set()
    await comes_true(partial(desk.has_done, "1", "2", "3"))
    await queue.finish()


async def test_the_higher_priority_is_first_in_its_lane(pg_store: Store) -> None:
    order: list[str] = []

    async def run(name: str, keys: Sequence[str]) -> None:
        order.append(name)

    kinds = [
        Kind(name, partial(run, name), SECOND, priority=priority, lane=Lane.COMPOSING)
        for name, priority in (("low", 1), ("high", 9), ("middle", 5))
    ]
    queue = queue_over(pg_store, *kinds)
    await queue.prepare()
    await look(queue, *kinds)
    queue.start()
    await comes_true(partial(is_empty, queue))
    await queue.finish()
    assert order == ["high", "middle", "low"]


async def test_a_failed_job_is_done_again_and_in_the_end_kept_with_its_reason(pg_store: Store) -> None:
    desk = Desk(due=["1"], fails=15)
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    queue.start()

    async def has_failed() -> bool:
        return bool((await queue.counts()).failed)

    with capture_logs():
        await comes_true(has_failed)
    [failed] = await queue.failed()
    assert (failed.kind, failed.keys, failed.reason, len(desk.jobs)) == ("digests", 1, "it went wrong", 5)
    await look(queue, kind)  # it rests, although it is due
    assert await queue.counts() == Counts({}, {"digests": 1})
    await queue.clean_up()
    assert await queue.failed(), "it has not rested for long"
    with capture_logs():
        for tries in (10, 15):
            assert await queue.retry_failed() == 1
            await comes_true(has_failed)
            assert ([each.reason for each in await queue.failed()], len(desk.jobs)) == (["it went wrong"], tries)
    assert await queue.retry_failed() == 1
    await comes_true(partial(desk.has_done, "1"))
    await comes_true(partial(is_empty, queue))
    await queue.finish()


async def test_a_job_that_the_queue_lost_is_put_in_again(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    await say(pg_store, "delete from paperboy_jobs.pgqueuer")
    await look(queue, kind)
    queue.start()
    await comes_true(partial(desk.has_done, "1"))
    await queue.finish()


async def test_the_job_of_a_dead_process_is_done_by_another(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    dead = "status = 'picked', queue_manager_id = gen_random_uuid(), heartbeat = now() - interval '61 seconds'"
    await say(pg_store, f"update paperboy_jobs.pgqueuer set {dead}")
    queue.start()
    await comes_true(partial(desk.has_done, "1"))
    await queue.finish()


async def test_a_job_that_ends_every_process_is_given_up(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    await say(
        pg_store,
        "insert into paperboy_jobs.pgqueuer_log (job_id, status, entrypoint, priority)"
        " select id, 'picked', entrypoint, 0 from paperboy_jobs.pgqueuer, generate_series(1, 20)",
    )
    with capture_logs():
        queue.start()

        async def is_given_up() -> bool:
            return [failed.reason for failed in await queue.failed()] == [
                "the processes that did it ended before it did"
            ]

        await comes_true(is_given_up)
    assert not desk.jobs
    await queue.finish()


async def test_a_job_that_is_stopped_in_the_middle_is_put_in_again(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    desk.let.clear()
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    queue.start()
    await asyncio.wait_for(desk.begun.wait(), 10)
    await queue.stop()
    assert not desk.done
    desk.let.set()
    other = queue_over(pg_store, kind)
    await look(other, kind)
    other.start()
    await comes_true(partial(desk.has_done, "1"))
    await other.finish()


async def test_a_queue_that_finishes_ends_the_job_under_way_and_takes_no_other(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    desk.let.clear()
    kind = kind_of(desk, batch=1, lane=Lane.COMPOSING)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    queue.start()
    await asyncio.wait_for(desk.begun.wait(), 10)
    finishing = asyncio.create_task(queue.finish())
    await asyncio.sleep(0)
    desk.due.append("2")
    await look(queue, kind)
    assert not finishing.done()
    desk.let.set()
    await asyncio.wait_for(finishing, 10)
    assert desk.done == ["1"]
    assert await queue.counts() == Counts({"digests": 1})


async def test_work_that_was_done_is_not_done_again_before_its_time(pg_store: Store) -> None:
    desk = Desk(due=["all"])
    kind = Kind("clean up", desk.run, timedelta(days=1), once=True)
    queue, other = queue_over(pg_store, kind), queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    queue.start()
    await comes_true(partial(desk.has_done, "all"))
    await comes_true(partial(is_empty, queue))
    await look(other, kind)
    assert await is_empty(other)
    await say(pg_store, "update paperboy_jobs.pgqueuer_log set created = created - interval '1 day'")
    await look(other, kind)
    await comes_true(partial(desk.has_done, "all", "all"))
    await queue.finish()


@pytest.mark.parametrize("fault", ["cut", "restarted"])
async def test_after_the_database_was_away_the_queue_goes_on(fault: str, pg_store: Store, postgres: Postgres) -> None:
    desk = Desk(due=["1"])
    desk.let.clear()
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    await look(queue, kind)
    queue.start()
    await asyncio.wait_for(desk.begun.wait(), 10)
    with capture_logs() as lines:
        if fault == "cut":
            await asyncio.to_thread(postgres.cut, pg_store.engine.url.set(drivername="postgresql"))
        else:
            await asyncio.to_thread(postgres.restart)
        desk.let.set()
        await comes_true(partial(desk.has_done, "1"), 30)
        await comes_true(partial(is_empty_in_time, queue), 30)
        desk.due.append("2")
        await look(queue, kind)
        await comes_true(partial(desk.has_done, "1", "2"), 30)
        await queue.finish()
    assert not [line for line in lines if line["log_level"] == "error" or "exc_info" in line]


async def is_empty_in_time(queue: WorkQueue) -> bool:
    try:
        return await is_empty(queue)
    except StoreMissing:
        return False


async def test_a_lost_schema_is_made_again_while_the_bot_runs(pg_store: Store) -> None:
    desk = Desk(due=["1"])
    kind = kind_of(desk)
    queue = queue_over(pg_store, kind)
    await queue.prepare()
    queue.start()
    with capture_logs():
        await say(pg_store, "drop schema paperboy_jobs cascade")

        async def is_back() -> bool:
            try:
                await look(queue, kind)
            except StoreMissing:
                return False
            return True

        await comes_true(is_back)
        await comes_true(partial(desk.has_done, "1"))
        await queue.finish()


async def test_an_older_schema_is_brought_up_to_date(pg_store: Store) -> None:
    queue = queue_over(pg_store)
    await queue.prepare()
    await say(pg_store, "alter table paperboy_jobs.pgqueuer drop column attempts")
    await queue.prepare()
    await say(pg_store, "select attempts from paperboy_jobs.pgqueuer")


async def test_without_the_right_to_make_the_schema_it_says_so(pg_store: Store, postgres: Postgres) -> None:
    await say(pg_store, "create role guest login")
    url = pg_store.engine.url.set(drivername="postgresql", username="guest")
    await say(pg_store, "grant all on all tables in schema public to guest")
    guest = await open_store(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(StoreMissing, match="grant create on database"):
            await queue_over(guest).prepare()
    finally:
        await guest.close()
    await say(pg_store, "drop owned by guest; drop role guest")


async def test_the_schema_of_the_queue_is_no_damage_to_the_store(pg_store: Store) -> None:
    await queue_over(pg_store).prepare()
    again = await open_store(pg_store.engine.url.render_as_string(hide_password=False))
    await again.close()
