"""A fake server of sources on the loopback, and a fetcher whose time passes only in `sleep`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.sources.fetch import Fetcher, Limits
from bot.sources.host_throttle import Clock
from tests.support.paper_sources import PaperSources

START = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)  # a Friday


@dataclass
class FakeTime:
    """A time that passes only in `sleep`. `sleeps` are the seconds of each sleep."""

    seconds: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(lambda: START + timedelta(seconds=self.seconds), lambda: self.seconds, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncIterator[PaperSources]:
    async with PaperSources() as server:
        yield server


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def limits() -> Limits:
    return Limits(connect=1.0, read=5.0, total=5.0, size=1_000_000)


@pytest.fixture
def fetcher(client: httpx.AsyncClient, fake_time: FakeTime, limits: Limits) -> Fetcher:
    return Fetcher(client, limits=limits, clock=fake_time.clock(), jitter=lambda: 0.5)
