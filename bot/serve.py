"""Runs the scheduler and every platform side by side, and restarts each platform on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from bot.app import App
from bot.jobs.tasks import cancel_all
from bot.ports.platform import Platform, PlatformError, Sleep, TokenRefused, WorkspaceLost

log = structlog.get_logger(__name__)
_PREPARED_AFTER_SECONDS = 10.0
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 300.0


async def serve(
    app: App,
    platforms: Mapping[str, Platform],
    *,
    until: str | None = None,
    sleep: Sleep = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Serve until cancelled, or until the platform named `until` ends by itself (when the person at a terminal leaves).

    Raises TokenRefused or WorkspaceLost if no platform lets the bot in at the start: there is nothing to serve.
    `seconds` is a clock that only runs forward; it measures how long a connection held.
    """
    await app.scheduler.recover()
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
    try:
        # Without any platform the page is served all the same.
        await (tasks[until] if until else asyncio.gather(*tasks.values()) if tasks else asyncio.Event().wait())
    finally:
        app.scheduler.pause()
        await cancel_all([*tasks.values(), preparation])
        await app.scheduler.stop()


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
