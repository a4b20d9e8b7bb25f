"""Two processes whose clocks are a minute apart lose nothing and do nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import Reaction
from bot.store import channels, deliveries
from bot.store.database import Store
from bot.store.states import DeliveryKind, DeliveryState
from bot.store.tables import deliveries as deliveries_table
from bot.store.tables import source_runs
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over
from tests.support.voting import values

MINUTE = timedelta(minutes=1)


def two(store: Store, clock: Clock) -> tuple[BotHarness, BotHarness]:
    """A process whose clock is right, and one whose clock is a minute ahead; both see the same platform."""
    right = harness_over(store, clock, process="right")
    ahead = harness_over(store, Clock(clock.now + MINUTE), right.chat, process="ahead")
    return right, ahead


async def advance(processes: tuple[BotHarness, BotHarness], by: timedelta, *, first: int = 0) -> None:
    """Let time pass for both, and each do its jobs; the one at place `first` is first."""
    for harness in processes:
        harness.clock.advance(by)
    for harness in (processes[first], processes[1 - first]):
        await harness.app.scheduler.tick()
        await harness.settle()


@pytest.mark.parametrize("first", [0, 1])
async def test_every_digest_comes_once_and_none_counts_as_missed(store: Store, clock: Clock, first: int) -> None:
    processes = two(store, clock)
    right, ahead = processes
    await right.list_papers(demo_papers()[:8])
    await ahead.app.paper_index.sync()
    await right.invite()
    clock.now = clock.now.replace(hour=8, minute=57)
    ahead.clock.now = clock.now + MINUTE
    for _ in range(8):
        await advance(processes, MINUTE, first=first)
    keys = [message.key for message in right.chat.shown["c1"]]
    assert len(keys) == len(set(keys)) > 2
    for _ in range(3):
        await advance(processes, timedelta(hours=8), first=first)
    async with store.read() as tx:
        channel = await right.channel()
        digests = [each for each in await deliveries.for_channel(tx, channel.id) if each.kind is DeliveryKind.DIGEST]
    assert [each.state for each in digests] == [DeliveryState.PLANNED] * len(digests)
    assert len({each.local_date for each in digests}) == len(digests) == 2


async def test_each_source_is_read_once_an_hour(store: Store, clock: Clock) -> None:
    processes = two(store, clock)
    for _ in range(26):
        await advance(processes, 5 * MINUTE)
    async with store.read() as tx:
        runs = (await tx.execute(sa.select(sa.func.count()).select_from(source_runs))).scalar_one()
    assert runs == 3


async def test_what_the_process_ahead_recorded_as_missed_stays(store: Store, clock: Clock) -> None:
    right, _ = two(store, clock)
    await right.invite()
    channel = await right.channel()
    clock.now = datetime.fromisoformat("2026-03-02T08:59:30+00:00")
    today = channel.next_due_at
    assert today
    async with store.write() as tx:
        assert await miss(tx, channel.id, today)
    await right.app.planner.correct_schedules()
    async with store.read() as tx:
        assert [each.state for each in await deliveries.for_channel(tx, channel.id)] == [DeliveryState.MISSED]
    assert (await right.channel()).next_due_at == today + timedelta(days=1)


async def miss(tx: AsyncConnection, channel_id: int, due: datetime) -> bool:
    """What the process ahead does at nine by its clock when a digest can't be made."""
    row = {
        "channel_id": channel_id, "local_date": due.date(), "kind": "digest", "due_at": due, "state": "missed",
        "reason": "ValueError while it was made", "planned_at": due,
    }  # fmt: skip
    await tx.execute(sa.insert(deliveries_table).values(row))
    tomorrow = due + timedelta(days=1)
    return await channels.change_due(tx, channel_id, due, tomorrow, tomorrow.date())


async def test_a_vote_that_is_taken_back_in_the_other_process_is_off(store: Store, clock: Clock) -> None:
    right, ahead = two(store, clock)
    paper = demo_papers()[0]
    await right.list_papers([paper])
    await right.invite()
    await right.say(f"submit {paper.id}")
    message = right.chat.message_of(paper.id)
    for on_in, off_in in ((ahead, right), (right, ahead)):
        at = clock() + timedelta(seconds=90)  # the platform's clock is ahead too
        for harness, on, later in ((on_in, True, 0), (off_in, False, 10)):
            reaction = Reaction(PLACE, message, "ada", "👍", on, at + timedelta(seconds=later))
            await harness.app.service.react(reaction, f"event {on_in is right} {on}")
            assert bool(await values(right)) is on
        for harness in (right, ahead):
            harness.clock.advance(timedelta(minutes=5))
