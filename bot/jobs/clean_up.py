"""Clean-up: what is kept of workspaces that removed the bot, and of what was forgotten, is deleted in time, and old
messages lose their texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from bot.digests.past_messages import lacks_papers, without_papers
from bot.model.codec import dump_short, load_message
from bot.ports.platform import Clock
from bot.store import deliveries, forgotten, installations, metadata
from bot.store.database import Store
from bot.store.leases import Leases

log = structlog.get_logger(__name__)
CLEAN_UP = "clean up"
"""The lease on the clean-up of old messages."""
_SHORTENED_UNTIL = "messages_shortened_until"
"""The fact that holds the time up to which the posts were shortened."""
_AT_ONCE = 100


async def delete_removed_workspaces(store: Store, clock: Clock, keep: timedelta) -> None:
    """Delete all rows of the workspaces that removed the bot longer ago than `keep`."""
    async with store.write() as tx:
        for platform, workspace in await installations.uninstalled_before(tx, clock() - keep):
            await installations.delete(tx, platform, workspace, clock())
            log.info("All of a workspace that removed the bot is deleted.", platform=platform, workspace=workspace)


async def shorten_old_messages(store: Store, leases: Leases, clock: Clock, keep: timedelta) -> int:
    """Take the texts of papers from the messages that were sent longer ago than `keep`, some in each transaction.
    Returns the number of messages that were shortened; 0 while another process does it."""
    count = 0
    async with leases.holding(CLEAN_UP) as held:
        if not held:
            return 0
        async with store.read() as tx:
            until = await metadata.get(tx, _SHORTENED_UNTIL)
        after = datetime.fromisoformat(until) if until else datetime.min.replace(tzinfo=UTC), 0
        before = clock() - keep
        while True:
            async with store.write() as tx:
                sent = await deliveries.sent_before(tx, before, after, _AT_ONCE)
                if not sent:
                    break
                bodies = {post_id: short for _, post_id, body in sent if (short := _short(body)) is not None}
                if bodies:
                    await deliveries.put_bodies(tx, bodies)
                after = sent[-1][0], sent[-1][1]
                await metadata.put(tx, _SHORTENED_UNTIL, after[0].isoformat())
            count += len(bodies)
    if count:
        log.info("Old messages were shortened: their papers' texts are kept once.", count=count)
    return count


def _short(body: dict[str, Any]) -> dict[str, Any] | None:
    """The body without the texts of its papers; None for one that has none, or can't be read."""
    try:
        message = load_message(body)
    except ValidationError:
        return None
    has_papers = message.card or message.cards or message.lines
    return dump_short(without_papers(message)) if has_papers and not lacks_papers(message) else None


async def purge_forgotten(store: Store, clock: Clock) -> None:
    """Forget who was forgotten long ago: no backup of that time is kept."""
    async with store.write() as tx:
        await forgotten.purge(tx, clock())
