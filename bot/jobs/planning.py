"""Planning: the digest of every channel whose hour has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from bot.digests import planning
from bot.digests.composer import DigestComposer
from bot.digests.hours import days_with_digest, following_hour, next_hour
from bot.digests.planning import DigestOrder, PreparedDigest
from bot.jobs.source_reading import SourceReading
from bot.jobs.work import MOST_WAITING, Kind, WorkQueue
from bot.model.schedule import Hour, Rule
from bot.ports.platform import Clock, Platform, capabilities_in
from bot.store import channels, deliveries, delivery_plans
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.delivery_plans import Plan
from bot.store.errors import StoreError
from bot.store.leases import Leases, channel_lease, channel_leases
from bot.store.states import ChannelState, DeliveryKind

log = structlog.get_logger(__name__)
PLANNED_AT_ONCE = 10
"""Digests that are planned before the first of them is sent, where members wait for answers of the same process."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_SHORTEST_DAY = timedelta(hours=23)
"""An hour that is nearer than this is its schedule's next one."""
_NOT_RUNNING = "the bot was not running, or could not post here"


class DigestPlanner:
    """Plans digests, `at_once` so many, and has the `deliveries` done by the queue. `grace` is how late a digest is
    still delivered; an older one is recorded as missed."""

    def __init__(
        self,
        store: Store,
        digests: DigestComposer,
        source_reading: SourceReading,
        platforms: Mapping[str, Platform],
        clock: Clock,
        grace: timedelta,
        leases: Leases,
        queue: WorkQueue,
        deliveries: Kind,
        at_once: int = PLANNED_AT_ONCE,
    ) -> None:
        self._store, self._digests, self._reading = store, digests, source_reading
        self._queue, self._deliveries, self._at_once = queue, deliveries, at_once
        self._platforms, self._clock, self._grace, self._leases = platforms, clock, grace, leases

    async def due(self) -> list[str]:
        """The ids of the channels whose hour has come, that of the longest wait first. Digests wait while the sources
        are read after a long silence."""
        if await self._reading.holds_digests():
            return []
        names = list(self._platforms)
        async with self._store.read() as tx:
            return [str(each) for each in await channels.due_ids(tx, self._clock(), names, MOST_WAITING)]

    async def plan_and_deliver(self, channel_ids: Sequence[int]) -> None:
        """Plan the digests of those of these channels whose hour has come, some at a time, and have them delivered."""
        for start in range(0, len(channel_ids), self._at_once):
            some = channel_ids[start : start + self._at_once]
            await self.plan(some)
            await self._queue.defer(self._deliveries, [str(channel_id) for channel_id in some])

    async def plan(self, channel_ids: Collection[int]) -> int:
        """Plan the digests of those of these channels whose hour has come, all at once; how many were planned. The
        channels of another process are left to that one."""
        async with self._store.read() as tx:
            due_channels = await channels.due(tx, self._clock(), list(self._platforms), limit=None, among=channel_ids)
        return sum(await self._plan_held(due_channels))

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
            # The clock of the process that recorded them may be minutes ahead, and no more.
            await deliveries.clear_missed(tx, channel.id, now + _CLOCKS_DIFFER)
            hour = await next_hour(tx, channel, now)
            if hour.at < due and await channels.change_due(tx, channel.id, due, hour.at, hour.local_date):
                log.warning("A digest's hour was too far ahead and was corrected.", channel=channel.id, was=str(due))

    async def _plan_some(self) -> list[int]:
        """Plan the digests that have been due for longest; for each channel that was due, 1 if a digest was planned.
        The channels of another process are left to that one."""
        async with self._store.read() as tx:
            due_channels = await channels.due(tx, self._clock(), list(self._platforms), PLANNED_AT_ONCE)
        return await self._plan_held(due_channels)

    async def _plan_held(self, due_channels: Sequence[Channel]) -> list[int]:
        async with self._leases.holding(*channel_leases(channel.id for channel in due_channels)) as held:
            return await self._plan_batch([channel for channel in due_channels if channel_lease(channel.id) in held])

    async def _plan_batch(self, due_channels: Sequence[Channel]) -> list[int]:
        """Plan the digests of channels that are due, all in one transaction; for each, 1 if a digest was planned. Where
        an error can't be assigned to one channel, the batch is halved until it hits that channel alone."""
        if not due_channels:
            return []
        now = self._clock()
        turns = [_Turn.of(channel, now, self._grace) for channel in due_channels]
        try:
            planned = await self._plan_turns(turns, now)
        except StoreError:
            raise
        except Exception as error:
            if len(due_channels) > 1:
                middle = len(due_channels) // 2
                halves = due_channels[:middle], due_channels[middle:]
                return [result for half in halves for result in await self._plan_batch(half)]
            planned = await self._write([turns[0].failed(error)], [], now)
        return [int(channel.id in planned) for channel in due_channels]

    async def _plan_turns(self, turns: Sequence[_Turn], now: datetime) -> set[int]:
        orders = [
            DigestOrder(turn.channel, turn.hour, capabilities_in(self._platforms[place.platform], place))
            for turn in turns
            if turn.hour and (place := turn.channel.place)
        ]
        prepared: dict[int, PreparedDigest | Exception] = await self._digests.prepare(orders, now) if orders else {}
        final, ready = [], []
        for turn in turns:
            digest = prepared.get(turn.channel.id)
            if isinstance(digest, Exception):
                turn = turn.failed(digest)
            elif digest:
                ready.append(digest)
            final.append(turn)
        return await self._write(final, ready, now)

    async def _write(self, turns: Sequence[_Turn], digests: Sequence[PreparedDigest], now: datetime) -> set[int]:
        """Plan digests, record the hours that were missed, and set the next hours. Channels that were paused, deleted
        or rescheduled meanwhile are left out. Returns the ids of those whose digest was planned."""
        async with self._store.write() as tx:
            current = await channels.locked(tx, [turn.channel.id for turn in turns])
            turns = [turn for turn in turns if turn.is_due_in(current)]
            ids = {turn.channel.id for turn in turns}
            planned = await planning.plan(tx, [each for each in digests if each.order.channel.id in ids], now)
            missed = await delivery_plans.record_all_missed(tx, [plan for turn in turns for plan in turn.missed], now)
            taken = await days_with_digest(tx, ids, now)
            hours = [(turn, turn.next_hour(now, taken[turn.channel.id])) for turn in turns]
            await channels.change_due_of_each(
                tx, [(turn.channel.id, turn.due, hour.at, hour.local_date) for turn, hour in hours]
            )
        for turn in turns:
            if turn.error:
                log.error("A digest could not be made.", channel=turn.channel.id, exc_info=turn.error)
        for plan in missed:
            log.warning("A digest was missed.", channel=plan.channel_id, day=str(plan.local_date), why=plan.reason)
        return set(planned)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What becomes of a channel whose hour has come: the `hour` of the digest that it gets now, if any, and the hours
    that it missed. `error` says why no digest can be made for it."""

    channel: Channel
    due: datetime
    hour: Hour | None
    missed: Sequence[Plan] = ()
    error: Exception | None = None

    @classmethod
    def of(cls, channel: Channel, now: datetime, grace: timedelta) -> _Turn:
        """The turn of a channel that is due."""
        due = channel.next_due_at
        assert due is not None
        first = Hour(channel.next_due_on or due.date(), due)
        try:
            hours = Rule.of(channel.hour, channel.days, channel.zone).missed(first, now) or [first]
        except Exception as error:
            return cls(channel, due, first).failed(error)
        # Only the last of the hours that passed can still be news; an older one, or one too late, was missed.
        last = hours.pop() if now - hours[-1].at <= grace else None
        reason = f"I could not post here: {channel.state_reason}" if channel.state_reason else _NOT_RUNNING
        return cls(channel, due, last, [_missed(channel, hour, reason) for hour in hours])

    def failed(self, error: Exception) -> _Turn:
        """The same turn when its digest can't be made. The next try is a day later."""
        hour = Hour(self.channel.next_due_on or self.due.date(), self.due)
        missed = _missed(self.channel, hour, f"{type(error).__name__} while it was made")
        return replace(self, hour=None, missed=[missed], error=error)

    def is_due_in(self, current: Mapping[int, Channel]) -> bool:
        """Whether the channel is still there, active, and due at that time."""
        channel = current.get(self.channel.id)
        return channel is not None and channel.state is ChannelState.ACTIVE and channel.next_due_at == self.due

    def next_hour(self, now: datetime, taken: Collection[date]) -> Hour:
        """The channel's next hour, whose local day is none of the `taken` ones."""
        if self.error:
            tomorrow = max(self.due + timedelta(days=1), now)
            return Hour(tomorrow.date(), tomorrow)
        return following_hour(self.channel, now, taken)


def _missed(channel: Channel, hour: Hour, reason: str) -> Plan:
    return Plan(channel.id, hour.local_date, DeliveryKind.DIGEST, hour.at, (), reason)
