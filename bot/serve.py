"""Runs the scheduler and every platform side by side, and restarts each platform on its own.

A bot that is asked to stop begins nothing more, and ends the sends that are under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

import structlog

from bot.app import App
from bot.jobs.tasks import cancel_all
from bot.ports.platform import Connecting, Platform, PlatformError, Sleep, TokenRefused, WorkspaceLost
from bot.store.database import OUTDATED
from bot.store.errors import StoreOutdated

log = structlog.get_logger(__name__)
_PREPARED_AFTER_SECONDS = 10.0
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 300.0
_SENDS_SECONDS = 15.0


class Stop:
    """A request to stop, after which the sends under way have `seconds` to end. Until somebody waits for the request,
    whoever makes it has to cancel the work instead."""

    def __init__(self, seconds: float = _SENDS_SECONDS) -> None:
        self.seconds, self.is_awaited = seconds, False
        self._requested = asyncio.Event()

    @property
    def is_requested(self) -> bool:
        """Whether the request was made."""
        return self._requested.is_set()

    def request(self) -> None:
        """Make the request."""
        self._requested.set()

    async def wait(self) -> None:
        """Return once the request is made."""
        self.is_awaited = True
        await self._requested.wait()


async def serve(
    app: App,
    platforms: Mapping[str, Platform],
    *,
    until: str | None = None,
    stop: Stop | None = None,
    sleep: Sleep = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Listen on these platforms, and do the bot's work on all of its own. Ends when cancelled, after a `stop` was
    requested, or when the platform named `until` ends by itself, since the person at a terminal leaves.

    Raises TokenRefused or WorkspaceLost if no platform lets the bot in at the start: there is nothing to serve. Raises
    StoreOutdated when another process has changed the tables of the store.
    `seconds` is a clock that only runs forward; it measures how long a connection held.
    """
    async with contextlib.AsyncExitStack() as stack:
        for platform in app.platforms.values():
            if isinstance(platform, Connecting):
                await stack.enter_async_context(platform.connected())
        app.resync.listens_on(platforms)
        await app.scheduler.recover()
        app.queue.start()
        app.scheduler.start()
        not_refused = set(platforms)

        def is_last(refused: str) -> bool:
            not_refused.discard(refused)
            return not not_refused

        tasks = {
            name: asyncio.create_task(
                platform.run(app.service) if name == until else _keep_running(platform, app, is_last, sleep, seconds),
                name=name,
            )
            for name, platform in platforms.items()
        }
        preparation = asyncio.create_task(_prepare_learning(app))
        stopping = asyncio.create_task((stop or Stop()).wait())
        outdated = asyncio.create_task(app.store.outdated.wait())
        try:
            # Without any platform the page is served all the same.
            ends = [tasks[until]] if until else list(tasks.values())
            done, _ = await asyncio.wait([stopping, outdated, *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if outdated in done:
                raise StoreOutdated(OUTDATED)
        finally:
            app.scheduler.pause()
            await cancel_all([*tasks.values(), preparation, stopping, outdated])
            if stop and stop.is_requested:
                await _drain(app, stop.seconds)
            await app.queue.stop()
            await app.scheduler.stop()


async def _drain(app: App, seconds: float) -> None:
    """Wait for the jobs and sends under way, up to so many seconds. A post whose send takes longer is looked up by the
    next process."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(app.delivery_worker.finish(), app.queue.finish())
    except TimeoutError:
        log.warning("Some sends did not end in time. Their posts are looked up before they are sent again.")


async def _prepare_learning(app: App) -> None:
    """Let nobody wait for the import of scikit-learn, neither for what is asked first nor for the first digest."""
    await asyncio.sleep(_PREPARED_AFTER_SECONDS)
    await app.paper_index.prepare_learning()


async def _keep_running(
    platform: Platform, app: App, is_last: Callable[[str], bool], sleep: Sleep, seconds: Callable[[], float]
) -> None:
    """Run one platform again and again, with growing waits; the others and the scheduler go on meanwhile.

    If it does not let the bot in at the first try, `is_last` is called: it returns whether no other platform is left.
    """
    wait, first = _FIRST_WAIT_SECONDS, True
    while True:
        begun = seconds()
        try:
            await platform.run(app.service)
            log.warning("A platform's connection ended; it is built up again.", platform=platform.name)
        except PlatformError as error:
            if first and isinstance(error, TokenRefused | WorkspaceLost) and is_last(platform.name):
                raise
            log.warning(
                "A platform can't be served now; it is tried again. `paperboy check` tells more.",
                platform=platform.name,
                why=str(error),
            )
        except Exception as error:
            log.exception(
                "A platform's connection failed; it is built up again.", platform=platform.name, why=str(error)
            )
        first = False
        if seconds() - begun > _LONGEST_WAIT_SECONDS:
            wait = _FIRST_WAIT_SECONDS
        await sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
