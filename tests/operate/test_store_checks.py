"""What `paperboy check` tells of late digests, of what was given up, and of PostgreSQL's connections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.model.messages import Style
from bot.operate import store_checks
from bot.ports.platform import Finding
from bot.settings import load
from bot.store import channels, inbox
from bot.store.database import BOT, Store
from bot.store.opening import open_store
from bot.store.states import ChannelState, PostState
from bot.store.tables import posts
from tests.fakes.clock import Clock
from tests.store.whole import START, add_channel
from tests.support.chat import FakeChat
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
    assert finding.problem == "A digest has not been posted, the oldest for 3 hours."
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


async def test_digests_that_take_a_platform_hours_are_wrong_and_compact_ones_are_offered(sqlite_store: Store) -> None:
    async with sqlite_store.write() as tx:
        one = await add_channel(tx, next_due_at=START, next_due_on=START.date())
    can = replace(FakeChat().capabilities, requests_a_second=50.0)
    many = [replace(one, id=number) for number in range(100_000)]
    finding = await store_checks.pace(many, can)
    assert finding.problem == (
        f"Up to 700,000 messages are due at {START:%H}:00 UTC, and at 50 requests a second for the whole bot they take "
        "3.9 hours."
    )
    assert finding.mend.startswith("As compact digests they would take 1.1 hours: `/papers settings style compact`")
    untitled = [replace(channel, titles=0, style=Style.COMPACT) for channel in many]
    assert "they take 33 minutes." in (await store_checks.pace(untitled, can)).mend
    assert "compact" not in (await store_checks.pace(many, replace(can, numbers=0))).mend
    later = [replace(channel, next_due_at=START + timedelta(hours=channel.id % 12)) for channel in many]
    assert not (await store_checks.pace(later, can)).problem, "each hour has its own messages"
    paused = [replace(channel, state=ChannelState.PAUSED) for channel in many]
    assert await store_checks.pace(paused, can) == Finding()


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_more_connections_than_postgresql_admits_are_wrong(store: Store) -> None:
    finding = await store_checks.connections(store, load(None, {}))
    assert finding.problem == ""
    assert "one process of Paperboy may open 15: there is room for 6 such processes." in finding.mend
    many = load(None, {"PAPERBOY_DATABASE_CONNECTIONS": "1000"})
    finding = await store_checks.connections(store, many)
    assert "one process of Paperboy may open 1000" in finding.problem
    assert "PAPERBOY_DATABASE_CONNECTIONS" in finding.mend


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_the_connections_of_all_processes_count(store: Store, store_url: str) -> None:
    settings = load(None, {"PAPERBOY_DATABASE_CONNECTIONS": "40"})
    assert (await store_checks.connections(store, settings)).problem == ""
    others = [await open_store(store_url, application=f"{BOT} {number}") for number in range(3)]
    for other in others:
        async with other.read(), other.read():  # two connections of one process
            pass
    finding = await store_checks.connections(store, settings)
    assert "the 3 processes of Paperboy may open 120." in finding.problem
    assert "to 32 or lower for each" in finding.mend
    for other in others:
        await other.close()


async def test_channels_in_which_nobody_votes_for_a_month_are_told(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers([paper(n) for n in range(3)])
    await harness.invite()
    await harness.next_morning()
    await harness.beat_until_settled()
    assert await store_checks.learning(store, clock) == Finding(), "it is there for a day"
    clock.advance(timedelta(days=31))
    await harness.list_papers([paper(n) for n in range(3, 6)])
    await harness.beat_until_settled()
    finding = await store_checks.learning(store, clock)
    assert finding.problem == "Nobody has voted for 30 days in 1 channel that got papers, so nothing was learned."
    await harness.react((await harness.posts())[-1].paper_id or "")
    assert await store_checks.learning(store, clock) == Finding(mend="Of 1 channel with papers 1 voted within 30 days.")
