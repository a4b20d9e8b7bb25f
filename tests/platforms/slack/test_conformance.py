"""Slack is a platform like any other."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from bot.store.opening import open_store
from tests.platforms.conformance import PlatformConformance, PlatformUnderTest
from tests.platforms.slack.http_team import http_team_at_work
from tests.platforms.slack.team import team_at_work


class TestSlack(PlatformConformance):
    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        return team_at_work()


class TestSlackOverHttp(PlatformConformance):
    @asynccontextmanager
    async def build(self, folder: Path) -> AsyncIterator[PlatformUnderTest]:
        store = await open_store(f"sqlite:///{folder / 'paperboy.db'}")
        try:
            async with http_team_at_work(store, folder) as team:
                yield team
        finally:
            await store.close()
