"""The limiter runs so many coroutines at once; a slow one holds up none, and a cancelled caller stops its coroutine."""

from __future__ import annotations

import asyncio

import pytest

from bot.service.limiter import ConcurrencyLimiter


class Work:
    """Something to do that ends when it is told to."""

    def __init__(self) -> None:
        self.begun = self.cancelled = False
        self.ends = asyncio.Event()

    async def do(self) -> str:
        self.begun = True
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_limiter_starts_the_next_coroutine_when_one_ends() -> None:
    limiter, works = ConcurrencyLimiter(2, 60.0), [Work() for _ in range(3)]
    tasks = [asyncio.create_task(limiter.run(work.do())) for work in works]
    await _settle()
    assert [work.begun for work in works] == [True, True, False]
    works[1].ends.set()
    await _settle()
    assert works[2].begun
    for work in works:
        work.ends.set()
    assert await asyncio.gather(*tasks) == ["done"] * 3


async def test_a_slow_coroutine_gives_up_its_slot_and_still_finishes() -> None:
    limiter, slow, quick = ConcurrencyLimiter(1, 0.0), Work(), Work()
    first = asyncio.create_task(limiter.run(slow.do()))
    quick.ends.set()
    assert await limiter.run(quick.do()) == "done"
    slow.ends.set()
    assert await first == "done"


async def test_the_limiter_passes_exceptions_to_the_caller() -> None:
    async def wrong() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await ConcurrencyLimiter(1, 60.0).run(wrong())


async def test_cancelling_a_caller_cancels_its_coroutine_and_frees_the_slot() -> None:
    limiter, at_it, waiting, last = ConcurrencyLimiter(1, 60.0), Work(), Work(), Work()
    tasks = [asyncio.create_task(limiter.run(work.do())) for work in (at_it, waiting, last)]
    await _settle()
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks[:2], return_exceptions=True)
    await _settle()
    assert (at_it.cancelled, waiting.begun, last.begun) == (True, False, True)
    last.ends.set()
    assert await tasks[2] == "done"
