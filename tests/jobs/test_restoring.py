"""A restored backup says nothing again that was posted after it was made."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.jobs import restoring
from bot.store import deliveries
from bot.store.backup import backup, restore
from bot.store.database import Store
from bot.store.deliveries import Delivery
from bot.store.states import DeliveryKind, DeliveryState, PostState
from bot.store.tables import posts
from tests.fakes.clock import Clock
from tests.jobs.test_alerts import told
from tests.support.chat import FakeChat
from tests.support.harness import BotHarness, demo_papers, harness_over

PAPERS = demo_papers()


async def at_nine(store: Store, clock: Clock) -> BotHarness:
    """A harness with a channel, half a minute before its digest."""
    harness = harness_over(store, clock)
    harness.shelf.lists[clock.now.date()] = list(PAPERS[:8])
    await harness.app.source_reading.read()
    await harness.invite()
    clock.now = clock.now.replace(hour=8, minute=59, second=30)
    return harness


async def restored(harness: BotHarness, file: Path) -> tuple[BotHarness, restoring.Given]:
    """The harness after a backup replaced its store."""
    given = []

    async def settle(tx, made_at) -> None:  # type: ignore[no-untyped-def]
        given.append(await restoring.settle(tx, made_at, harness.clock()))

    await restore(harness.store, file, then=settle)
    again = harness_over(harness.store, harness.clock, harness.chat)
    again.shelf.lists = harness.shelf.lists
    return again, given[0]


def papers_in(chat: FakeChat) -> list[str]:
    return [message.message.card.paper_id for message in chat.shown["c1"] if message.message.card]


async def digests(harness: BotHarness) -> list[Delivery]:
    channel = await harness.channel()
    async with harness.store.read() as tx:
        return [
            delivery
            for delivery in await deliveries.for_channel(tx, channel.id)
            if delivery.kind == DeliveryKind.DIGEST
        ]


async def test_a_digest_that_was_posted_after_the_backup_does_not_come_again(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    harness = await at_nine(store, clock)
    await backup(store, tmp_path / "backup", clock())
    clock.advance(timedelta(seconds=10))
    harness.shelf.lists[clock.now.date()] += PAPERS[8:16]  # listed after the backup, and in the digest
    await harness.app.source_reading.read()
    clock.advance(timedelta(minutes=1))
    await harness.beat()
    before = papers_in(harness.chat)
    assert len(before) == 5
    clock.advance(timedelta(minutes=5))
    again, given = await restored(harness, tmp_path / "backup")
    assert given == restoring.Given(1, 0)
    for _ in range(3):
        await again.app.source_reading.read()
        await again.beat()
        clock.advance(timedelta(minutes=20))
    assert papers_in(again.chat) == before
    [missed] = await digests(again)
    assert (missed.state, missed.reason) == (DeliveryState.MISSED, restoring.WHY)
    await again.next_morning()
    again.shelf.lists[clock.now.date()] = list(PAPERS[16:24])
    await again.app.source_reading.read()
    await again.beat()
    after = papers_in(again.chat)[len(before) :]
    assert len(after) == 5
    assert set(after) <= {paper.id for paper in PAPERS[16:24]}


async def test_a_store_that_is_moved_at_once_loses_no_digest(store: Store, clock: Clock, tmp_path: Path) -> None:
    harness = await at_nine(store, clock)
    await backup(store, tmp_path / "backup", clock())
    again, given = await restored(harness, tmp_path / "backup")
    assert given == restoring.Given(0, 0)
    clock.advance(timedelta(minutes=2))
    await again.beat()
    assert len(papers_in(again.chat)) == 5


async def test_a_digest_that_was_hours_late_when_the_backup_was_made_still_comes(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    harness = await at_nine(store, clock)
    clock.advance(timedelta(hours=3))  # nobody was running
    await backup(store, tmp_path / "backup", clock())
    again, _ = await restored(harness, tmp_path / "backup")
    await again.beat()
    assert len(papers_in(again.chat)) == 5


@pytest.mark.parametrize("state", [PostState.PLANNED, PostState.SENDING, PostState.UNCERTAIN])
async def test_posts_under_way_in_a_backup_are_not_posted_after_a_restore(
    sqlite_store: Store, clock: Clock, tmp_path: Path, state: PostState
) -> None:
    harness = await at_nine(sqlite_store, clock)
    clock.advance(timedelta(minutes=1))
    await harness.app.planner.plan_due()
    async with sqlite_store.write() as tx:
        await tx.execute(sa.update(posts).values(state=state, sending_at=clock(), tried_at=clock()))
    await backup(sqlite_store, tmp_path / "backup", clock())
    async with sqlite_store.write() as tx:
        await tx.execute(sa.update(posts).values(state=PostState.PLANNED))
    await harness.app.delivery_worker.deliver_all()
    assert len(harness.chat.shown["c1"]) == 6
    again, given = await restored(harness, tmp_path / "backup")
    assert given == restoring.Given(0, 6)
    await again.beat_until_settled()
    assert len(again.chat.shown["c1"]) == 6
    assert {(post.state, post.reason) for post in await again.posts()} == {(PostState.FAILED, restoring.WHY)}


async def test_papers_alerted_after_the_backup_are_not_alerted_after_a_restore(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    harness = await at_nine(store, clock)
    await harness.say("subscribe federated learning alert")
    await backup(store, tmp_path / "backup", clock())
    clock.advance(timedelta(seconds=5))
    harness.shelf.lists[clock.now.date()].append(told(1))
    await harness.app.source_reading.read()
    await harness.app.delivery_worker.deliver_all()
    assert papers_in(harness.chat) == [told(1).id]
    again, _ = await restored(harness, tmp_path / "backup")
    await again.app.source_reading.read()
    await again.app.delivery_worker.deliver_all()
    assert papers_in(again.chat) == [told(1).id]
    clock.advance(timedelta(seconds=5))
    again.shelf.lists[clock.now.date()].append(told(2))
    await again.app.source_reading.read()
    await again.app.delivery_worker.deliver_all()
    assert papers_in(again.chat) == [told(1).id, told(2).id]


async def test_what_a_source_that_failed_brings_late_counts_as_known_too(
    sqlite_store: Store, clock: Clock, tmp_path: Path
) -> None:
    harness = await at_nine(sqlite_store, clock)
    await backup(sqlite_store, tmp_path / "backup", clock())
    harness.shelf.lists[clock.now.date()] += PAPERS[8:16]
    await harness.app.source_reading.read()
    clock.advance(timedelta(minutes=1))
    await harness.beat()
    before = set(papers_in(harness.chat))
    again, _ = await restored(harness, tmp_path / "backup")
    again.shelf.fails = OSError("down")
    await again.app.source_reading.read()
    again.shelf.fails = None
    await again.app.source_reading.read()
    await again.next_morning()
    again.shelf.lists[clock.now.date()] = list(PAPERS[16:24])
    await again.app.source_reading.read()
    await again.beat()
    after = papers_in(again.chat)[5:]
    assert len(after) == 5
    assert not before & set(after)
