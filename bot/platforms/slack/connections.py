"""What calls to Slack go over: a connection for each, or, while they are kept, one that is open from before.

A call that changes something is never tried twice, over whatever connection: aiohttp sends anew only what may be sent
twice, such as a GET, and Slack's methods are called with POST.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp

_CALL_SECONDS, _IDLE_SECONDS = 30.0, 10.0


class Connections:
    """Those of one app; `session` is None while none are kept, and each call brings one of its own."""

    def __init__(self) -> None:
        self.session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep connections open, to be used again within some seconds, and close them all in the end."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        timeout = aiohttp.ClientTimeout(_CALL_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            self.session = session
            try:
                yield
            finally:
                self.session = None
