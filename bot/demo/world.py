"""The demo's world: a clock that jumps, and a source that lists real papers of ten days in November 2025."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.app import App, configured_sources, opened
from bot.channels.verbs import schedule
from bot.platforms.base import Platform
from bot.settings import Settings
from bot.sources.base import Batch, Kind, Listing, Source
from bot.store import channels
from recommender import Paper
from recommender.formats import read_papers

CORPUS = Path(__file__).with_name("corpus.jsonl")
MORNING = 9


@dataclass
class DemoClock:
    """Stands still until a day is let pass."""

    now: datetime

    def __call__(self) -> datetime:
        """The time in the demo, in UTC."""
        return self.now


class DemoPapers:
    """A source that knows the demo's corpus and lists each paper on the day arXiv listed it."""

    name = "demo"

    def __init__(self, papers: list[Paper]) -> None:
        self.papers = papers

    @property
    def days(self) -> list[date]:
        """The days on which something is listed."""
        return sorted({paper.published for paper in self.papers if paper.published})

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """What was listed from `since` to `until`."""
        return Batch(
            tuple(
                Listing(paper, self.name, paper.published, Kind.NEW)
                for paper in self.papers
                if paper.published and since <= paper.published <= until
            )
        )


class Today:
    """The live sources, silent until the demo has arrived in the present."""

    def __init__(self, live: Source) -> None:
        self.name, self.awake, self._live = live.name, False, live

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        """What the live source lists; nothing before the present."""
        return await self._live.fetch(since, until, memory) if self.awake else Batch()


@dataclass
class World:
    """A Paperboy with a store of its own that vanishes with it, on the morning of the corpus's first day."""

    app: App
    clock: DemoClock
    last_day: date
    live: list[Today]

    async def dawn(self) -> None:
        """What this morning brings: sources are read, the digest is planned and posted."""
        await self.app.heart.read()
        await self.app.heart.plan_due()
        await self.app.courier.deliver_all()

    async def next_day(self) -> bool:
        """Let one day pass; past the corpus the next day is the real today. False when today is here already."""
        present = datetime.now(UTC).replace(hour=MORNING, minute=0, second=0, microsecond=0)
        tomorrow = self.clock.now + timedelta(days=1)
        if tomorrow.date() > self.last_day:
            if self.clock.now >= present:
                return False
            await self._wake(present)
        else:
            self.clock.now = tomorrow
        await self.dawn()
        return True

    async def _wake(self, present: datetime) -> None:
        """Jump to the present: the days between were never missed."""
        for source in self.live:
            source.awake = True
        self.clock.now = present - timedelta(hours=1)
        async with self.app.store.write() as tx:
            for channel in await channels.all_of(tx):
                if channel.next_due_at:
                    await schedule.wake(tx, replace(channel, next_due_at=None), self.clock.now)
        self.clock.now = present


@asynccontextmanager
async def demo_world(settings: Settings, platform: Platform, clock: DemoClock) -> AsyncIterator[World]:
    """A fresh world. Its store is in a folder of its own; nothing of it stays."""
    papers = [paper for paper in read_papers(CORPUS) if isinstance(paper, Paper)]
    corpus = DemoPapers(papers)
    with tempfile.TemporaryDirectory(prefix="paperboy-demo-") as folder:
        private = settings.model_copy(update={"data_dir": Path(folder), "database_url": ""})
        async with configured_sources(private) as live:
            sleepers = [Today(source) for source in live]
            platforms = {platform.name: platform}
            async with opened(private, platforms, clock=clock, sources=[corpus, *sleepers]) as app:
                yield World(app, clock, corpus.days[-1], sleepers)


def first_morning() -> datetime:
    """Nine o'clock on the corpus's first day."""
    days = [paper.published for paper in read_papers(CORPUS) if isinstance(paper, Paper) and paper.published]
    return datetime.combine(min(days), datetime.min.time(), UTC) + timedelta(hours=MORNING)
