"""Discord is a platform like any other."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.platforms.conformance import PlatformConformance, PlatformUnderTest
from tests.platforms.discord.server import server_at_work


class TestDiscord(PlatformConformance):
    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        return server_at_work(folder)
