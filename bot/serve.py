"""Serving: the heart and every platform side by side, each kept alive on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from bot.app import App
from bot.platforms.base import Platform, PlatformError, Sleep
from bot.schedule import ticking

log = structlog.get_logger(__name__)
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
    """Serve until cancelled, or until the platform named `until` ends by itself (a terminal's guest who leaves).

    `seconds` is a clock that only runs forward: by it a connection that held for long is told from one that never did.
    """
    await app.heart.start()
    scheduler = ticking(app.heart, app.settings.schedule.tick_seconds)
    scheduler.start()
    tasks = {
        name: asyncio.create_task(
            platform.run(app.desk) if name == until else _kept_alive(platform, app, sleep, seconds), name=name
        )
        for name, platform in platforms.items()
    }
    try:
        await (tasks[until] if until else asyncio.gather(*tasks.values()))
    finally:
        scheduler.shutdown(wait=False)
        for task in tasks.values():
            if not task.cancelling():  # a second time would break into the clearing up
                task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await app.heart.stop()


async def _kept_alive(platform: Platform, app: App, sleep: Sleep, seconds: Callable[[], float]) -> None:
    """Run one platform again and again, after longer and longer waits; the others and the heart go on meanwhile."""
    wait = _FIRST_WAIT_SECONDS
    while True:
        begun = seconds()
        try:
            await platform.run(app.desk)
            log.warning("A platform's connection ended; it is built up again.", platform=platform.name)
        except PlatformError as error:
            log.warning("A platform can't be served now; it is tried again.", platform=platform.name, why=str(error))
        except Exception as error:
            log.exception("A platform's connection fell; it is built up again.", platform=platform.name, why=str(error))
        if seconds() - begun > _LONGEST_WAIT_SECONDS:
            wait = _FIRST_WAIT_SECONDS
        await sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
