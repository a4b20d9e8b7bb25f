"""Clean-up: what is kept of workspaces that removed the bot is deleted in time."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.ports.platform import Clock
from bot.store import installations
from bot.store.database import Store

log = structlog.get_logger(__name__)


async def delete_removed_workspaces(store: Store, clock: Clock, keep: timedelta) -> None:
    """Delete all rows of the workspaces that removed the bot longer ago than `keep`."""
    async with store.write() as tx:
        for platform, workspace in await installations.uninstalled_before(tx, clock() - keep):
            await installations.delete(tx, platform, workspace)
            log.info("All of a workspace that removed the bot is deleted.", platform=platform, workspace=workspace)
