"""After a backup was restored: nothing is said again that was posted after the backup was made.

The restored store knows nothing of what was posted since then. What was about to be posted, and what came due since
then, counts as given. So do the papers that the first reading of the sources finds: they may be among what was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests.composer import next_hour
from bot.jobs.alerts import ALERTED_REVISION
from bot.model.schedule import Hour, Rule
from bot.store import channels, deliveries, metadata, runs
from bot.store.channels import Channel
from bot.store.states import ChannelState, DeliveryKind

log = structlog.get_logger(__name__)
_RESTORED_AT = "restored_at"
"""The fact that says when a backup was restored, until the sources have been read since."""
_BUSY = timedelta(hours=1)
"""A bot that runs gives a digest within this time after its hour. One that is older in the backup, and was not given,
was not given by a bot that was running when the backup was made."""
_LONGEST_CATCHING_UP = timedelta(days=1)
"""How long what failing sources bring late counts as given."""
WHY = "restored from a backup: it may have been posted since that was made"


@dataclass(frozen=True, slots=True)
class Given:
    """What counts as given: the digests of so many channels, and so many posts that were under way."""

    channels: int
    posts: int


async def settle(tx: AsyncConnection, made_at: datetime | None, now: datetime) -> Given:
    """Count as given what may have been posted since a backup was made; goes into the transaction that restores it.
    Where the backup does not say when it was made, everything that is due counts."""
    posts = await deliveries.give_up_all(tx, WHY)
    revision = max(await metadata.revision(tx), 1)
    given = 0
    for channel in await channels.list_all(tx):
        due = channel.next_due_at
        if channel.state is ChannelState.ACTIVE and due and due <= now and (not made_at or due >= made_at - _BUSY):
            await _give(tx, channel, due, now, revision)
            given += 1
    await metadata.put(tx, ALERTED_REVISION, str(revision))
    await metadata.put(tx, _RESTORED_AT, now.isoformat())
    return Given(given, posts)


async def caught_up(tx: AsyncConnection, now: datetime) -> None:
    """The sources have been read. The first time after a restore, what they brought counts as known: no alert tells it
    again, and no digest of a channel that may have been given it already."""
    stored = await metadata.get(tx, _RESTORED_AT)
    if stored is None:
        return
    restored_at, revision = datetime.fromisoformat(stored), await metadata.revision(tx)
    await metadata.put(tx, ALERTED_REVISION, str(revision))
    await deliveries.set_missed_revision(tx, restored_at, revision)
    if not await runs.failing(tx) or now - restored_at > _LONGEST_CATCHING_UP:
        await metadata.forget(tx, _RESTORED_AT)


async def _give(tx: AsyncConnection, channel: Channel, due: datetime, now: datetime, revision: int) -> None:
    """Record the hours of a channel that came until now as missed, and go on with the next one."""
    first = Hour(channel.next_due_on or due.date(), due)
    try:
        hours = Rule.of(channel.hour, channel.days, channel.zone).missed(first, now) or [first]
        for hour in hours:
            await deliveries.record_missed(
                tx, channel.id, hour.local_date, DeliveryKind.DIGEST, hour.at, WHY, now, revision
            )
        after = await next_hour(tx, channel, now)
    except (LookupError, ValueError):  # a zone that is no longer known: its digest says so when it is made
        log.warning("A channel's hour can't be computed after a restore.", channel=channel.id)
        return
    await channels.change_due(tx, channel.id, due, after.at, after.local_date)
