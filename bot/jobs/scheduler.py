"""The heartbeat: one ticking job that looks at whose hour has come.

APScheduler ticks; `next_due_at` in the store says what is due. So a restart, a long pause or a slow digest loses
nothing: the next tick finds everything that has become due since.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.digests.composer import DIGEST, Digests, next_hour
from bot.jobs import restoring
from bot.jobs.alerts import Alerts
from bot.jobs.delivery import DeliveryWorker
from bot.jobs.ingest import Ingest
from bot.jobs.reactions import ReactionRecorder
from bot.jobs.vote_counts import VoteCounters
from bot.model.schedule import Hour, Rule
from bot.ports.platform import Attending, Clock, Platform, PlatformError, Threading, WorkspaceLost
from bot.store import channels, deliveries, installations, metadata, runs
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.errors import StoreError
from bot.store.metadata import READ_BACK_AT
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_READ_BACK_EVERY = timedelta(days=1)
_PRESSED_LATELY = timedelta(days=2)
"""How far back presses may be that some card does not show yet: longer ago than the reading back before this one."""
_FORGET_EVERY = timedelta(days=1)
_READING_HOLDS = timedelta(minutes=10)
"""How long digests wait for the first reading after a long silence: a week of arXiv takes a few minutes, and a source
that hangs may cost nobody their digest."""
_PLANNED_AT_ONCE = 10
"""Digests that are made before the first of them leaves."""
_LOOKING_SECONDS = 30.0
"""For which a platform may say whether the bot is in a channel."""
_MENDED_EVERY = timedelta(hours=1)
_SURELY_AHEAD = timedelta(hours=23)
"""The shortest day there is: an hour that is nearer than that is its schedule's next one."""

_NOT_RUNNING = "the bot was not running, or could not post here"


