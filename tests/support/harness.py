"""The whole bot for tests: its real parts over a real store, a fake platform and a clock that stands still."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import bot.demo
from bot.app import App, build, lease_times
from bot.estimator import ChosenEstimator
from bot.jobs.ingest import OpenFeed
from bot.jobs.work import WorkQueue
from bot.model.messages import Asker, Place, Reaction, Reply
from bot.paper_index import PaperIndex
from bot.ports.platform import Sleep
from bot.settings import DigestSettings, load
from bot.sources.base import Batch, Listing, ListingKind, Source
from bot.sources.zotero import Zotero
from bot.store import channels, deliveries, papers
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.deliveries import Post
from bot.store.leases import Leases
from bot.store.states import PostState
from recommender import Paper, Recommender
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat

PLACE = Place("fake", "c1", name="ml")
ADA = Asker("ada", manager=True, name="Ada")
BEN = Asker("ben", name="Ben")


async def comes_true(check: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Return when a check holds, for what no event tells; TimeoutError after so many real seconds."""
    async with asyncio.timeout(within):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def no_sleep(seconds: float) -> None:
    """Time passes only when a test says so."""


@dataclass
class Shelf:
    """A source whose lists are given by the test."""

    name: str = "shelf"
    lists: dict[date, list[Paper]] = field(default_factory=dict)
    asked: list[tuple[date, date, dict[str, str]]] = field(default_factory=list)
    fails: Exception | None = None
    partly: Any = None
    notes: tuple[str, ...] = ()
    kind: ListingKind = ListingKind.NEW

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        self.asked.append((since, until, dict(memory)))
        if self.fails:
            raise self.fails
        found = [
            Listing(paper, self.name, day, self.kind)
            for day, some in sorted(self.lists.items())
            if since <= day <= until
            for paper in some
        ]
        return Batch(tuple(found), {"until": until.isoformat()}, self.notes, self.partly)


@dataclass
class BotHarness:
    """The bot with its fake surroundings, and the steps that most tests take."""

    app: App
    chat: FakeChat
    clock: Clock
    shelf: Shelf

    @property
    def store(self) -> Store:
        return self.app.store

    async def list_papers(self, some: Sequence[Paper], day: date | None = None) -> None:
        """These papers become news today (or on that day), as if a source had listed them."""
        listed = {paper.id: day or self.clock.now.date() for paper in some}
        async with self.store.write() as tx:
            await papers.record(tx, some, self.clock(), listed)
        await self.app.paper_index.sync()

    async def invite(self, place: Place = PLACE, by: str = "ada") -> Reply:
        return await self.app.service.joined(place, by)

    async def say(self, line: str, asker: Asker = ADA, place: Place = PLACE) -> Reply:
        return await self.app.service.ask(place, asker, line)

    async def beat(self) -> None:
        """One beat of the scheduler, without reading sources in the background."""
        await self.app.planner.plan_due()
        await self.app.delivery_worker.deliver_all()

    async def beat_until_settled(self, seconds: float = 5.0, most: int = 200) -> None:
        """Beat every so many seconds until no post is under way any more."""
        await self.beat()
        for _ in range(most):
            async with self.store.read() as tx:
                states = (PostState.PLANNED, *deliveries.UNSETTLED)
                if not await deliveries.channels_to_deliver(
                    tx, datetime.max.replace(tzinfo=UTC), list(self.app.platforms), states
                ):
                    return
            self.clock.advance(timedelta(seconds=seconds))
            await self.beat()
        raise AssertionError("some post never came to an end")

    async def settle(self) -> None:
        """Wait for what a beat began beside itself, and for what that began."""
        while under_way := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*under_way)

    async def next_morning(self) -> None:
        """The next day, a minute after nine."""
        self.clock.now = (self.clock.now + timedelta(days=1)).replace(hour=9, minute=1)

    async def react(self, paper_id: str, emoji: str = "👍", *, member: str = "ada", on: bool = True) -> None:
        message = self.chat.message_of(paper_id)
        (self.chat.standing[message].add if on else self.chat.standing[message].discard)((member, emoji))
        await self.app.service.react(Reaction(PLACE, message, member, emoji, on, self.clock()))

    async def channel(self, place: Place = PLACE) -> Channel:
        async with self.store.read() as tx:
            found = await channels.find(tx, place)
        assert found is not None
        return found

    async def posts(self, place: Place = PLACE) -> list[Post]:
        channel = await self.channel(place)
        async with self.store.read() as tx:
            return await deliveries.posts_in_channel(tx, channel.id)


def harness_over(
    store: Store,
    clock: Clock,
    chat: FakeChat | None = None,
    sleep: Sleep = no_sleep,
    seconds: Callable[[], float] | None = None,
    sources: Sequence[Source] = (),
    zotero: Zotero | None = None,
    open_feed: OpenFeed | None = None,
    operators: Sequence[str] = (),
    process: str = "the only process",
    queue: WorkQueue | None = None,
    **settings: Any,
) -> BotHarness:
    """A bot over an open store, as after a start. Call this again on the same store for a restart: it goes on with the
    leases of the one before, unless it is another `process`. Its digests are cards alone, unless the settings say
    otherwise. `seconds` is the steady clock; without it, it runs with the other one."""
    chat, shelf = chat or FakeChat(), Shelf()
    values = load(None, {}).model_copy(update={"digest": DigestSettings(titles=0), **settings})
    values = values.model_copy(update={"sources": values.sources.model_copy(update={"operators": tuple(operators)})})
    paper_index = PaperIndex(store, Recommender(), None, ChosenEstimator(values.taste).applied)
    seconds = seconds or (lambda: clock().timestamp())
    times = lease_times(values, {chat.name: chat})
    app = build(
        values,
        store,
        paper_index,
        {chat.name: chat},
        [shelf, *sources],
        clock,
        sleep,
        seconds,
        zotero=zotero,
        open_feed=open_feed,
        leases=Leases(store, times, clock=clock, seconds=seconds, holder=process),
        queue=queue,
    )
    return BotHarness(app, chat, clock, shelf)


def paper(number: int, title: str = "", abstract: str = "", **more: Any) -> Paper:
    """A paper of its own: number 7 is 2603.00007."""
    words = ("graphs", "robots", "speech", "proteins", "markets", "galaxies", "cells", "codes")
    return Paper(
        id=f"2603.{number:05d}",
        title=title or f"On {words[number % len(words)]} and their number {number} in practice",
        abstract=abstract or f"We study {words[number % len(words)]} in setting {number}. It works well.",
        authors=("Ada Lovelace", "Emmy Noether"),
        categories=("cs.LG",),
        **more,
    )


def demo_papers() -> list[Paper]:
    """The demo's corpus: real papers of ten days."""
    lines = (Path(bot.demo.__file__).parent / "corpus.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Paper(
            row["id"],
            row["title"],
            row["abstract"],
            tuple(row["authors"]),
            tuple(row["categories"]),
            date.fromisoformat(row["published"]),
        )
        for row in rows
    ]
