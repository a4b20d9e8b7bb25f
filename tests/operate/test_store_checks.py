"""What `paperboy check` tells of late digests, of what was given up, and of PostgreSQL's connections."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.operate import store_checks
from bot.settings import load
from bot.store import channels, inbox
from bot.store.database import Store
from bot.store.states import PostState
from bot.store.tables import posts
from tests.fakes.clock import Clock
from tests.support.harness import harness_over, paper


async def test_a_late_digest_is_wrong(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers([paper(1)])
    await harness.invite()
    assert (await store_checks.deliveries(store, clock)).problem == ""
    channel = await harness.channel()
    due = clock() - timedelta(hours=3)
    async with store.write() as tx:
        await channels.change(tx, channel.id, next_due_at=due, next_due_on=due.date())
    finding = await store_checks.deliveries(store, clock)
    assert finding.problem == "1 digest has not been posted, the oldest for 3 hours."
    assert "`paperboy run`" in finding.mend
    await harness.beat_until_settled()
    assert (await store_checks.deliveries(store, clock)).problem == ""


async def test_failed_posts_and_events_of_the_last_week_are_told(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers([paper(n) for n in range(3)])
    await harness.invite()
    await harness.next_morning()
    await harness.beat_until_settled()
    assert (await store_checks.deliveries(store, clock)).mend == ""
    async with store.write() as tx:
        await tx.execute(sa.update(posts).values(state=PostState.FAILED, reason="is_archived"))
        await inbox.receive(tx, "fake", "e1", {}, clock(), "ada")
        await inbox.record_failure(tx, "fake", "e1", "ValueError: x", 1)
    finding = await store_checks.deliveries(store, clock)
    assert finding.problem == ""
    assert "failed within a week, the last because: is_archived." in finding.mend
    assert "1 event of platforms could not be recorded" in finding.mend
    clock.advance(timedelta(days=8))
    async with store.write() as tx:
        channel = await harness.channel()
        await channels.change(tx, channel.id, next_due_at=clock() + timedelta(days=1))
    assert (await store_checks.deliveries(store, clock)).mend == ""


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_more_connections_than_postgresql_admits_are_wrong(store: Store) -> None:
    finding = await store_checks.connections(store, load(None, {}))
    assert finding.problem == ""
    assert "a process may have 16" in finding.mend
    many = load(None, {"PAPERBOY_DATABASE_CONNECTIONS": "1000"})
    finding = await store_checks.connections(store, many)
    assert "one process of Paperboy may open 1001" in finding.problem
    assert "PAPERBOY_DATABASE_CONNECTIONS" in finding.mend
