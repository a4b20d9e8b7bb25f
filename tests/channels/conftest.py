"""A house with a channel and real papers, for whatever does not depend on the database."""

from __future__ import annotations

import pytest

from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.house import House, demo_papers, house_over


@pytest.fixture
async def house(sqlite_store: Store, clock: Clock) -> House:
    """Invited to one channel, with forty papers listed today."""
    made = house_over(sqlite_store, clock)
    await made.list_papers(demo_papers()[:40])
    await made.invite()
    return made
