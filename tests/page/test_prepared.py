"""What pages need over a new state of the index is made before a visitor asks for it."""

from __future__ import annotations

import asyncio

import pytest

from bot.website import prepare_pages
from recommender import Recommender
from tests.page.conftest import Site
from tests.support.harness import paper


async def test_the_index_is_prepared_now_and_then(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.bot.list_papers([paper(number) for number in range(3)])
    prepared, prepare = list[int](), Recommender.warm_up

    def noted(engine: Recommender) -> None:
        prepare(engine)
        prepared.append(len(engine))

    monkeypatch.setattr(Recommender, "warm_up", noted)
    rests = list[float]()

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 2:
            await site.bot.list_papers([paper(9)])
        if len(rests) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await prepare_pages(site.bot.app, sleep)
    assert prepared == [3, 4]
    assert min(rests) >= 5
