from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store import papers, votes
from bot.store.database import Store
from bot.store.votes import Vote
from recommender.paper import Paper
from tests.store.whole import START, add_channel

_COUNTER = count()


async def place(store: Store, *paper_ids: str) -> int:
    async with store.write() as tx:
        await papers.record(tx, [Paper(paper_id, "") for paper_id in paper_ids], START)
        return (await add_channel(tx, f"C{next(_COUNTER)}")).id


_VOTES_IN_TWO_ORDERS = st.lists(
    st.tuples(st.sampled_from(["ada", "bob"]), st.sampled_from(["👍", "👎"]), st.integers(0, 9), st.booleans()),
    max_size=10,
    unique_by=lambda vote: vote[:3],
).flatmap(lambda orders: st.tuples(st.just(orders), st.permutations(orders)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_VOTES_IN_TWO_ORDERS)
async def test_the_later_vote_wins_in_any_order_of_arrival(
    store: Store, orders: tuple[list[tuple[str, str, int, bool]], list[tuple[str, str, int, bool]]]
) -> None:
    results = []
    for order in orders:
        channel = await place(store, "P")
        async with store.write() as tx:
            for member, signal, minute, on in order:
                await votes.put(tx, Vote(channel, "P", member, signal, on, START + timedelta(minutes=minute)))
            results.append({(v.member, v.signal, v.at) for v in await votes.for_channel(tx, channel)})
    latest: dict[tuple[str, str], tuple[int, bool]] = {}
    for member, signal, minute, on in orders[0]:
        latest[member, signal] = max(latest.get((member, signal), (-1, False)), (minute, on))
    assert results[0] == results[1]
    assert results[0] == {(*key, START + timedelta(minutes=at)) for key, (at, on) in latest.items() if on}


async def test_put_returns_whether_the_vote_changed(store: Store) -> None:
    channel = await place(store, "P")

    async def put(on: bool, minute: int) -> bool:
        async with store.write() as tx:
            return await votes.put(tx, Vote(channel, "P", "ada", "👍", on, START + timedelta(minutes=minute)))

    changes = [await put(False, 0), await put(True, 1), await put(True, 2), await put(False, 1), await put(False, 3)]
    assert changes == [False, True, False, False, True]
    # Of two words said in the same instant, the one heard last wins: a clock that stands still loses nobody's word.
    assert [await put(True, 3), await put(False, 3)] == [True, True]


async def test_visible_from_gives_only_votes_of_the_same_workspace(store: Store) -> None:
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", ""), Paper("Q", "")], START)
        own, neighbour = await add_channel(tx, "C1"), await add_channel(tx, "C2")
        foreign = await add_channel(tx, "C3", workspace="elsewhere")
        rows = ((own, "P", True), (neighbour, "P", True), (foreign, "P", True), (neighbour, "Q", False))
        for channel, paper_id, on in rows:
            await votes.put(tx, Vote(channel.id, paper_id, "ada", "👍", on, START))
        visible = await votes.visible_from(tx, own.id, ["P", "Q"])
        assert {(vote.channel_id, vote.paper_id) for vote in visible} == {(own.id, "P"), (neighbour.id, "P")}
        assert await votes.for_paper(tx, neighbour.id, "Q") == []


async def test_concurrent_puts_of_a_vote_store_it_once(store: Store) -> None:
    channel = await place(store, "P")

    async def put(minute: int) -> bool:
        async with store.write() as tx:
            return await votes.put(tx, Vote(channel, "P", "ada", "👍", True, START + timedelta(minutes=minute)))

    changed = await asyncio.gather(*(put(minute) for minute in range(12)))
    assert sum(changed) == 1
    async with store.read() as tx:
        assert [vote.at for vote in await votes.for_channel(tx, channel)] == [START + timedelta(minutes=11)]


async def test_hostile_members_and_signals_are_stored_and_taken_back(store: Store) -> None:
    channel = await place(store, "P")
    for member in ("a\0b", "\ud800", "x" * 10_000, "".join(chr(0x4E00 + n) for n in range(10_000))):
        for on in (True, False):
            async with store.write() as tx:
                assert await votes.put(tx, Vote(channel, "P", member, member, on, START))
    async with store.read() as tx:
        assert await votes.for_channel(tx, channel) == []
