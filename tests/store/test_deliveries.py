from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import product

import pytest
import sqlalchemy as sa

from bot.store import channels, deliveries, delivery_plans, exposures, papers, tables
from bot.store.database import Store
from bot.store.deliveries import Delivery, Post
from bot.store.delivery_plans import Draft
from bot.store.states import POST_MOVES, ChannelState, DeliveryKind, DeliveryState, ImpossibleMove, PostState
from bot.store.tables import posts
from recommender.paper import Paper
from tests.store.whole import START, add_channel

DAY = date(2026, 3, 2)


DIGEST = DeliveryKind.DIGEST


async def channel_with_papers(store: Store, address: str = "C1") -> int:
    async with store.write() as tx:
        await papers.record(tx, [Paper(name, "") for name in "PQRS"], START)
        return (await add_channel(tx, address)).id


async def plan(
    store: Store, channel: int, *names: str, kind: DeliveryKind = DIGEST, subject: str = "", day: date = DAY
) -> Delivery | None:
    async with store.write() as tx:
        drafts = [Draft({"text": name}, name or None) for name in names]
        return await delivery_plans.plan(tx, channel, day, kind, START, drafts, START, "a reason", subject=subject)


async def posts_of(store: Store, channel: int) -> list[Post]:
    async with store.read() as tx:
        return await deliveries.posts_in_channel(tx, channel)


async def test_a_planned_delivery_is_stored_with_its_posts_in_order(store: Store) -> None:
    channel = await channel_with_papers(store)
    planned = await plan(store, channel, "", "P", "Q")
    assert planned
    assert (planned.local_date, planned.kind, planned.due_at, planned.state, planned.reason) == (
        DAY, DIGEST, START, DeliveryState.PLANNED, "a reason",
    )  # fmt: skip
    stored_posts = await posts_of(store, channel)
    assert [(post.position, post.paper_id, post.body) for post in stored_posts] == [
        (0, None, {"text": ""}),
        (1, "P", {"text": "P"}),
        (2, "Q", {"text": "Q"}),
    ]
    assert len({post.key for post in stored_posts}) == 3
    assert all(len(post.key) <= 25 for post in stored_posts)
    async with store.read() as tx:
        assert await deliveries.find(tx, channel, DAY, DIGEST) == planned
        assert await deliveries.latest(tx, channel, DIGEST) == planned
        assert await deliveries.for_channel(tx, channel) == [planned]
        assert await deliveries.posts_in_channel(tx, channel) == stored_posts


async def test_a_channel_has_each_kind_once_a_day(store: Store) -> None:
    channel, other = await channel_with_papers(store), await channel_with_papers(store, "C2")
    assert await plan(store, channel, "P")
    assert await plan(store, channel, "Q") is None
    assert await plan(store, channel, "Q", kind=DeliveryKind.ALERT)
    assert await plan(store, channel, "R", day=DAY + timedelta(1))
    assert await plan(store, other, "P")
    async with store.write() as tx:
        assert not await delivery_plans.record_missed(tx, channel, DAY, DIGEST, START, "down", START)
        assert await delivery_plans.record_missed(tx, channel, DAY + timedelta(2), DIGEST, START, "down", START)
        assert await delivery_plans.plan(tx, channel, DAY + timedelta(2), DIGEST, START, [], START) is None


async def test_a_channel_has_each_paper_once_for_ever(store: Store) -> None:
    channel = await channel_with_papers(store)
    await plan(store, channel, "P", "P", "Q")
    await plan(store, channel, "Q", "R", day=DAY + timedelta(1))
    assert [post.paper_id for post in await posts_of(store, channel)] == ["P", "Q", "R"]
    async with store.read() as tx:
        assert await exposures.posted(tx, channel) == {"P", "Q", "R"}
        assert await exposures.posted(tx, channel, ["P", "S"]) == {"P"}


