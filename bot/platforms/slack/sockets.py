"""The connections of Socket Mode, of which Slack allows ten: docs.slack.dev/apis/events-api/using-socket-mode."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot.ports.platform import NotAccepted
from bot.ports.processes import Leases

SOCKET = "slack socket "
"""How the name of a connection's lease begins."""
MOST = 10
TOO_MANY = f"{MOST} processes have a connection to Slack, and Slack allows no more"


@contextlib.asynccontextmanager
async def one_of_ten(leases: Leases) -> AsyncIterator[None]:
    """Hold one of the ten connections for the time of a block. Raises NotAccepted while none is free."""
    taken = await leases.taken(SOCKET)
    names = [f"{SOCKET}{number}" for number in range(1, MOST + 1)]
    for name in names:
        if name in taken:
            continue
        async with leases.holding(name) as held:
            if held:
                yield
                return
    raise NotAccepted(f"{TOO_MANY}. More can work as `paperboy worker`, which needs none.")
