"""The demo's world: a clock that jumps, and a source that lists real papers of ten days in November 2025."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from bot.app import App, opened, system_clock
from bot.commands import schedule
from bot.model.messages import Place
from bot.ports.platform import Clock, Platform
from bot.settings import Settings
from bot.sources.base import Batch, Listing, ListingKind, Source
from bot.sources.fetch import Fetcher, Limits
from bot.sources.huggingface import HuggingFace
from bot.store import channels, runs
from recommender import Paper
from recommender.formats import read_papers

CORPUS = Path(__file__).with_name("corpus.jsonl")
HOUR = time(9)
_BEFORE = timedelta(minutes=30)
_LIVE = Limits(connect=3.0, read=5.0, total=8.0, attempts=1)
"""The longest that a visitor waits for the live list."""
_INSTANT = timedelta(milliseconds=1)


def corpus() -> list[Paper]:
    """The demo's papers, each published on the day arXiv listed it."""
    return [paper for paper in read_papers(CORPUS) if isinstance(paper, Paper)]


@dataclass
class DemoClock:
    """A clock that stands still until it is set. Each reading moves it on by an instant, so that later events are
    later."""

    now: datetime

    def __call__(self) -> datetime:
        """The time in the demo, in UTC."""
        self.now += _INSTANT
        return self.now


@dataclass
class DemoSource:
    """A source that lists each of its papers on the day it was published."""

    papers: list[Paper]
    name: str = "demo"

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The papers listed from `since` to `until`."""
        days = ((paper, paper.published) for paper in self.papers if paper.published)
        return Batch(
            tuple(Listing(paper, self.name, day, ListingKind.NEW) for paper, day in days if since <= day <= until)
        )


@dataclass
class SleepingSource:
    """A live source that lists nothing until the demo has reached the present."""

    live: Source
    awake: bool = False

    @property
    def name(self) -> str:
        """The name of the live source."""
        return self.live.name

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """The live source's listings, none while it sleeps."""
        return await self.live.fetch(since, until, memory) if self.awake else Batch()


@dataclass
class World:
    """A bot with a store of its own, which is deleted at the end."""

    app: App
    clock: DemoClock
    listed: DemoSource
    present: Clock
    live: list[SleepingSource] = field(default_factory=list)

    @property
    def last_day(self) -> date:
        """The last day on which the corpus lists something."""
        return max(paper.published for paper in self.listed.papers if paper.published)

    async def open_channel(self, place: Place, by: str) -> None:
        """Invite the bot half an hour before its first digest, and go on to the hour of the digest."""
        await self.app.service.joined(place, by)
        self.clock.now += _BEFORE
        await self._morning()

    async def next_day(self) -> bool:
        """Let one day pass. After the last day of the corpus comes the real today. Returns False after today."""
        tomorrow = datetime.combine(self.clock.now.date() + timedelta(days=1), HOUR, UTC)
        if tomorrow.date() <= self.last_day:
            self.clock.now = tomorrow
        elif not await self._wake(datetime.combine(self.present().date(), HOUR, UTC)):
            return False
        await self._morning()
        return True

    async def to_today(self) -> bool:
        """Jump from the corpus to the real today. Returns False after today, or if no live source answered."""
        if not await self._wake(datetime.combine(self.present().date(), HOUR, UTC)):
            return False
        await self._morning()
        async with self.app.store.read() as tx:
            failing = {run.source for run in await runs.failing(tx)}
        return any(source.name not in failing for source in self.live)

    async def _morning(self) -> None:
        """Read the sources as of half an hour ago, and post the digests of the day."""
        now, self.clock.now = self.clock.now, self.clock.now - _BEFORE
        await self.app.source_reading.read()
        self.clock.now = max(now, await self._last_hour_of(now.date()) or now)
        await self.app.planner.plan_due()
        await self.app.delivery_worker.deliver_all()

    async def _last_hour_of(self, day: date) -> datetime | None:
        """The last hour of this day at which a digest is due: somebody may have put off the hour of a channel."""
        async with self.app.store.read() as tx:
            hours = [channel.next_due_at for channel in await channels.list_all(tx) if channel.next_due_at]
        return max((hour for hour in hours if hour.date() <= day), default=None)

    async def _wake(self, today: datetime) -> bool:
        """Jump to today. The days between count as not missed. Returns False if today is here already."""
        if self.clock.now >= today:
            return False
        for source in self.live:
            source.awake = True
        self.clock.now = today - _BEFORE
        async with self.app.store.write() as tx:
            for channel in await channels.list_all(tx):
                if channel.next_due_at:
                    await schedule.wake(tx, replace(channel, next_due_at=None), self.clock.now)
        self.clock.now = today
        return True


def first_morning(settings: Settings) -> datetime:
    """The start of the demo: half an hour before the first digest on the corpus's first day, or `clock.start`."""
    first = min(paper.published for paper in corpus() if paper.published)
    return settings.clock.start or datetime.combine(first, HOUR, UTC) - _BEFORE


@asynccontextmanager
async def demo_world(
    settings: Settings, clock: DemoClock, platform: Callable[[Path], Platform], present: Clock = system_clock
) -> AsyncIterator[World]:
    """A new world in a temporary folder, in which the platform keeps its files too."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paperboy-demo-")))
        own = settings.model_copy(update={"data_dir": folder, "database_url": ""})
        live = []
        if own.sources.huggingface.enabled:
            fetcher = await stack.enter_async_context(Fetcher(limits=_LIVE))
            live.append(SleepingSource(HuggingFace(fetcher, own.sources.huggingface.url)))
        listed, chat = DemoSource(corpus()), platform(folder)
        app = await stack.enter_async_context(opened(own, {chat.name: chat}, clock=clock, sources=[listed, *live]))
        yield World(app, clock, listed, present, live)
