"""The page over a real store and index, served on the loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import pytest

from bot.settings import load
from bot.store.database import Store
from bot.website import website
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, harness_over

HTML = {"Accept": "text/html"}


@dataclass
class Answer:
    """What came back for a request."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass
class Site:
    """The running page, and the bot behind it."""

    url: str
    bot: BotHarness
    client: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> Answer:
        """The answer to a browser's GET."""
        return await self.ask("GET", path, headers=headers)

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **how: object) -> Answer:
        """The answer to a request."""
        async with self.client.request(
            method,
            self.url + path,
            headers={**HTML, **(headers or {})},
            allow_redirects=False,
            **how,  # type: ignore[arg-type]
        ) as answer:
            return Answer(answer.status, await answer.text(), answer.headers.copy())


@pytest.fixture
async def site(sqlite_store: Store, clock: Clock) -> AsyncIterator[Site]:
    web = load(None, {}).web.model_copy(update={"port": 0, "requests_per_minute": 0})
    bot = harness_over(sqlite_store, clock, web=web)
    async with website(bot.app, required=True, clock=clock) as url, aiohttp.ClientSession() as client:
        yield Site(url, bot, client)
