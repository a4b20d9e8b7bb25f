"""What calls to Slack go over: a connection for each, or, while they are kept, one that is open from before.

Nothing is posted twice for it. Of a connection that broke, aiohttp sends anew what only asks (a GET); what became of a
POST is for whoever called to find out.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp

_CALL_SECONDS = 30.0
_IDLE_SECONDS = 10.0
"""Less than servers use to wait: they should not close a connection in the moment in which it is used again."""


class Connections:
    """Those of one app; `session` is None while none are kept, and each call brings one of its own."""

    def __init__(self) -> None:
        self.session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep connections open for the next call, and close them all in the end. Workspaces share no cookies."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(_CALL_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            self.session = session
            try:
                yield
            finally:
                self.session = None
