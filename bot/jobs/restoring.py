"""Restoring a backup without posting anything twice.

The restored store does not know what was posted after the backup was made. So posts that were under way, and digests
that came due since then, count as given. The papers that the first run of the sources finds count as given too: the
digests of that time may have shown them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.hours import next_hour
from bot.jobs.alerts import ALERTED_REVISION
from bot.model.schedule import Hour, Rule
from bot.store import channels, deliveries, delivery_plans, metadata, runs
from bot.store.channels import Channel
from bot.store.states import ChannelState, DeliveryKind

log = structlog.get_logger(__name__)
_BUSY = timedelta(hours=1)
"""A running bot gives a digest within this time after its hour. A digest that was due longer before the backup was
made, and is not in it, was not given by the bot that the backup is of."""
_LONGEST_CATCHING_UP = timedelta(days=1)
"""How long after a restore the papers that a failing source brings late count as given."""
WHY = "restored from a backup: it may have been posted since that was made"


@dataclass(frozen=True, slots=True)
class Given:
    """How many channels' digests, and how many posts that were under way, count as given."""

    channels: int
    posts: int


async def settle(tx: AsyncConnection, made_at: datetime | None, now: datetime) -> Given:
    """Count as given all that may have been posted since the backup was made. This belongs in the transaction that
    restores it. If the backup does not say when it was made, every digest that is due counts as given."""
    posts = await deliveries.give_up_all(tx, WHY)
    revision = max(await metadata.revision(tx), 1)
    channel_count = 0
    for channel in await channels.list_all(tx):
        due = channel.next_due_at
        if channel.state is ChannelState.ACTIVE and due and due <= now and (not made_at or due >= made_at - _BUSY):
            await _give(tx, channel, due, now, revision)
            channel_count += 1
    await metadata.put(tx, ALERTED_REVISION, str(revision))
    await metadata.put(tx, metadata.RESTORED_AT, now.isoformat())
    return Given(channel_count, posts)


async def is_catching_up(tx: AsyncConnection) -> bool:
    """Whether the sources have not been read yet since a backup was restored."""
    return await metadata.get(tx, metadata.RESTORED_AT) is not None


async def caught_up(tx: AsyncConnection, now: datetime) -> None:
    """Note that the sources have been read. After a restore their papers count as known: no alert tells of them, and a
    channel that may have had them already gets them in no digest."""
    restored_text = await metadata.get(tx, metadata.RESTORED_AT)
    if restored_text is None:
        return
    restored_at, revision = datetime.fromisoformat(restored_text), await metadata.revision(tx)
    await metadata.put(tx, ALERTED_REVISION, str(revision))
    await deliveries.set_missed_revision(tx, restored_at, revision)
    if not await runs.failing(tx) or now - restored_at > _LONGEST_CATCHING_UP:
        await metadata.forget(tx, metadata.RESTORED_AT)


async def _give(tx: AsyncConnection, channel: Channel, due: datetime, now: datetime, revision: int) -> None:
    """Record every digest of the channel that was due until now as missed, and schedule the next one."""
    first = Hour(channel.next_due_on or due.date(), due)
    try:
        hours = Rule.of(channel.hour, channel.days, channel.zone).missed(first, now) or [first]
        for hour in hours:
            await delivery_plans.record_missed(
                tx, channel.id, hour.local_date, DeliveryKind.DIGEST, hour.at, WHY, now, revision
            )
        following_hour = await next_hour(tx, channel, now)
    except (LookupError, ValueError):  # a zone that is no longer known: its digest says so when it is made
        log.warning("A channel's hour can't be computed after a restore.", channel=channel.id)
        return
    await channels.change_due(tx, channel.id, due, following_hour.at, following_hour.local_date)
