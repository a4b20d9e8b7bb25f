"""Planning: the digest of every channel whose hour has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.digests.composer import DigestComposer, next_hour
from bot.jobs.delivery import DeliveryWorker
from bot.jobs.source_reading import SourceReading
from bot.model.schedule import Hour, Rule
from bot.ports.platform import Clock, Platform, capabilities_in
from bot.store import channels, deliveries
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.errors import StoreError
from bot.store.leases import Leases, channel_lease, channel_leases
from bot.store.states import DeliveryKind

log = structlog.get_logger(__name__)
_PLANNED_AT_ONCE = 10
"""Digests that are planned before the first of them is sent."""
_SHORTEST_DAY = timedelta(hours=23)
"""An hour that is nearer than this is its schedule's next one."""
_NOT_RUNNING = "the bot was not running, or could not post here"


class DigestPlanner:
    """Plans digests, and starts their delivery. `grace` is how late a digest is still delivered; an older one is
    recorded as missed."""

    def __init__(
        self,
        store: Store,
        digests: DigestComposer,
        delivery_worker: DeliveryWorker,
        source_reading: SourceReading,
        platforms: Mapping[str, Platform],
        clock: Clock,
        grace: timedelta,
        leases: Leases,
    ) -> None:
        self._store, self._digests, self._delivery, self._reading = store, digests, delivery_worker, source_reading
        self._platforms, self._clock, self._grace, self._leases = platforms, clock, grace, leases

    async def plan_and_deliver(self) -> None:
        """Plan the digests that are due, some at a time, and begin to deliver what is planned. Digests wait while the
        sources are read after a long silence."""
        if not await self._reading.holds_digests():
            while await self._plan_some():
                await self._delivery.begin()
        await self._delivery.begin()

    async def plan_due(self) -> int:
        """Plan the digest of every channel whose hour has come; how many were planned. A bad channel delays no
        other."""
        digest_count = 0
        while results := await self._plan_some():
            digest_count += sum(results)
        return digest_count

    async def correct_schedules(self) -> None:
        """Bring hours back that a clock gone wrong for a while put too far ahead, and delete the digests that were
        recorded as missed by that clock."""
        now = self._clock()
        async with self._store.read() as tx:
            suspects = await channels.due_after(tx, now + _SHORTEST_DAY, list(self._platforms))
        for channel in suspects:
            await self._correct_schedule(channel, now)

    async def _correct_schedule(self, channel: Channel, now: datetime) -> None:
        due = channel.next_due_at
        try:
            rule = Rule.of(channel.hour, channel.days, channel.zone)
        except (LookupError, ValueError):  # a time zone that is no longer known: its digest says so when it is made
            return
        if due is None or due <= rule.after(now).at:
            return
        async with self._store.write() as tx:
            await deliveries.clear_missed(tx, channel.id, now)
            hour = await next_hour(tx, channel, now)
            if hour.at < due and await channels.change_due(tx, channel.id, due, hour.at, hour.local_date):
                log.warning("A digest's hour was too far ahead and was corrected.", channel=channel.id, was=str(due))

    async def _plan_some(self) -> list[int]:
        """Plan the digests that have been due for longest; for each channel that was due, 1 if a digest was planned.
        The channels of another process are left to that one."""
        async with self._store.read() as tx:
            due_channels = await channels.due(tx, self._clock(), list(self._platforms), _PLANNED_AT_ONCE)
        async with self._leases.holding(*channel_leases(channel.id for channel in due_channels)) as held:
            return [await self._plan(channel) for channel in due_channels if channel_lease(channel.id) in held]

    async def _plan(self, channel: Channel) -> int:
        now, due = self._clock(), channel.next_due_at
        assert due is not None
        day = channel.next_due_on or due.date()
        try:
            return await self._plan_or_miss(channel, Hour(day, due), now)
        except StoreError:
            raise
        except Exception as error:
            log.exception("A digest could not be made.", channel=channel.id)
            await self._record_missed(channel, [Hour(day, due)], f"{type(error).__name__} while it was made")
            tomorrow = max(due + timedelta(days=1), now)
            async with self._store.write() as tx:
                await channels.change_due(tx, channel.id, due, tomorrow, tomorrow.date())
            return 0

    async def _plan_or_miss(self, channel: Channel, due: Hour, now: datetime) -> int:
        rule = Rule.of(channel.hour, channel.days, channel.zone)
        # Only the last of the hours that passed can still be news; an older one, or one too late, was missed.
        *missed, last = rule.missed(due, now) or [due]
        delivery = None
        if now - last.at <= self._grace:
            capabilities = capabilities_in(self._platforms[channel.place.platform], channel.place)
            delivery = await self._digests.plan(channel, last, now, capabilities)
        else:
            missed.append(last)
        reason = f"I could not post here: {channel.state_reason}" if channel.state_reason else _NOT_RUNNING
        await self._record_missed(channel, missed, reason)
        async with self._store.write() as tx:
            following_hour = await next_hour(tx, channel, max(now, last.at))
            await channels.change_due(tx, channel.id, due.at, following_hour.at, following_hour.local_date)
        return int(delivery is not None)

    async def _record_missed(self, channel: Channel, hours: Sequence[Hour], reason: str) -> None:
        for hour in hours:
            async with self._store.write() as tx:
                await deliveries.record_missed(
                    tx, channel.id, hour.local_date, DeliveryKind.DIGEST, hour.at, reason, self._clock()
                )
            log.warning("A digest was missed.", channel=channel.id, day=str(hour.local_date), why=reason)
