"""Digests planned in batches are those that are planned one by one, and one bad channel or another process costs no
channel its digest."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.digests import composer
from bot.digests.planning import DigestOrder, PreparedDigest
from bot.digests.selection import pick_options
from bot.model.messages import Place
from bot.store import channels, deliveries, delivery_plans, tables
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.opening import open_store
from bot.store.states import ChannelState, DeliveryState
from bot.store.tables import choices, numbers, posts
from bot.store.tables import deliveries as deliveries_
from recommender import PickOptions
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over
from tests.support.many_channels import NOW, app_over, copy_rows, index_of, world


@pytest.fixture
async def other_store(_sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """One more open, empty store, on SQLite."""
    opened = await open_store(f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'other.db')}")
    yield opened
    await opened.close()


async def rows_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All that planning writes, with the channel and the day of a delivery in the place of its number."""
    of_delivery = (deliveries_.c.channel_id, deliveries_.c.local_date, deliveries_.c.kind, deliveries_.c.subject)
    post = (*of_delivery, posts.c.position)
    queries = {
        "channels": sa.select(tables.channels).order_by(tables.channels.c.id),
        "deliveries": sa.select(*_without(deliveries_, "id")).order_by(*of_delivery),
        "posts": sa.select(*post, *_without(posts, "id", "delivery_id", "key"))
        .join_from(posts, deliveries_)
        .order_by(*post),
        "numbers": sa.select(*post, *_without(numbers, "post_id"))
        .join_from(numbers, posts)
        .join(deliveries_, deliveries_.c.id == posts.c.delivery_id)
        .order_by(*post, numbers.c.number),
        "choices": sa.select(*of_delivery, *_without(choices, "delivery_id"))
        .join_from(choices, deliveries_)
        .order_by(*of_delivery, choices.c.paper_id),
    }
    async with store.read() as tx:
        return {name: [tuple(row) for row in await tx.execute(query)] for name, query in queries.items()}


def _without(table: sa.Table, *names: str) -> list[sa.Column[Any]]:
    return [column for column in table.c if column.name not in names]


@pytest.mark.parametrize(("seed", "rival"), [(1, ""), (2, "upvotes"), (3, ""), (4, "rocchio")])
async def test_a_batch_is_planned_to_the_letter_as_its_channels_one_by_one(
    store: Store, other_store: Store, seed: int, rival: str
) -> None:
    await world(seed).fill(other_store, 36)
    await copy_rows(other_store, store)
    one_by_one = app_over(other_store, await index_of(other_store), rival)
    in_batch = app_over(store, await index_of(store), rival)
    async with store.read() as tx:
        due = [channel.id for channel in await channels.due(tx, NOW, list(in_batch.platforms))]
    assert len(due) == 36
    planned = [await one_by_one.planner.plan([channel_id]) for channel_id in due]
    assert await in_batch.planner.plan(due) == sum(planned)
    assert 20 <= sum(planned) < 36
    ours, theirs = await rows_of(store), await rows_of(other_store)
    for name, rows in theirs.items():
        assert ours[name] == rows, name
    assert await in_batch.planner.plan(due) == 0, "none is due any more"


async def invited(store: Store, clock: Clock, count: int) -> BotHarness:
    """So many channels whose hour has come."""
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:30])
    for number in range(count):
        await harness.invite(Place("fake", f"c{number}", name=f"ml-{number}"))
    clock.now = clock.now.replace(hour=9, minute=0)
    return harness


async def ids(store: Store) -> list[int]:
    async with store.read() as tx:
        return [channel.id for channel in await channels.list_all(tx)]


async def states(store: Store, channel_ids: Sequence[int]) -> list[list[tuple[DeliveryState, str]]]:
    """The deliveries of each channel: their states and reasons."""
    async with store.read() as tx:
        return [
            [(each.state, each.reason) for each in await deliveries.for_channel(tx, channel_id)]
            for channel_id in channel_ids
        ]


