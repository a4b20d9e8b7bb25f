"""Connections to Slack, which are kept open between calls while the platform runs.

A broken connection posts nothing twice: aiohttp repeats only a GET. The caller finds out what became of a POST.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp

_CALL_SECONDS = 30.0
_IDLE_SECONDS = 10.0
"""Shorter than servers usually wait, so that no server closes a connection at the moment of its next use."""


class Connections:
    """The connections of one app. While `session` is None, each call opens a connection of its own."""

    def __init__(self) -> None:
        self.session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep connections open for the next call, and close them all at the end. Workspaces share no cookies. A block
        inside another one shares its connections."""
        if self.session is not None:
            yield
            return
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
