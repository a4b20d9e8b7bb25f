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

_FRESH = count()


async def place(store: Store, *paper_ids: str) -> int:
    async with store.write() as tx:
        await papers.record(tx, [Paper(paper_id, "") for paper_id in paper_ids], START)
        return (await add_channel(tx, f"C{next(_FRESH)}")).id


_HEARD = st.lists(
    st.tuples(st.sampled_from(["ada", "bob"]), st.sampled_from(["👍", "👎"]), st.integers(0, 9), st.booleans()),
    max_size=10,
    unique_by=lambda one: one[:3],
).flatmap(lambda heard: st.tuples(st.just(heard), st.permutations(heard)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HEARD)
async def test_the_later_vote_wins_in_any_order_of_arrival(
    store: Store, heard: tuple[list[tuple[str, str, int, bool]], list[tuple[str, str, int, bool]]]
) -> None:
    ends = []
    for order in heard:
        channel = await place(store, "P")
        async with store.write() as tx:
            for member, signal, minute, on in order:
                await votes.put(tx, Vote(channel, "P", member, signal, on, START + timedelta(minutes=minute)))
            ends.append({(v.member, v.signal, v.at) for v in await votes.for_channel(tx, channel)})
    latest: dict[tuple[str, str], tuple[int, bool]] = {}
    for member, signal, minute, on in heard[0]:
        latest[member, signal] = max(latest.get((member, signal), (-1, False)), (minute, on))
    assert ends[0] == ends[1]
    assert ends[0] == {(*who, START + timedelta(minutes=at)) for who, (at, on) in latest.items() if on}


async def test_put_returns_whether_the_vote_changed(store: Store) -> None:
    channel = await place(store, "P")

    async def put(on: bool, minute: int) -> bool:
        async with store.write() as tx:
            return await votes.put(tx, Vote(channel, "P", "ada", "👍", on, START + timedelta(minutes=minute)))

    said = [await put(False, 0), await put(True, 1), await put(True, 2), await put(False, 1), await put(False, 3)]
    assert said == [False, True, False, False, True]
    # Of two words said in the same instant, the one heard last wins: a clock that stands still loses nobody's word.
    assert [await put(True, 3), await put(False, 3)] == [True, True]


async def test_visible_from_gives_only_votes_of_the_same_workspace(store: Store) -> None:
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", ""), Paper("Q", "")], START)
        here, near = await add_channel(tx, "C1"), await add_channel(tx, "C2")
        far = await add_channel(tx, "C3", workspace="elsewhere")
        for channel, paper_id, on in ((here, "P", True), (near, "P", True), (far, "P", True), (near, "Q", False)):
            await votes.put(tx, Vote(channel.id, paper_id, "ada", "👍", on, START))
        found = await votes.visible_from(tx, here.id, ["P", "Q"])
        assert {(vote.channel_id, vote.paper_id) for vote in found} == {(here.id, "P"), (near.id, "P")}
        assert await votes.for_paper(tx, near.id, "Q") == []


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
