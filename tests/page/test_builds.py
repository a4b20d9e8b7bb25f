"""Pages that are being made: few at the same time, in order, none twice, and no queue without end."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from bot.page.builds import Builds
from bot.web.errors import PageError


class Kitchen:
    """Makes what is asked for, as soon as the test lets it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Event()

    async def make(self, name: str) -> str:
        self.begun.append(name)
        await self.may_end.wait()
        return name.upper()


async def turned() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_whoever_asks_for_the_same_gets_the_same_made_once() -> None:
    builds, kitchen = Builds(2), Kitchen()
    asked = [asyncio.create_task(builds.once("a", lambda: kitchen.make("a"))) for _ in range(50)]
    await turned()
    kitchen.may_end.set()
    assert await asyncio.gather(*asked) == ["A"] * 50
    assert kitchen.begun == ["a"]
    assert await builds.once("a", lambda: kitchen.make("a")) == "A"
    assert kitchen.begun == ["a", "a"], "what is finished is kept elsewhere"


async def test_few_are_made_at_once_and_the_others_wait_in_order() -> None:
    builds, kitchen = Builds(2), Kitchen()
    asked = [asyncio.create_task(builds.once(name, partial(kitchen.make, name))) for name in "abcde"]
    await turned()
    assert kitchen.begun == ["a", "b"]
    kitchen.may_end.set()
    await asyncio.gather(*asked)
    assert kitchen.begun == [*"abcde"]


async def test_where_too_many_wait_the_next_is_asked_to_come_again() -> None:
    builds, kitchen = Builds(1, most_waiting=2), Kitchen()
    asked = [asyncio.create_task(builds.once(name, partial(kitchen.make, name))) for name in "abc"]
    await turned()
    with pytest.raises(PageError, match="Too many pages are asked for") as refused:
        await builds.once("d", lambda: kitchen.make("d"))
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    kitchen.may_end.set()
    assert await asyncio.gather(*asked) == [*"ABC"]
    assert await builds.once("d", lambda: kitchen.make("d")) == "D"


async def test_a_visitor_who_leaves_takes_the_page_from_nobody() -> None:
    builds, kitchen = Builds(1), Kitchen()
    leaving, staying = (asyncio.create_task(builds.once("a", lambda: kitchen.make("a"))) for _ in range(2))
    await turned()
    leaving.cancel()
    await turned()
    kitchen.may_end.set()
    assert await staying == "A"
    assert leaving.cancelled()


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    builds, tries = Builds(1), list[int]()

    async def fail() -> str:
        tries.append(1)
        await asyncio.sleep(0)
        raise PageError(404, "There is none.")

    answers = await asyncio.gather(*(builds.once("a", fail) for _ in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["There is none."] * 3
    with pytest.raises(PageError):
        await builds.once("a", fail)
    assert len(tries) == 2