async def test_a_dropped_paper_may_come_again(store: Store) -> None:
    channel = await channel_with_papers(store)
    await plan(store, channel, "P")
    async with store.write() as tx:
        assert await deliveries.move(
            tx, (await deliveries.posts_in_channel(tx, channel))[0], PostState.DROPPED, reason="late"
        )
        assert await exposures.posted(tx, channel) == set()
    await plan(store, channel, "P", day=DAY + timedelta(1))
    assert [(post.paper_id, post.state) for post in await posts_of(store, channel)] == [("P", PostState.PLANNED)]


async def test_plan_leaves_out_merged_papers_and_refuses_deleted_channels(store: Store) -> None:
    channel = await channel_with_papers(store)
    assert await plan(store, channel, "merged away", "P")
    assert [post.paper_id for post in await posts_of(store, channel)] == ["P"]
    async with store.write() as tx:
        await tx.execute(sa.delete(tables.channels).where(tables.channels.c.id == channel))
    assert await plan(store, channel, "Q", day=DAY + timedelta(1)) is None
    assert await posts_of(store, channel) == []
    assert (await channel_with_papers(store, "C2")) != channel  # its number is not given to another


async def test_of_concurrent_plans_exactly_one_is_stored(store: Store) -> None:
    channel = await channel_with_papers(store)
    won = await asyncio.gather(*(plan(store, channel, "P", "Q") for _ in range(10)))
    assert sum(delivery is not None for delivery in won) == 1
    kinds = [plan(store, channel, "R", "P", "S", kind=DeliveryKind.ALERT, subject=str(number)) for number in range(10)]
    assert all(await asyncio.gather(*kinds))
    assert sorted(str(post.paper_id) for post in await posts_of(store, channel)) == ["P", "Q", "R", "S"]


@pytest.mark.parametrize(("before", "after"), list(product(PostState, PostState)))
async def test_a_post_makes_every_move_of_the_state_machine_and_no_other(
    sqlite_store: Store, before: PostState, after: PostState
) -> None:
    channel = await channel_with_papers(sqlite_store)
    await plan(sqlite_store, channel, "P")
    async with sqlite_store.write() as tx:
        await tx.execute(sa.update(posts).values(state=before))
        post = (await deliveries.posts_in_channel(tx, channel))[0]
        if after in POST_MOVES[before]:
            assert await deliveries.move(tx, post, after, message="M1", sent_at=START)
            assert [moved.state for moved in await deliveries.posts_in_channel(tx, channel)] == [after]
            assert not await deliveries.move(tx, post, after), "who comes second is told so"
        else:
            with pytest.raises(ImpossibleMove):
                await deliveries.move(tx, post, after)
            assert await deliveries.posts_in_channel(tx, channel) == [post]


async def test_of_concurrent_moves_of_a_post_exactly_one_succeeds(store: Store) -> None:
    channel = await channel_with_papers(store)
    await plan(store, channel, "P")
    post = (await posts_of(store, channel))[0]

    async def take() -> bool:
        async with store.write() as tx:
            return await deliveries.move(tx, post, PostState.SENDING, attempts=1, sending_at=START)

    assert sum(await asyncio.gather(*(take() for _ in range(10)))) == 1


async def test_channels_to_deliver_leaves_out_lost_channels_and_later_posts(store: Store) -> None:
    channel, lost = await channel_with_papers(store), await channel_with_papers(store, "C2")
    for channel_id in (channel, lost):
        await plan(store, channel_id, "P")
    planned = [PostState.PLANNED]
    async with store.write() as tx:
        await channels.change(tx, lost, state=ChannelState.LOST)
        assert await deliveries.channels_to_deliver(tx, START, ["slack"], planned) == [(channel, "slack", "W")]
        assert await deliveries.channels_to_deliver(tx, START - timedelta(1), ["slack"], planned) == []
        assert await deliveries.channels_to_deliver(tx, START, ["discord"], planned) == []
        assert await deliveries.channels_to_deliver(tx, START, ["slack"], [PostState.SENDING]) == []
        of_kind = partial(deliveries.channels_to_deliver, tx, START, ["slack"], planned)
        assert await of_kind(kinds=[DeliveryKind.DIGEST]) == [(channel, "slack", "W")]
        assert await of_kind(kinds=[DeliveryKind.ALERT, DeliveryKind.SUBMISSION]) == []


