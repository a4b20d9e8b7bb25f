"""Slack is a platform like any other."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.platforms.conformance import PlatformConformance, PlatformUnderTest
from tests.platforms.slack.team import team_at_work


class TestSlack(PlatformConformance):
    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        return team_at_work()
