"""A world of sources on the loopback, and a fetcher whose clock moves only when somebody sleeps."""

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
class Standing:
    """Time that passes only in `sleep`; every sleep is remembered."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(lambda: START + timedelta(seconds=self.seconds), lambda: self.seconds, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[PaperSources]:
    async with PaperSources() as opened:
        yield opened


@pytest.fixture
def standing() -> Standing:
    return Standing()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


@pytest.fixture
def limits() -> Limits:
    return Limits(connect=1.0, read=5.0, total=5.0, size=1_000_000)


@pytest.fixture
def fetcher(client: httpx.AsyncClient, standing: Standing, limits: Limits) -> Fetcher:
    return Fetcher(client, limits=limits, clock=standing.clock(), jitter=lambda: 0.5)
