"""The queue that several processes share: pgqueuer, in a schema of its own in the store's PostgreSQL.

pgqueuer hands jobs out by priority, tries them again, and takes over the jobs of a process that gives no sign of life
any more. It may do a job twice, and a job may get lost: see `bot/jobs/work.py`. No other module knows pgqueuer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import psycopg
import sqlalchemy as sa
import structlog
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import EntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

from bot.jobs.queue_driver import OUTAGE, OUTAGE_SECONDS, Connected, Pooled, driver_of, opened
from bot.jobs.tasks import cancel_all
from bot.jobs.work import Counts, FailedJob, Kind, Lane
from bot.ports.platform import Sleep
from bot.store.database import Store, unreachable
from bot.store.errors import StoreAway, StoreError, StoreMissing

log = structlog.get_logger(__name__)
# The queue logs failures itself, with the kind of work and one line each.
logging.getLogger("pgqueuer").setLevel(logging.CRITICAL + 1)
_LANES = {Lane.COMPOSING: 1, Lane.SENDING: 16, Lane.OTHER: 4}
"""Jobs that one process takes at a time; it does up to twice as many at once, and of composing one after the other:
that takes the processor, and the job of higher priority must end first."""
_SHARES = 16
"""Into how many jobs work is divided, so that all processes have some of it, as long as a job has `_LEAST` keys."""
_LEAST = 10
_ATTEMPTS = 5
_FIRST_WAIT = timedelta(seconds=5)
_REST = timedelta(hours=1)
"""How long a job rests that has failed for good, before it is tried again: its cause may be mended."""
_KEPT = timedelta(days=3)
"""How long the history of jobs is kept. Must exceed the interval of any work that is done once in a while."""
_INSTALLING = 7_402_513
"""The advisory lock of a process that makes the schema."""
_FAILED = """
select job.entrypoint, job.payload, (
    select history.traceback ->> 'exception_message' from :log history
    where history.job_id = job.id and history.status = 'failed' order by history.id desc limit 1
) as reason
from :jobs job where job.status = 'failed' order by job.updated desc limit 1000"""
_RESTED = "select id from :jobs where status = 'failed' and updated <= now() - $1::interval"
_FORGET = """
delete from :log history where created < now() - $1::interval
and not exists (select from :jobs job where job.id = history.job_id)"""
_DONE = """
select from :log where entrypoint = $1 and status = 'successful' and created > now() - $2::interval limit 1"""
_TAKEN = """
select distinct key from :jobs job, jsonb_array_elements_text(convert_from(job.payload, 'UTF8')::jsonb) key
where job.entrypoint = $1 and key = any($2::text[])"""
_PICKED = """
select count(*) as times from :log where job_id = $1 and status = 'picked'
and id > coalesce((select max(id) from :log where job_id = $1 and status = 'queued'), 0)"""
"""How often a job was taken since it was last put into the queue."""


def _settings(schema: str) -> DBSettings:
    """All names are given: pgqueuer would take them from variables of the environment."""
    return DBSettings(
        prefix="",
        db_schema=schema,
        channel=Channel(schema),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OUTAGE as error:
        raise unreachable(getattr(error, "orig", None) or error) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreMissing(
            "The schema of the queue can't be made or changed. Give the database's user the right to: `grant create on "
            "database … to …`."
        ) from error
    except psycopg.errors.UndefinedTable as error:
        raise StoreMissing("The queue is not in the database yet. The next start of the bot makes it.") from error


class PostgresQueue:
    """Does the work of these kinds, and hands it out to other processes. `poll` is how often it looks for jobs, in
    seconds. A process whose jobs gave no sign of life for `stalled` seconds counts as dead. Raises StoreErrors."""

    def __init__(
        self,
        store: Store,
        kinds: Sequence[Kind] = (),
        *,
        poll: float = 1.0,
        stalled: float = 60.0,
        first_wait: timedelta = _FIRST_WAIT,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store, self._kinds, self._sleep = store, list(kinds), sleep
        self._poll, self._stalled, self._first_wait = poll, stalled, first_wait
        self._driver = Pooled(store, sleep)
        self._schema = ""
        self._managers: list[QueueManager] = []
        self._lanes: list[asyncio.Task[None]] = []
        self._running = set[asyncio.Task[Any]]()
        self._composing = asyncio.Lock()

    def add(self, kinds: Sequence[Kind]) -> None:
        """Do the work of further kinds, from the start on."""
        self._kinds += kinds

    async def prepare(self) -> None:
        """Make the schema of the queue, or bring it up to date. A second process waits for the first."""
        with _translated():
            async with opened(self._store) as driver:
                queries = await self._queries(driver)
                if await queries.schema_is_installed() and not (await queries.plan_upgrade()).statements:
                    return
                await driver.execute("select pg_advisory_lock($1)", _INSTALLING)
                try:
                    if await queries.schema_is_installed():
                        await queries.upgrade()
                    else:
                        await queries.install()
                finally:
                    await driver.execute("select pg_advisory_unlock($1)", _INSTALLING)

    async def defer(self, kind: Kind, keys: Sequence[str]) -> None:
        """Put jobs into the queue for those of the keys that no job has yet. One process at a time does that."""
        with _translated():
            async with self._store.engine.begin() as connection:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(kind.name))))
                queries = await self._queries(await driver_of(connection))
                if kind.once and await self._was_done(queries, kind):
                    return
                taken = await self._taken(queries, kind, keys)
                free = [key for key in keys if key not in taken]
                size = min(kind.batch, max(_LEAST, math.ceil(len(free) / _SHARES)))
                jobs = [free[start : start + size] for start in range(0, len(free), size)]
                if jobs:
                    await queries.enqueue(
                        [kind.name] * len(jobs),
                        [json.dumps(job).encode() for job in jobs],
                        [kind.priority] * len(jobs),
                    )

    async def counts(self) -> Counts:
        """The number of jobs of each kind."""
        waiting, failed = dict[str, int](), dict[str, int]()
        with _translated():
            async with opened(self._store) as driver:
                for row in await (await self._queries(driver)).queue_size():
                    numbers = failed if row.status == "failed" else waiting
                    numbers[row.entrypoint] = numbers.get(row.entrypoint, 0) + row.count
        return Counts(waiting, failed)

    async def failed(self) -> list[FailedJob]:
        """The jobs that have failed for good, the newest first."""
        with _translated():
            async with opened(self._store) as driver:
                await self._queries(driver)
                rows = await driver.fetch(self._sql(_FAILED))
        return [
            FailedJob(str(row["entrypoint"]), len(_keys(cast(bytes, row["payload"]))), str(row["reason"] or ""))
            for row in rows
        ]

    async def retry_failed(self, rested: timedelta = timedelta(0)) -> int:
        """Put the jobs that have failed for good back into the queue; with `rested`, those that failed longer ago.
        Returns their number."""
        with _translated():
            async with opened(self._store) as driver:
                queries = await self._queries(driver)
                rows = await driver.fetch(self._sql(_RESTED), rested)
                await queries.requeue_jobs([row["id"] for row in rows])  # type: ignore[misc]
        return len(rows)

    async def clean_up(self) -> None:
        """Forget the history of old jobs, and try those again that have failed and rested."""
        await self.retry_failed(_REST)
        with _translated():
            async with opened(self._store) as driver:
                await self._queries(driver)
                await driver.execute(self._sql(_FORGET), _KEPT)

    def start(self) -> None:
        """Begin to do what waits."""
        for lane in Lane:
            if kinds := {kind.name: kind for kind in self._kinds if kind.lane is lane}:
                self._lanes.append(asyncio.create_task(self._keep_running(lane, kinds), name=f"{lane} jobs"))

    async def finish(self) -> None:
        """Take no further job, and return once those under way have ended."""
        self._driver.is_ending = True
        for manager in self._managers:
            manager.shutdown.set()
        await asyncio.gather(*self._lanes)

    async def stop(self) -> None:
        """Cancel the jobs under way. What is still due is put in again by whichever process looks next."""
        self._driver.is_ending = True
        for manager in self._managers:
            manager.shutdown.set()
        await cancel_all(self._running)
        await cancel_all(self._lanes)

    async def _queries(self, driver: Connected) -> Queries:
        if not self._schema:
            [row] = await driver.fetch("select coalesce(current_schema(), 'public') as name")
            self._schema = "paperboy_jobs" if row["name"] == "public" else f"{row['name']}_jobs"
        names = _settings(self._schema)
        return Queries(
            driver, qb.QueryBuilderEnvironment(names), qb.QueryQueueBuilder(names), qb.QuerySchedulerBuilder(names)
        )

    def _sql(self, text: str) -> str:
        names = _settings(self._schema).qualified
        return text.replace(":jobs", names.queue_table).replace(":log", names.queue_table_log)

    async def _was_done(self, queries: Queries, kind: Kind) -> bool:
        return bool(await queries.driver.fetch(self._sql(_DONE), kind.name, kind.every * 0.9))

    async def _taken(self, queries: Queries, kind: Kind, keys: Sequence[str]) -> set[str]:
        """Those of the keys for which there is a job: one that waits, runs, or rests."""
        return {str(row["key"]) for row in await queries.driver.fetch(self._sql(_TAKEN), kind.name, list(keys))}

    async def _keep_running(self, lane: Lane, kinds: Mapping[str, Kind]) -> None:
        """Do the jobs of a lane, and begin again after any failure."""
        while not self._driver.is_ending:
            try:
                await self._run(lane, kinds)
            except StoreError as error:
                if not self._driver.is_ending:
                    log.warning("The queue can't be read; it is tried again.", why=str(error))
            except Exception as error:
                log.warning("The queue failed; it is started again.", why=f"{type(error).__name__}: {error}")
                with contextlib.suppress(StoreError):  # its schema may be gone
                    await self.prepare()
            if not self._driver.is_ending:
                await self._sleep(OUTAGE_SECONDS)

    async def _run(self, lane: Lane, kinds: Mapping[str, Kind]) -> None:
        queries = await self._queries(self._driver)
        manager = QueueManager(queries, Channel(self._schema))
        for kind in kinds.values():
            executor = _Executor(EntrypointExecutorParameters(0, _nothing, on_failure="hold"), kind, self, queries)
            manager.register_executor(kind.name, executor)
        self._managers.append(manager)
        at_once = _LANES[lane]
        try:
            await manager.run(
                dequeue_timeout=timedelta(seconds=self._poll),
                batch_size=at_once,
                max_concurrent_tasks=2 * at_once,
                heartbeat_timeout=timedelta(seconds=self._stalled),
                log_aggregation_interval=timedelta(0),
            )
        finally:
            self._managers.remove(manager)

    async def do(self, kind: Kind, job: Job, queries: Queries) -> None:
        """Do one job. Raises RetryRequested if it failed and is to be tried again, and else what it raised."""
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        try:
            turn = self._composing if kind.lane is Lane.COMPOSING else contextlib.nullcontext()
            async with turn:
                with structlog.contextvars.bound_contextvars(job=kind.name):
                    await self._attempt(kind, job, queries)
        finally:
            self._running.discard(task)

    async def _attempt(self, kind: Kind, job: Job, queries: Queries) -> None:
        [row] = await queries.driver.fetch(self._sql(_PICKED), job.id)
        if cast(int, row["times"]) > _ATTEMPTS:
            raise Abandoned("the processes that did it ended before it did")
        try:
            await kind.run(_keys(job.payload or b"[]"))
        except Exception as error:
            if isinstance(error, StoreAway):
                log.warning("A job met a store that did not answer; it is done again.", why=str(error))
            elif job.attempts + 1 >= _ATTEMPTS:
                log.error("A job has failed for good. `paperboy check` counts such jobs.", exc_info=error)
                raise
            else:
                log.error("A job failed; it is done again.", exc_info=error)
            wait = self._first_wait * 2 ** min(job.attempts, _ATTEMPTS)
            raise RetryRequested(wait, str(error) or type(error).__name__) from error


class Abandoned(Exception):
    """A job was taken many times, and no process ended it."""


class _Executor(EntrypointExecutor):
    """Lets pgqueuer do a kind of work."""

    def __init__(
        self, parameters: EntrypointExecutorParameters, kind: Kind, queue: PostgresQueue, queries: Queries
    ) -> None:
        super().__init__(parameters)
        self._kind, self._queue, self._queries = kind, queue, queries

    async def execute(self, job: Job, context: Context) -> None:
        """Do one job."""
        await self._queue.do(self._kind, job, self._queries)


async def _nothing(job: Job) -> None:
    """The executor does the work."""


def _keys(payload: bytes) -> list[str]:
    return [str(key) for key in json.loads(payload)]