async def test_a_channel_that_changed_meanwhile_is_left_out(store: Store, clock: Clock) -> None:
    harness = await invited(store, clock, 4)
    first, paused, deleted, moved = await ids(store)
    later = clock.now + timedelta(hours=5)
    prepare = harness.app.digests.prepare

    async def overtaken(orders: Sequence[DigestOrder], now: Any) -> dict[int, PreparedDigest | Exception]:
        made = await prepare(orders, now)
        async with store.write() as tx:
            await channels.change(tx, paused, state=ChannelState.PAUSED)
            await tx.execute(sa.delete(tables.channels).where(tables.channels.c.id == deleted))
            await channels.change(tx, moved, next_due_at=later)
        return made

    harness.app.digests.prepare = overtaken  # type: ignore[method-assign]
    assert await harness.app.planner.plan([first, paused, deleted, moved]) == 1
    assert [len(each) for each in await states(store, [first, paused, deleted, moved])] == [1, 0, 0, 0]
    async with store.read() as tx:
        left_out = await channels.get(tx, moved)
    assert left_out
    assert left_out.next_due_at == later


@pytest.mark.parametrize("leases_hold", [True, False])
async def test_of_processes_that_plan_the_same_channels_each_channel_gets_one_digest(
    store: Store, clock: Clock, leases_hold: bool
) -> None:
    harness = await invited(store, clock, 8)
    others = [harness_over(store, clock, harness.chat) for _ in range(3)]
    for other in others:
        await other.app.paper_index.sync()
        if not leases_hold:  # then the rows alone keep them apart
            other.app.leases.holder = harness.app.leases.holder
    channel_ids = await ids(store)
    batches = (channel_ids, channel_ids[::-1], channel_ids[2:], channel_ids[6::-1])
    planned = await asyncio.gather(
        *(each.app.planner.plan(batch) for each, batch in zip([harness, *others], batches, strict=True))
    )
    assert sum(planned) == 8
    assert [len(each) for each in await states(store, channel_ids)] == [1] * 8


async def test_channels_whose_digests_cannot_be_made_cost_no_other_one_its_digest(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await invited(store, clock, 5)
    channel_ids = await ids(store)
    async with store.write() as tx:
        await channels.change(tx, channel_ids[1], zone="Nowhere/Gone")

    def options(channel: Channel, *given: Any) -> PickOptions:
        if channel.id == channel_ids[3]:
            raise ArithmeticError("no seed")
        return pick_options(channel, *given)

    monkeypatch.setattr(composer, "pick_options", options)
    assert await harness.app.planner.plan(channel_ids) == 3
    told = await states(store, channel_ids)
    assert [each[0][0] for each in told] == [
        DeliveryState.PLANNED, DeliveryState.MISSED, DeliveryState.PLANNED, DeliveryState.MISSED, DeliveryState.PLANNED,
    ]  # fmt: skip
    assert told[1] == [(DeliveryState.MISSED, "ZoneInfoNotFoundError while it was made")]
    assert told[3] == [(DeliveryState.MISSED, "ArithmeticError while it was made")]


async def test_an_error_that_names_no_channel_hits_only_the_channel_that_has_it(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await invited(store, clock, 7)
    channel_ids = await ids(store)
    plan_many = delivery_plans.plan_many

    async def breaks(tx: Any, plans: Sequence[delivery_plans.Plan], *given: Any) -> Any:
        if channel_ids[4] in [plan.channel_id for plan in plans]:
            raise RuntimeError("something is wrong with one of them")
        return await plan_many(tx, plans, *given)

    monkeypatch.setattr(delivery_plans, "plan_many", breaks)
    assert await harness.app.planner.plan(channel_ids) == 6
    told = await states(store, channel_ids)
    assert told[4] == [(DeliveryState.MISSED, "RuntimeError while it was made")]
    assert all(len(each) == 1 for each in told)