class Scheduler:
    """What is done at every beat. `grace` is how late a digest is still delivered; what is older is recorded missed.
    `keep` is how long everything of a workspace is kept after it removed the bot."""

    def __init__(
        self,
        store: Store,
        digests: Digests,
        delivery_worker: DeliveryWorker,
        reactions: ReactionRecorder,
        ingest: Ingest,
        alerts: Alerts,
        vote_counters: VoteCounters,
        platforms: dict[str, Platform],
        clock: Clock,
        *,
        grace: timedelta,
        read_every: timedelta,
        read_back: timedelta,
        keep: timedelta,
    ) -> None:
        self._store, self._digests, self._delivery, self._reactions = store, digests, delivery_worker, reactions
        self._ingest, self._alerts, self._vote_counters = ingest, alerts, vote_counters
        self._platforms, self._clock = platforms, clock
        self._grace, self._read_every, self._read_back, self._keep = grace, read_every, read_back, keep
        self._forgot_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self._held_until: datetime | None = None
        self._reading_back: asyncio.Task[None] | None = None
        self._trying_lost: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._mended_at: datetime | None = None
        self._fresh_start, self._replayed = True, False

    async def start(self) -> None:
        """Before the first beat: clear up what an earlier process left behind. Without its store the first beat that
        has one does it."""
        try:
            await self._replay()
        except StoreError as error:
            log.error("The store did not answer; the next beat tries again.", exc_info=error)

    async def _replay(self) -> None:
        replayed = await self._reactions.replay()
        self._replayed = True
        if replayed:
            log.info("Reactions left over from the last run were taken in.", count=replayed)

    async def beat(self) -> None:
        """Plan what is due; read the sources and deliver what is planned beside that: no beat waits for the outside."""
        self._beating = asyncio.current_task()
        try:
            if not self._replayed:
                await self._replay()
            if not _under_way(self._reading) and await self._ingest.due(self._read_every):
                self._held_until = await self._hold()
                self._reading = asyncio.create_task(self.read())
            if not _under_way(self._reading_back) and await self._read_back_due():
                self._reading_back = asyncio.create_task(self._read_reactions_back())
            if not _under_way(self._trying_lost) and await self._lost_and_due():
                self._trying_lost = asyncio.create_task(self.try_lost())
            await self._forget_departed()
            await self._mend_hours()
            held = _under_way(self._reading) and self._held_until and self._clock() < self._held_until
            while not held and await self._plan_some():
                await self._delivery.begin()
            await self._delivery.begin()
        except StoreError as error:
            log.error("The store did not answer; the next beat tries again.", exc_info=error)
        finally:
            self._beating = None

    async def read(self) -> None:
        """Read every source, then plan what topics want to be alerted of; the next beat delivers it."""
        try:
            await self._ingest.run()
            async with self._store.write() as tx:
                await restoring.caught_up(tx, self._clock())
            await self._alerts.plan()
        except StoreError as error:
            log.error("The sources could not be stored; the next beat tries again.", exc_info=error)
        except Exception:
            log.exception("A reading of the sources fell; the next one tries again.")

    async def plan_due(self) -> int:
        """Plan the digest of every channel whose hour has come; how many those are. A bad channel delays no other."""
        planned = 0
        while some := await self._plan_some():
            planned += sum(some)
        return planned

    async def try_lost(self) -> None:
        """Try the channels again that were lost, each at its own hour: where nothing says that the bot is still shut
        out, the next beat makes their digest. Its first post shows whether they are back, and nobody is told of it if
        they are not."""
        try:
            while some := await self._lost_and_due():
                ended = set[tuple[str, str]]()
                for channel in some:
                    workspace = channel.place.platform, channel.place.workspace
                    if workspace not in ended and await self._may_be_back(channel, ended):
                        too_late = self._clock() - self._grace
                        async with self._store.write() as tx:
                            await channels.change_from(tx, channel.id, ChannelState.LOST, state=ChannelState.ACTIVE)
                            # The digest that is made now may bring what an earlier one could not.
                            await deliveries.drop_waiting(tx, channel.id, "too late to be news", too_late)
                    else:
                        await self._leave_lost(channel)
        except StoreError as error:
            log.error("The store did not answer; the next beat tries again.", why=str(error))
        except Exception:
            log.exception("Lost channels could not be tried again; the next beat does.")

    async def _lost_and_due(self) -> list[Channel]:
        async with self._store.read() as tx:
            return await channels.due(tx, self._clock(), list(self._platforms), _PLANNED_AT_ONCE, ChannelState.LOST)

    async def _may_be_back(self, channel: Channel, ended: set[tuple[str, str]]) -> bool:
        """Whether the bot may be back in a channel, as far as that can be told without posting. `ended` takes in the
        workspaces of which no channel needs to be tried."""
        place = channel.place
        async with self._store.read() as tx:
            removed = await installations.has_ended(tx, place.platform, place.workspace)
        platform = self._platforms[place.platform]
        try:
            if not removed and isinstance(platform, Attending):
                async with asyncio.timeout(_LOOKING_SECONDS):
                    return await platform.attends(place)
        except WorkspaceLost:
            removed = True
        except (PlatformError, TimeoutError) as error:
            log.info("A lost channel could not be looked at.", channel=channel.id, why=str(error))
            return False
        if removed:
            ended.add((place.platform, place.workspace))
        return not removed

    async def _leave_lost(self, channel: Channel) -> None:
        """Go on to the next hour of a channel that is still lost."""
        now, due = self._clock(), channel.next_due_at
        assert due is not None
        try:
            after = Rule.of(channel.hour, channel.days, channel.zone).after(now)
        except (LookupError, ValueError):  # a zone that is no longer known: its digest says so when it is made
            after = Hour((now + timedelta(days=1)).date(), now + timedelta(days=1))
        async with self._store.write() as tx:
            await channels.change_due(tx, channel.id, due, after.at, after.local_date)

    async def stop(self) -> None:
        """Let go what is under way, and come back when it has: the store is about to be closed."""
        begun = (self._reading, self._reading_back, self._trying_lost, self._beating)
        under_way = [task for task in begun if task and not task.done()]
        for task in under_way:
            if not task.cancelling():  # a second time would break into the clearing up
                task.cancel()
        await asyncio.gather(
            *under_way,
            self._delivery.stop(),
            self._reactions.stop(),
            self._vote_counters.stop(),
            return_exceptions=True,
        )

    async def _plan_some(self) -> list[int]:
        """Plan the digests that are due for longest; for each channel that was due whether there is one now."""
        async with self._store.read() as tx:
            due = await channels.due(tx, self._clock(), list(self._platforms), _PLANNED_AT_ONCE)
        return [await self._plan(channel) for channel in due]

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
            await self._miss(channel, [Hour(day, due)], f"{type(error).__name__} while it was made")
            tomorrow = max(due + timedelta(days=1), now)
            async with self._store.write() as tx:
                await channels.change_due(tx, channel.id, due, tomorrow, tomorrow.date())
            return 0

    async def _plan_or_miss(self, channel: Channel, due: Hour, now: datetime) -> int:
        rule = Rule.of(channel.hour, channel.days, channel.zone)
        # Only the last of the hours that passed can still be news; what is older, or too late, was missed.
        *missed, last = rule.missed(due, now) or [due]
        delivery = None
        if now - last.at <= self._grace:
            platform = self._platforms[channel.place.platform]
            can = platform.capabilities
            if isinstance(platform, Threading) and not platform.may_thread(channel.place):
                can = replace(can, threads=False)
            delivery = await self._digests.plan(channel, last, now, can)
        else:
            missed.append(last)
        why = f"I could not post here: {channel.state_reason}" if channel.state_reason else _NOT_RUNNING
        await self._miss(channel, missed, why)
        async with self._store.write() as tx:
            after = await next_hour(tx, channel, max(now, last.at))
            await channels.change_due(tx, channel.id, due.at, after.at, after.local_date)
        return int(delivery is not None)

    async def _miss(self, channel: Channel, hours: Sequence[Hour], why: str) -> None:
        for hour in hours:
            async with self._store.write() as tx:
                await deliveries.record_missed(tx, channel.id, hour.local_date, DIGEST, hour.at, why, self._clock())
            log.warning("A digest was missed.", channel=channel.id, day=str(hour.local_date), why=why)

    async def _hold(self) -> datetime | None:
        """Until when digests wait for the reading that begins now; None when the last one is recent enough."""
        now = self._clock()
        async with self._store.read() as tx:
            read_at = await runs.last_finished(tx)
        return now + _READING_HOLDS if read_at is None or now - read_at >= self._read_every else None

    async def _mend_hours(self) -> None:
        """Bring hours back that a clock gone wrong for a while put too far ahead, and forget what it called missed."""
        now = self._clock()
        if self._mended_at and timedelta(0) <= now - self._mended_at < _MENDED_EVERY:
            return
        self._mended_at = now
        async with self._store.read() as tx:
            ahead = await channels.due_after(tx, now + _SURELY_AHEAD, list(self._platforms))
        for channel in ahead:
            await self._mend_hour(channel, now)

    async def _mend_hour(self, channel: Channel, now: datetime) -> None:
        due = channel.next_due_at
        try:
            rule = Rule.of(channel.hour, channel.days, channel.zone)
        except (LookupError, ValueError):  # a zone that is no longer known: its digest says so when it is made
            return
        if due is None or due <= rule.after(now).at:
            return
        async with self._store.write() as tx:
            await deliveries.clear_missed(tx, channel.id, now)
            after = await next_hour(tx, channel, now)
            if after.at < due and await channels.change_due(tx, channel.id, due, after.at, after.local_date):
                log.warning("A digest's hour lay too far ahead and was mended.", channel=channel.id, was=str(due))

    async def _forget_departed(self) -> None:
        """On start and then daily: delete all that is kept of workspaces that removed the bot long enough ago, and the
        events that no platform repeats any more."""
        now = self._clock()
        if self._forgot_at and timedelta(0) <= now - self._forgot_at < _FORGET_EVERY:
            return
        async with self._store.write() as tx:
            for platform, workspace in await installations.uninstalled_before(tx, now - self._keep):
                await installations.delete(tx, platform, workspace)
                log.info("All of a workspace that removed the bot is deleted.", platform=platform, workspace=workspace)
        await self._reactions.purge()
        self._forgot_at = now

    async def _read_back_due(self) -> bool:
        """On start and then daily."""
        async with self._store.read() as tx:
            last = await metadata.get(tx, READ_BACK_AT)
        if self._fresh_start or last is None:
            return True
        return not timedelta(0) <= self._clock() - datetime.fromisoformat(last) < _READ_BACK_EVERY

    async def _read_reactions_back(self) -> None:
        """Mend the votes that were missed."""
        now = self._clock()
        try:
            requests = self._reactions.resync_requests
            changed = await self._reactions.resync(self._platforms, now - self._read_back)
            await self._vote_counters.look_back(now - _PRESSED_LATELY)
            async with self._store.write() as tx:
                if self._reactions.resync_requests == requests:
                    await metadata.put(tx, READ_BACK_AT, now.astimezone(UTC).isoformat())
        except StoreError as error:
            log.error("Reactions could not be stored; the next beat tries again.", exc_info=error)
            return
        except Exception:
            log.exception("Reactions could not be read back; the next beat tries again.")
            return
        self._fresh_start = False
        if changed:
            log.info("Reactions made while nobody listened were taken in.", count=changed)


def _under_way(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()


def ticking(scheduler: Scheduler, seconds: float) -> AsyncIOScheduler:
    """A scheduler with the one job that beats, not yet started.

    A beat that takes long is not doubled, beats that were missed are made up for by one, and none is ever dropped for
    being late (APScheduler's own default drops what is a second late).
    """

    async def beat() -> None:
        with contextlib.suppress(asyncio.CancelledError):  # APScheduler would call the end of the process an error
            await scheduler.beat()

    timer = AsyncIOScheduler(timezone=UTC)
    timer.add_job(
        beat,
        "interval",
        seconds=seconds,
        id="heartbeat",
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    return timer