async def test_seen_in_workspace_gives_the_earlier_posts_of_a_paper(store: Store) -> None:
    first, second = await channel_with_papers(store), await channel_with_papers(store, "C2")
    for channel, at in ((first, START + timedelta(1)), (second, START)):
        await plan(store, channel, "P")
        async with store.write() as tx:
            values = {"state": PostState.SENT, "sent_at": at, "message": "M1"}
            await tx.execute(sa.update(posts).where(posts.c.channel_id == channel).values(values))
    async with store.read() as tx:
        seen = await exposures.seen_in_workspace(tx, first, ["P", "Q"])
        assert [(paper, channel_id) for paper, channel_id, *_ in seen] == [("P", second), ("P", first)]
        post = await deliveries.post_by_message(tx, second, "M1")
        assert post
        assert post.channel_id == second
        assert await deliveries.post_by_message(tx, second, "M2") is None


async def plan_numbered(store: Store, channel: int, *names: str, day: date = DAY) -> Delivery | None:
    async with store.write() as tx:
        return await delivery_plans.plan(tx, channel, day, DIGEST, START, [Draft({}, numbered=names)], START)


async def test_papers_on_a_message_by_number_count_as_shown(store: Store) -> None:
    channel = await channel_with_papers(store)
    await plan(store, channel, "P", kind=DeliveryKind.ALERT)
    await plan_numbered(store, channel, "P", "Q", "Q", "R")
    post = (await posts_of(store, channel))[1]
    async with store.write() as tx:
        assert await exposures.by_number(tx, channel) == {(post.id, 2): "Q", (post.id, 4): "R"}
        assert await exposures.by_number(tx, channel, post.id + 1) == {}
        assert await exposures.posted(tx, channel) == {"P", "Q", "R"}
        locked = await delivery_plans.lock_papers(tx, {channel: ["P", "Q", "R", "S", "merged"], 99: ["P"]})
        assert {channel_id: of_channel.free for channel_id, of_channel in locked.items()} == {channel: {"S"}}
        assert await exposures.for_channel(tx, channel) == []
        await deliveries.move(tx, post, PostState.SENDING)
        sending = replace(post, state=PostState.SENDING)
        await deliveries.move(tx, sending, PostState.SENT, message="m1", sent_at=START)
        assert await exposures.for_channel(tx, channel) == [
            exposures.Exposure("Q", START, False),
            exposures.Exposure("R", START, False),
        ]
        assert [row[:2] for row in await exposures.seen_in_workspace(tx, channel, ["P", "R"])] == [("R", channel)]
    assert await plan(store, channel, "R", "S", day=DAY + timedelta(1))
    assert [post.paper_id for post in await posts_of(store, channel)] == ["P", None, "S"]


async def test_numbered_papers_of_a_dropped_message_may_come_again(store: Store) -> None:
    channel = await channel_with_papers(store)
    async with store.write() as tx:
        await papers.record(tx, [Paper("Q", "")], START, {"Q": DAY})
    await plan_numbered(store, channel, "P", "Q")
    async with store.write() as tx:
        await deliveries.drop_waiting(tx, channel, "paused")
        assert (await exposures.for_channels(tx, [channel]))[channel].dropped == {"P", "Q"}
        assert await papers.news_among(tx, ["P", "Q"]) == {"Q": (DAY, 0)}
        assert await exposures.posted(tx, channel) == set()
    assert await plan(store, channel, "P", day=DAY + timedelta(1))
    assert await plan_numbered(store, channel, "Q", day=DAY + timedelta(2))
    async with store.read() as tx:
        assert await exposures.posted(tx, channel) == {"P", "Q"}


async def test_threaded_posts_find_the_first_post_of_their_delivery(store: Store) -> None:
    channel = await channel_with_papers(store)
    async with store.write() as tx:
        drafts = [Draft({}), Draft({}, "P", threaded=True)]
        planned = await delivery_plans.plan(tx, channel, DAY, DIGEST, START, drafts, START)
        assert planned
        first, second = await deliveries.posts_in_channel(tx, channel)
        assert (first.threaded, second.threaded) == (False, True)
        assert await deliveries.first_post(tx, planned.id) == first
