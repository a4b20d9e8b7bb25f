"""Leases: one process at a time, by the clock of the database, and a fence before each send."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.store.database import Store
from bot.store.errors import StoreAway
from bot.store.leases import Leases, LeaseTimes, channel_leases
from bot.store.tables import leases as table
from tests.fakes.clock import Clock

TIMES = LeaseTimes(90.0, 45.0)


def a_process(store: Store, clock: Clock) -> Leases:
    return Leases(store, TIMES, clock=clock, seconds=clock.seconds)


async def names(store: Store) -> set[str]:
    async with store.read() as tx:
        return set((await tx.execute(sa.select(table.c.name))).scalars())


async def test_a_lease_has_one_holder_until_it_is_given_back(store: Store, clock: Clock) -> None:
    one, other = a_process(store, clock), a_process(store, clock)
    assert await one.take("a", "b") == {"a", "b"}
    assert await other.take("a", "b", "c") == {"c"}
    assert await one.take("a", "c") == {"a"}
    await one.release("a", "c")
    assert await other.take("a", "b", "c") == {"a", "c"}
    assert await one.holders() == {one.holder, other.holder}


async def test_a_lease_that_nobody_renews_is_taken_over(store: Store, clock: Clock) -> None:
    dead, other = a_process(store, clock), a_process(store, clock)
    await dead.take("a")
    clock.advance(timedelta(seconds=89))
    assert await other.take("a") == set()
    clock.advance(timedelta(seconds=1))
    assert await other.take("a") == {"a"}


async def test_a_renewed_lease_is_kept_and_no_other(store: Store, clock: Clock) -> None:
    one, other = a_process(store, clock), a_process(store, clock)
    await one.take("a", "b")
    await one.release("b")
    for _ in range(10):
        clock.advance(timedelta(seconds=60))
        await one.renew()
        assert one.may_send("a")
    assert await other.take("a", "b") == {"b"}


async def test_no_send_begins_when_the_last_renewal_is_too_old_for_it_to_end_in_time(
    store: Store, clock: Clock
) -> None:
    one = a_process(store, clock)
    assert not one.may_send("a")
    await one.take("a")
    clock.advance(timedelta(seconds=45))
    assert one.may_send("a")
    clock.advance(timedelta(seconds=1))
    assert not one.may_send("a")
    await one.renew()
    assert one.may_send("a")


async def test_a_process_that_was_paused_learns_that_its_lease_is_another_ones(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    paused, other = a_process(store, clock), a_process(store, clock)
    await paused.take("a", "b")
    clock.advance(timedelta(seconds=91))
    await other.take("a")
    assert not paused.may_send("a")
    await paused.renew()
    assert not paused.may_send("a")
    assert paused.may_send("b")
    assert "taken over" in caplog.text
    await paused.release("a")
    assert await paused.take("a") == set()


async def test_a_block_gives_its_leases_back_once_no_other_block_uses_them(store: Store, clock: Clock) -> None:
    one, other = a_process(store, clock), a_process(store, clock)
    async with one.holding("a", "b") as held:
        assert held == {"a", "b"}
        async with one.holding("a") as held_too, other.holding("a", "c") as held_by_other:
            assert (held_too, held_by_other) == ({"a"}, {"c"})
        assert await names(store) == {"a", "b"}
    assert await names(store) == set()


async def test_a_block_does_not_keep_what_it_took_before_the_store_went_away(
    sqlite_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.leases._AT_ONCE", 1)
    one = a_process(sqlite_store, clock)
    take, calls = one._take, 0

    async def fail_second(some: list[str]) -> set[str]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreAway("away")
        return await take(some)

    monkeypatch.setattr(one, "_take", fail_second)
    with pytest.raises(StoreAway):
        async with one.holding("a", "b"):
            raise AssertionError("it was entered")
    assert await names(sqlite_store) == set()


async def test_many_leases_are_taken_renewed_and_given_back(store: Store, clock: Clock) -> None:
    one, other = a_process(store, clock), a_process(store, clock)
    wanted = channel_leases(range(2_500))
    async with one.holding(*wanted) as held:
        assert held == set(wanted)
        clock.advance(timedelta(seconds=60))
        await one.renew()
        clock.advance(timedelta(seconds=60))
        assert await other.take(*wanted) == set()
    assert await names(store) == set()


async def test_processes_that_want_the_same_leases_in_any_order_never_lock_each_other_out(store: Store) -> None:
    processes = [Leases(store, TIMES) for _ in range(4)]
    wanted = channel_leases(range(50))
    holders: dict[str, int] = dict.fromkeys(wanted, 0)

    async def work(process: Leases, order: list[str]) -> None:
        for _ in range(5):
            async with process.holding(*order) as held:
                for name in held:
                    holders[name] += 1
                    assert holders[name] == 1
                await process.renew()
                for name in held:
                    holders[name] -= 1

    await asyncio.gather(*(work(process, wanted[:: (-1) ** n]) for n, process in enumerate(processes)))
    assert await names(store) == set()


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_the_clock_of_the_database_decides_on_postgresql(store: Store) -> None:
    ended, lasting, other = Leases(store, LeaseTimes(0.0, 0.0)), Leases(store, TIMES), Leases(store, TIMES)
    await ended.take("a")
    await lasting.take("b")
    async with store.read() as tx:
        left = sa.func.extract("epoch", sa.type_coerce(table.c.until, sa.DateTime) - sa.func.clock_timestamp())
        seconds = list((await tx.execute(sa.select(left).order_by(table.c.name))).scalars())
    assert seconds[0] <= 0
    assert 60 < seconds[1] <= 90
    assert await other.take("a", "b") == {"a"}


async def test_a_lone_process_ends_the_leases_of_its_predecessor(store: Store, clock: Clock) -> None:
    dead, new = a_process(store, clock), a_process(store, clock)
    await dead.take("a")
    await new.take("b")
    await new.end_others()
    assert await new.take("a") == {"a"}
    await new.release_all()
    assert await names(store) == set()


async def test_a_block_inside_another_one_of_its_process_asks_the_database_nothing(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = a_process(store, clock)
    async with one.holding("a", "b"):
        monkeypatch.setattr(store, "write", None)
        async with one.holding("a") as held:
            assert held == {"a"}
        monkeypatch.undo()
    assert await names(store) == set()
