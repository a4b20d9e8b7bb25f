"""Sources in several processes: each is read by one of them, and all hold their digests meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import sqlalchemy as sa

from bot.jobs.alerts import ALERTED_REVISION
from bot.sources.base import Batch
from bot.store import metadata, runs
from bot.store.database import Store
from bot.store.leases import SOURCE
from bot.store.runs import ABANDONED
from bot.store.states import RunState
from bot.store.tables import leases as leases_table
from bot.store.tables import source_runs
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, Shelf, demo_papers, harness_over

HOUR = timedelta(hours=1)


class SlowShelf(Shelf):
    """A source that answers when the test says so."""

    def __init__(self, name: str = "slow") -> None:
        super().__init__(name)
        self.answer, self.begun = asyncio.Event(), asyncio.Event()

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        self.begun.set()
        await self.answer.wait()
        return await super().fetch(since, until, memory)


async def two(store: Store, clock: Clock, shelf: Shelf) -> tuple[BotHarness, BotHarness]:
    """Two processes of one bot, with the same source."""
    first = harness_over(store, clock, sources=[shelf], process="first")
    second = harness_over(store, clock, first.chat, sources=[shelf], process="second")
    for harness in (first, second):
        harness.shelf.lists = {}
    return first, second


async def rows(store: Store) -> list[tuple[str, str, str]]:
    async with store.read() as tx:
        columns = source_runs.c.source, source_runs.c.state, source_runs.c.reason
        return [(row[0], row[1], row[2]) for row in await tx.execute(sa.select(*columns).order_by(source_runs.c.id))]


async def test_two_processes_read_each_source_once(store: Store, clock: Clock) -> None:
    shelf = Shelf("common", {clock().date(): demo_papers()[:3]})
    processes = await two(store, clock, shelf)
    for expected in (1, 2):
        await asyncio.gather(*(each.app.source_reading.read_if_due() for each in processes * 3))
        assert len(shelf.asked) == expected
        clock.advance(HOUR)
    assert [row[:2] for row in await rows(store) if row[0] == "common"] == [("common", "done")] * 2


async def test_a_clock_that_is_a_minute_behind_reads_nothing_again(store: Store, clock: Clock) -> None:
    shelf = Shelf("common", {clock().date(): demo_papers()[:3]})
    first, second = await two(store, clock, shelf)
    await first.app.source_reading.read_if_due()
    clock.advance(timedelta(minutes=-1))
    assert not await second.app.ingest.due(HOUR)
    await second.app.source_reading.read_if_due()
    assert len(shelf.asked) == 1


async def test_digests_wait_while_another_process_reads_after_a_silence(store: Store, clock: Clock) -> None:
    shelf = SlowShelf()
    first, second = await two(store, clock, shelf)
    shelf.answer.set()
    await first.app.source_reading.read_if_due()
    shelf.answer.clear()
    shelf.begun.clear()
    clock.advance(timedelta(hours=10))
    assert await second.app.source_reading.holds_digests()
    reading = asyncio.create_task(first.app.source_reading.read_if_due())
    await asyncio.wait_for(shelf.begun.wait(), 10)
    # The other source is done soon, which ends no silence.
    while len([row for row in await rows(store) if row[1] == RunState.DONE]) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert await first.app.source_reading.holds_digests()
    assert await second.app.source_reading.holds_digests()
    clock.advance(timedelta(minutes=11))
    await first.app.leases.renew()
    assert not await first.app.source_reading.holds_digests()
    assert not await second.app.source_reading.holds_digests()
    shelf.answer.set()
    await reading
    clock.advance(HOUR)
    reading = asyncio.create_task(first.app.source_reading.read_if_due())
    await reading
    assert not await second.app.source_reading.holds_digests()


async def test_no_digest_waits_while_a_source_is_read_as_every_hour(store: Store, clock: Clock) -> None:
    shelf = SlowShelf()
    first, second = await two(store, clock, shelf)
    shelf.answer.set()
    await first.app.source_reading.read_if_due()
    shelf.answer.clear()
    shelf.begun.clear()
    clock.advance(timedelta(minutes=30))
    async with store.write() as tx:  # it took half an hour
        await tx.execute(sa.update(source_runs).values(finished_at=clock()))
    clock.advance(timedelta(minutes=30))
    reading = asyncio.create_task(first.app.source_reading.read_if_due())
    await asyncio.wait_for(shelf.begun.wait(), 10)
    assert not await second.app.source_reading.holds_digests()
    shelf.answer.set()
    await reading


async def test_the_run_of_a_dead_process_is_closed_and_read_again(store: Store, clock: Clock) -> None:
    shelf = Shelf("common", {clock().date(): demo_papers()[:3]})
    first, second = await two(store, clock, shelf)
    async with store.write() as tx:
        await runs.start(tx, "common", clock().date(), clock().date(), clock())
    await first.app.leases.take(SOURCE + "common")
    clock.advance(HOUR)
    await second.app.source_reading.read_if_due()
    assert [row for row in await rows(store) if row[0] == "common"] == [
        ("common", RunState.FAILED, ABANDONED),
        ("common", RunState.DONE, ""),
    ]


async def test_reading_by_hand_leaves_a_source_to_the_process_that_reads_it(store: Store, clock: Clock) -> None:
    shelf = Shelf("common")
    first, second = await two(store, clock, shelf)
    await first.app.leases.take(SOURCE + "common")
    [outcome] = await second.app.ingest.run(["common"])
    assert outcome.failure == "Another process of Paperboy reads it just now."
    assert shelf.asked == []


async def test_what_was_planned_alerts_for_never_goes_back(store: Store) -> None:
    async with store.write() as tx:
        for value, expected in (("7", "7"), ("0", "7"), ("70", "70"), ("9", "70")):
            await metadata.raise_to(tx, ALERTED_REVISION, value, int)
            assert await metadata.get(tx, ALERTED_REVISION) == expected


async def test_alerts_are_due_as_long_as_papers_came_that_they_were_not_planned_for(store: Store, clock: Clock) -> None:
    first, second = await two(store, clock, Shelf("common"))
    alerts = second.app.alerts
    assert list(await alerts.due()) == []
    for harness in (first, second):
        await harness.list_papers(demo_papers()[:4])
    async with first.app.leases.holding("alerts"):
        await alerts.plan()
    assert await alerts.due()
    async with store.write() as tx:
        await metadata.put(tx, metadata.RESTORED_AT, clock().isoformat())
    assert list(await alerts.due()) == []
    async with store.write() as tx:
        await metadata.forget(tx, metadata.RESTORED_AT)
    await alerts.plan()
    assert list(await alerts.due()) == []


async def test_a_command_renews_its_leases(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock, process="command")
    renewed = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if renewed.is_set():
            await asyncio.Event().wait()
        clock.advance(timedelta(seconds=seconds))
        renewed.set()

    leases = harness.app.leases
    await leases.take("source slow")
    async with store.read() as tx:
        before = (await tx.execute(sa.select(leases_table.c.until))).scalar_one()
    async with leases.renewing(sleep):
        while True:
            async with store.read() as tx:
                if (await tx.execute(sa.select(leases_table.c.until))).scalar_one() > before:
                    break
            await asyncio.sleep(0)
