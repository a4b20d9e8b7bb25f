"""The door of a server that plays a platform: on the loopback, and shut and opened again on demand."""

from __future__ import annotations

from aiohttp import web

from tests.fakes.watched import Watched


class Door(Watched):
    """Serves one app under one address until it is closed; `url` is the address."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0

    async def opens(self, app: web.Application) -> None:
        """Serve an app on a free port."""
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.comes_back()
        host, self._port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{self._port}"

    async def goes_away(self) -> None:
        """Nobody reaches it any more: connections break, and new ones are refused."""
        assert self._site is not None
        assert self._runner is not None
        assert self._runner.server is not None
        server = self._runner.server
        await self._site.stop()
        for connection in list(server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await self.until(lambda: all(connection.transport is None for connection in server.connections))

    async def comes_back(self) -> None:
        """It is there again, under the same address."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()

    async def closes(self) -> None:
        """Let everything go."""
        assert self._runner is not None
        await self._runner.cleanup()
