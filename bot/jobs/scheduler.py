"""The scheduler: every periodic job of the bot, each with its own trigger of APScheduler.

APScheduler says when a job looks for work; the store says what is due. So a restart, a long pause or a slow run loses
nothing: the next run of a job finds everything that has become due since.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.jobs.tasks import cancel_all
from bot.ports.platform import Clock
from bot.store.errors import StoreError, StoreOutdated

log = structlog.get_logger(__name__)
_HOUR = timedelta(hours=1)
_RETRY_AFTER = timedelta(minutes=1)
"""How soon a job that failed runs again, where its trigger would take longer."""


@dataclass(frozen=True, slots=True)
class Job:
    """One periodic job: its name in the log, what it does, and how often it runs; the first time is at the start.

    A `slow` job may wait for servers outside; `Scheduler.tick` does not wait for it.
    """

    name: str
    run: Callable[[], Awaitable[object]]
    every: timedelta
    slow: bool = False


class Worker(Protocol):
    """Something that does work in the background when a job or a platform asks for it."""

    async def stop(self) -> None:
        """Cancel the work, and return once it has ended."""
        ...


class Scheduler:
    """Runs the periodic jobs, and stops them and the `workers` at the end. `replay` records the reactions that an
    earlier process received and did not finish, and says how many; no job runs before that."""

    def __init__(
        self, jobs: Sequence[Job], replay: Callable[[], Awaitable[int]], workers: Sequence[Worker], clock: Clock
    ) -> None:
        self.jobs, self._replay, self._workers, self._clock = tuple(jobs), replay, tuple(workers), clock
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        self._ticked: dict[str, datetime] = {}
        self._recovered, self._recovering = False, asyncio.Lock()
        self.timer = AsyncIOScheduler(timezone=UTC)

    async def recover(self) -> None:
        """Do the work that an earlier process left behind. If the store does not answer, the first job that reaches the
        store does it."""
        try:
            await self._recover()
        except StoreError as error:
            log.error("The store did not answer; the first job tries again.", exc_info=error)

    def start(self) -> None:
        """Run every job now, and then each by its own trigger.

        A job that takes long is not run twice at once, missed runs are made up for by one run, and no run is dropped
        for being late (APScheduler's own default drops a run that is a second late).
        """
        for job in self.jobs:
            self.timer.add_job(
                partial(self._run_timed, job),
                IntervalTrigger(seconds=job.every.total_seconds(), timezone=UTC),
                id=job.name,
                name=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )
        self.timer.start()

    async def tick(self) -> None:
        """Run every job once whose trigger has come by the clock that was passed in; one with a trigger of less than an
        hour runs each time. Slow jobs go on beside it."""
        now = self._clock()
        for job in self.jobs:
            last_run = self._ticked.get(job.name)
            if last_run and job.every >= _HOUR and timedelta(0) <= now - last_run < job.every:
                continue
            self._ticked[job.name] = now
            task = self._begin(job)
            if not job.slow:
                await task

    async def run(self, name: str) -> None:
        """Run the job of this name now, and wait for it."""
        await self._begin(next(job for job in self.jobs if job.name == name))

    def pause(self) -> None:
        """Begin no further job, and cancel the ones that run."""
        if self.timer.running:
            self.timer.shutdown(wait=False)

    async def stop(self) -> None:
        """Cancel what runs, and return once it has ended: the store is about to be closed."""
        self.pause()
        await asyncio.gather(
            cancel_all(self._tasks.values()), *(worker.stop() for worker in self._workers), return_exceptions=True
        )

    def _begin(self, job: Job) -> asyncio.Task[bool]:
        """The task of a job: the one that runs already, or a new one."""
        task = self._tasks.get(job.name)
        if task is None or task.done():
            task = self._tasks[job.name] = asyncio.create_task(self._attempt(job), name=job.name)
        return task

    async def _run_timed(self, job: Job) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # APScheduler would log the end of the process as an error
            if not await self._begin(job):
                self._retry_soon(job)

    async def _attempt(self, job: Job) -> bool:
        """Run a job once; False when it failed."""
        with structlog.contextvars.bound_contextvars(job=job.name):
            try:
                await self._recover()
                await job.run()
            except StoreOutdated:
                return False  # the process ends
            except StoreError as error:
                log.error("The store did not answer; the job runs again soon.", exc_info=error)
                return False
            except Exception:
                log.exception("A job failed; it runs again soon.")
                return False
        return True

    def _retry_soon(self, job: Job) -> None:
        timed, soon = self.timer.get_job(job.name), datetime.now(UTC) + _RETRY_AFTER
        if timed and timed.next_run_time and timed.next_run_time > soon:
            timed.modify(next_run_time=soon)

    async def _recover(self) -> None:
        async with self._recovering:
            if self._recovered:
                return
            count = await self._replay()
            self._recovered = True
        if count:
            log.info("Reactions left over from the last run were recorded.", count=count)
