"""The one web server: platforms and pages bring their routes, and it serves them side by side."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol, runtime_checkable

from aiohttp import web

_LONGEST_BODY = 1024 * 1024
"""Bytes of one request; Slack's largest are a tenth of it."""
_CLOSING_SECONDS = 5.0


class Unservable(Exception):
    """The server can't listen where it is told to; the text names the mend."""


@runtime_checkable
class Served(Protocol):
    """A platform that is asked over HTTP."""

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """What it answers, and where."""
        ...


@contextlib.asynccontextmanager
async def serving(routes: Iterable[web.RouteDef], host: str, port: int) -> AsyncIterator[str]:
    """A server with these routes and /healthz, until the end; its address. Raises Unservable."""
    app = web.Application(client_max_size=_LONGEST_BODY)
    app.add_routes([web.get("/healthz", _healthy), *routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise Unservable(
                f"The web server can't listen on {host}:{port} ({error.strerror or error}). Set PAPERBOY_WEB__PORT and "
                "PAPERBOY_WEB__HOST to a free port and an address of this machine."
            ) from error
        shown, used = runner.addresses[0][:2]
        yield f"http://{f'[{shown}]' if ':' in shown else shown}:{used}"
    finally:
        await runner.cleanup()


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")
