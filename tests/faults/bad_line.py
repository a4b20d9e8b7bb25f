"""A line to PostgreSQL that breaks on demand: a TCP proxy before its socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import sqlalchemy as sa


class BadLine:
    """Passes on what comes to a port of the loopback, until the block ends."""

    def __init__(self, server: sa.URL) -> None:
        [port] = [value for name, value in server.query.items() if name == "port"] or ["5432"]
        self._socket = Path(str(server.query["host"])) / f".s.PGSQL.{port}"
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0

    def url(self, database: sa.URL) -> str:
        """How a program reaches a database over this line."""
        through = database.set(host="127.0.0.1", port=self._port, query={})
        return through.render_as_string(hide_password=False)

    def cut(self) -> None:
        """Every connection ends at once, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Nothing comes through in either direction, and no connection ends."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.set()
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the server restarts
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(inner_writer)
        pair = (reader, inner_writer), (inner_reader, writer)
        tasks = [asyncio.create_task(self._pass_on(*one)) for one in pair]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, inner_writer):
            end.transport.abort()
            self._writers.discard(end)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
