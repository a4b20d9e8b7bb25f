"""The terminal is a platform like any other."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.platforms.conformance import PlatformConformance, PlatformUnderTest
from tests.platforms.terminal_guest import sitting_at


class TestTerminal(PlatformConformance):
    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        return sitting_at(folder)
