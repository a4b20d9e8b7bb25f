"""Wiring only: builds the parts of the bot and connects them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from bot.commands.context import LookUp, Services
from bot.commands.registry import COMMANDS
from bot.digests.composer import DigestComposer
from bot.digests.feedback import EmojiTable
from bot.estimator import ChosenEstimator
from bot.jobs.alerts import Alerts
from bot.jobs.channel_feeds import ChannelFeeds
from bot.jobs.clean_up import delete_removed_workspaces, purge_forgotten, shorten_old_messages
from bot.jobs.delivery import DeliveryWorker, RetryPolicy
from bot.jobs.ingest import Ingest, OpenFeed
from bot.jobs.lost_channels import LostChannels
from bot.jobs.planning import PLANNED_AT_ONCE, DigestPlanner
from bot.jobs.reactions import ReactionRecorder
from bot.jobs.resync import ReactionResync
from bot.jobs.scheduler import Job, Scheduler
from bot.jobs.source_reading import SourceReading
from bot.jobs.vote_counts import REFRESHED_FOR, VoteCounters
from bot.jobs.work import InProcessQueue, Kind, Lane, WorkQueue, by_id, looking_for, undivided
from bot.model.page_address import PageAddress
from bot.paper_index import PaperIndex, Progress
from bot.ports.platform import Clock, Platform, Sleep, TokenRenewing
from bot.private_indexes import PrivateIndexes
from bot.service.service import BotService
from bot.settings import Settings
from bot.source_registry import configured_sources, configured_zotero, strangers_feeds
from bot.sources.base import PaperLookup, Source, SourceError
from bot.sources.zotero import Zotero
from bot.store.database import BOT, Store
from bot.store.leases import Leases, LeaseTimes
from bot.store.opening import open_store
from recommender import Baseline, Paper

_TOKENS_EVERY = timedelta(minutes=10)
_WHOLE = timedelta(days=7)
"""A sent message keeps the texts of its papers for so much longer than its reactions are read back."""
_INDEX_EVERY = timedelta(seconds=30)
_PLANNED_IN_A_JOB, _DELIVERED_AT_ONCE = 250, 50
"""Channels in one job of the queue that several processes share."""


@dataclass(frozen=True, slots=True)
class App:
    """The built bot."""

    settings: Settings
    store: Store
    platforms: Mapping[str, Platform]
    paper_index: PaperIndex
    ingest: Ingest
    digests: DigestComposer
    delivery_worker: DeliveryWorker
    reactions: ReactionRecorder
    service: BotService
    source_reading: SourceReading
    alerts: Alerts
    planner: DigestPlanner
    scheduler: Scheduler
    source_names: Sequence[str]
    page: PageAddress
    emoji: EmojiTable
    private: PrivateIndexes
    leases: Leases
    resync: ReactionResync
    queue: WorkQueue


PlatformsOver = Callable[[Store, Leases], Awaitable[Mapping[str, Platform]]]
"""Builds platforms that keep their installations in the store, and share their work by leases."""


def system_clock() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    platforms: Mapping[str, Platform] | PlatformsOver,
    *,
    clock: Clock = system_clock,
    sleep: Sleep = asyncio.sleep,
    sources: Sequence[Source] | None = None,
    progress: Progress | None = None,
    planned_at_once: int = PLANNED_AT_ONCE,
) -> AsyncIterator[App]:
    """The bot on these platforms, with its store and index open. `sources` replace those of the settings. On PostgreSQL
    it shares its work with other processes by a queue."""
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(
            settings.store_url,
            busy_seconds=settings.database_busy_seconds,
            connections=settings.database_connections,
            application=f"{BOT} {uuid4().hex[:12]}",
        )
        stack.push_async_callback(store.close)
        estimator = await asyncio.to_thread(ChosenEstimator, settings.taste)
        paper_index = await PaperIndex.open(store, settings.index_dir, progress, prepare=estimator.applied)
        if sources is None:
            sources = await stack.enter_async_context(configured_sources(settings))
        zotero = await stack.enter_async_context(configured_zotero(settings))
        leases = Leases(store)
        built = platforms if isinstance(platforms, Mapping) else await platforms(store, leases)
        leases.times = lease_times(settings, built)
        open_feed = await stack.enter_async_context(strangers_feeds(settings))
        queue = None if store.is_sqlite else await _shared_queue(store, settings)
        app = build(
            settings,
            store,
            paper_index,
            built,
            sources,
            clock,
            sleep,
            zotero=zotero,
            open_feed=open_feed,
            queue=queue,
            planned_at_once=planned_at_once,
            leases=leases,
        )
        if store.is_sqlite:  # one bot serves it (`operate.single_instance`): the one before is dead
            await app.leases.end_others()
        stack.push_async_callback(app.leases.release_all)
        yield app


def build(
    settings: Settings,
    store: Store,
    paper_index: PaperIndex,
    platforms: Mapping[str, Platform],
    sources: Sequence[Source],
    clock: Clock,
    sleep: Sleep,
    seconds: Callable[[], float] = time.monotonic,
    zotero: Zotero | None = None,
    open_feed: OpenFeed | None = None,
    leases: Leases | None = None,
    queue: WorkQueue | None = None,
    planned_at_once: int = PLANNED_AT_ONCE,
) -> App:
    """The parts over an open store and index. `seconds` is a clock that only runs forward. Without a `queue`, this
    process does all work itself. `planned_at_once` is the number of digests that are planned at a time."""
    leases = leases or Leases(store, lease_times(settings, platforms), seconds=seconds)
    emoji = EmojiTable.of(settings.votes.likes, settings.votes.dislikes)
    window = settings.digest.window_days
    grace = timedelta(hours=settings.digest.grace_hours)
    baseline = Baseline(settings.experiment.rival) if settings.experiment.rival else None
    private = PrivateIndexes(store)
    ingest = Ingest(store, paper_index, sources, clock, settings.sources.look_back_days, open_feed, leases)
    digests = DigestComposer(
        store,
        paper_index,
        emoji,
        window,
        baseline,
        neighbours=settings.votes.neighbours,
        sources=ingest.names,
        private=private,
    )
    retry_policy = RetryPolicy(settings.delivery.attempts, settings.delivery.timeout, grace, settings.delivery.margin)
    vote_counters = VoteCounters(store, platforms, emoji, sleep, leases, settings.delivery.timeout)
    reactions = ReactionRecorder(store, clock, sleep, emoji, settings.delivery.timeout, vote_counters.refresh_tally)
    delivery_worker = DeliveryWorker(store, platforms, clock, retry_policy, leases, seconds, reactions)
    channel_feeds = ChannelFeeds(store, clock, open_feed, leases)
    services = Services(
        COMMANDS,
        store,
        paper_index,
        private,
        digests,
        emoji,
        clock,
        _paper_lookup(sources),
        delivery_worker.deliver,
        platforms,
        vote_counters.refresh_tally,
        zotero,
        channel_feeds,
        ingest.names,
        settings.digest.zone,
        page := PageAddress(settings.web.public_url if settings.web.page else ""),
        ingest,
        frozenset(settings.sources.operators),
    )
    tick, minute = timedelta(seconds=settings.schedule.tick_seconds), timedelta(minutes=1)
    hour, day = timedelta(hours=1), timedelta(days=1)
    queue = queue or InProcessQueue()
    alerts = Alerts(store, paper_index, digests, platforms, clock, window, private, leases)
    alerts_kind = Kind("alerts", undivided(alerts.plan), minute, alerts.due, priority=70)
    deliveries = Kind(
        "deliveries",
        by_id(delivery_worker.deliver_channels),
        tick,
        delivery_worker.due,
        batch=_DELIVERED_AT_ONCE,
        lane=Lane.SENDING,
        begin=by_id(delivery_worker.begin),
    )
    read_every = timedelta(minutes=settings.sources.every_minutes)
    source_reading = SourceReading(store, ingest, clock, read_every, channel_feeds, queue, alerts_kind)
    planner = DigestPlanner(
        store, digests, source_reading, platforms, clock, grace, leases, queue, deliveries, planned_at_once
    )
    look_back = timedelta(days=settings.votes.read_back_days)
    resync = ReactionResync(store, reactions, platforms, clock, look_back, leases)
    lost_channels = LostChannels(store, platforms, clock, grace)
    keep = timedelta(days=settings.slack.keep_days)
    refresh_counts = undivided(lambda: vote_counters.refresh_since(clock() - REFRESHED_FOR))
    shorten = undivided(partial(shorten_old_messages, store, leases, clock, look_back + _WHOLE))
    delete_removed = partial(delete_removed_workspaces, store, clock, keep)
    correct_schedules, renew_tokens = undivided(planner.correct_schedules), undivided(partial(_renew_tokens, platforms))
    kinds = [
        Kind("token renewal", renew_tokens, _TOKENS_EVERY, priority=90, once=True, slow=True),
        Kind("source reading", source_reading.read, tick, source_reading.due, priority=60, slow=True),
        Kind("lost channels", undivided(lost_channels.try_again), tick, lost_channels.due, priority=50, slow=True),
        Kind("schedules", correct_schedules, hour, priority=40, once=True),
        Kind("reaction resync", resync.run, tick, resync.due, priority=30, slow=True),
        Kind("vote counts", refresh_counts, day, priority=20, once=True),
        Kind("old messages", shorten, day, priority=10, once=True, slow=True),
        Kind("removed workspaces", undivided(delete_removed), day, priority=10, once=True),
        Kind("forgotten", undivided(partial(purge_forgotten, store, clock)), day, priority=10, once=True),
        Kind("old events", undivided(reactions.purge), day, priority=10, once=True),
        Kind(
            "digests",
            by_id(planner.plan_and_deliver),
            tick,
            planner.due,
            batch=_PLANNED_IN_A_JOB,
            lane=Lane.COMPOSING,
        ),
        replace(deliveries, name="prompt deliveries", due=delivery_worker.due_at_once, priority=10, batch=1),
        deliveries,
        alerts_kind,
    ]
    queue.add(kinds)
    jobs = [
        Job("leases", leases.renew, timedelta(seconds=leases.times.renew_every), slow=True),
        Job("search index", paper_index.follow, _INDEX_EVERY, slow=True),
        Job("unfinished events", partial(reactions.replay, untried=True), minute),
        Job("version of the store", store.check_revision, tick),
        Job("queue", queue.clean_up, hour),
        *looking_for(kinds, queue),
    ]
    scheduler = Scheduler(jobs, reactions.replay, [delivery_worker, reactions, vote_counters], clock)
    service = BotService(services, reactions, settings.digest.channel_defaults())
    return App(
        settings,
        store,
        platforms,
        paper_index,
        ingest,
        digests,
        delivery_worker,
        reactions,
        service,
        source_reading,
        alerts,
        planner,
        scheduler,
        services.source_names,
        page,
        emoji,
        private,
        leases,
        resync,
        queue,
    )


def lease_times(settings: Settings, platforms: Mapping[str, Platform]) -> LeaseTimes:
    """How long leases last: longer than the longest send of any platform."""
    longest_sends = (platform.capabilities.send_seconds for platform in platforms.values())
    return LeaseTimes.of(max(settings.delivery.timeout, *longest_sends, 0.0), settings.delivery.takeover)


async def _shared_queue(store: Store, settings: Settings) -> WorkQueue:
    from bot.jobs.postgres_queue import PostgresQueue  # imports the engine, which SQLite does without

    queue = PostgresQueue(store, stalled=settings.delivery.takeover)
    await queue.prepare()
    return queue


async def _renew_tokens(platforms: Mapping[str, Platform]) -> None:
    for platform in platforms.values():
        if isinstance(platform, TokenRenewing):
            await platform.renew_tokens()


def _paper_lookup(sources: Sequence[Source]) -> LookUp:
    """A function that looks single papers up at the sources that may have them. One that fails costs no other."""
    lookups = [source for source in sources if isinstance(source, PaperLookup)]

    async def look_up(ids: Sequence[str]) -> list[Paper]:
        papers: dict[str, Paper] = {}
        failure: SourceError | None = None
        for lookup in lookups:
            if wanted := [paper_id for paper_id in ids if paper_id not in papers and lookup.may_have(paper_id)]:
                try:
                    papers |= {paper.id: paper for paper in await lookup.papers(wanted)}
                except SourceError as error:
                    failure = failure or error
        if failure and not papers:
            raise failure
        return list(papers.values())

    return look_up
