"""The one web server: platforms and pages bring their routes, and it serves them side by side.

Anybody may connect, so every connection is bounded: how many there are, how long the headers of a request may take,
and how long a connection may idle. Handlers read bodies with `body_of`, which bounds their time and memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.typedefs import Handler

_LONGEST_BODY = 1024 * 1024
"""Bytes of one request; Slack's largest are a tenth of it."""
_SMALL_BODY = 64 * 1024
"""Bytes that a body may have without waiting for its turn; Slack's are usually smaller."""
_LARGE_BODIES = 16
"""Larger bodies that are read at the same time: 16 MiB in all."""
_BODY_SECONDS = 10.0
_HEADER_SECONDS = 10.0
"""Time for the headers of a request, from its first byte or from the beginning of the connection."""
_IDLE_SECONDS = 150.0
"""Time that a connection may stand idle between two requests. Longer than proxies keep theirs (Caddy: 120 s), so that
none of them sends a request into a connection that is just being closed."""
_UNREAD_SECONDS = 2.0
"""How long the rest of a body that nobody wants is read, so that its sender sees the answer."""
_CLOSING_SECONDS = 5.0
_MOST_CONNECTIONS = 200
"""Each may hold half a megabyte that was received and not read yet. Slack needs a few dozen."""
_BACKLOG = 64
"""Connections that the loop accepts at a time, before the first of them is counted."""
_SERVER = "Paperboy"
"""What answers say of the server: no version of anything."""
log = structlog.get_logger(__name__)


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
async def serving(
    routes: Iterable[web.RouteDef],
    host: str,
    port: int,
    *,
    header_seconds: float = _HEADER_SECONDS,
    idle_seconds: float = _IDLE_SECONDS,
    connections: int | None = None,
) -> AsyncIterator[str]:
    """A server with these routes and /healthz, until the end; its address. `connections` is how many it holds at the
    same time; by default as many as the process may have open files for. Raises Unservable."""
    app = web.Application(client_max_size=_LONGEST_BODY, middlewares=[_counted])
    app[_LARGE] = asyncio.Semaphore(_LARGE_BODIES)
    app.add_routes([web.get("/healthz", _healthy), *routes])
    app.on_response_prepare.append(_unversioned)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING_SECONDS)
    await runner.setup()
    assert runner.server is not None
    room = _Room(runner.server, header_seconds, idle_seconds, connections or _affordable_connections())
    listening = None
    try:
        try:
            loop = asyncio.get_running_loop()
            listening = await loop.create_server(room.connection, host, port, backlog=_BACKLOG)
        except OSError as error:
            raise Unservable(
                f"The web server can't listen on {host}:{port} ({error.strerror or error}). Set PAPERBOY_WEB__PORT and "
                "PAPERBOY_WEB__HOST to a free port and an address of this machine."
            ) from error
        shown, used = listening.sockets[0].getsockname()[:2]
        yield f"http://{f'[{shown}]' if ':' in shown else shown}:{used}"
    finally:
        if listening:
            listening.close()
        await runner.cleanup()


async def body_of(request: web.Request) -> bytes:
    """The body of a request.

    Raises HTTPRequestTimeout, HTTPBadRequest for one that is cut off, HTTPRequestEntityTooLarge, and
    HTTPServiceUnavailable when too many large ones are being read already.
    """
    if request.content_length is not None and request.content_length > _LONGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(_LONGEST_BODY, request.content_length)
    turns, held = request.app[_LARGE], False
    read = bytearray()
    connection = request.protocol
    assert isinstance(connection, _Connection)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(connection.waiting())

        async def make_room(size: int) -> None:
            nonlocal held
            if size > _SMALL_BODY and not held:
                if turns.locked():
                    raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
                await stack.enter_async_context(turns)
                held = True

        try:
            async with asyncio.timeout(_BODY_SECONDS):
                await make_room(request.content_length or 0)
                async for chunk in request.content.iter_any():
                    await make_room(len(read) + len(chunk))
                    read += chunk
                    if len(read) > _LONGEST_BODY:
                        raise web.HTTPRequestEntityTooLarge(_LONGEST_BODY, len(read))
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except (ConnectionError, ClientPayloadError, web.RequestPayloadError):  # cut off, or badly chunked
            raise web.HTTPBadRequest from None
    return bytes(read)


_LARGE = web.AppKey("large", asyncio.Semaphore)


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _unversioned(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = _SERVER


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    connection = request.protocol
    assert isinstance(connection, _Connection)
    with connection.asked():
        return await handler(request)


def _affordable_connections() -> int:
    """How many connections leave enough open files for everything else, also while the loop accepts some more."""
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(16, min(_MOST_CONNECTIONS, files // 4))


class _Room:
    """The connections that the server holds, at most so many. The one that has been without a whole request, its body
    included, for longest gives way to a new one."""

    def __init__(self, server: web.Server, header_seconds: float, idle_seconds: float, most: int) -> None:
        self.header_seconds, self._idle_seconds, self._most = header_seconds, idle_seconds, most
        self._server = server
        self._waiting: dict[_Connection, None] = {}
        self._busy = set[_Connection]()

    def connection(self) -> _Connection:
        """A new one."""
        return _Connection(
            self,
            self._server,
            keepalive_timeout=self._idle_seconds,
            access_log=None,
            auto_decompress=False,
            lingering_time=_UNREAD_SECONDS,
        )

    def came(self, connection: _Connection) -> bool:
        """Whether there is room for it."""
        if len(self._waiting) + len(self._busy) >= self._most:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            del self._waiting[oldest]
            oldest.abort()
        self._waiting[connection] = None
        return True

    def went(self, connection: _Connection) -> None:
        """It is closed."""
        self._waiting.pop(connection, None)
        self._busy.discard(connection)

    @contextlib.contextmanager
    def busy(self, connection: _Connection) -> Iterator[None]:
        """While its request is worked on it does not give way."""
        self._waiting.pop(connection, None)
        self._busy.add(connection)
        try:
            yield
        finally:
            if connection in self._busy:
                self._busy.discard(connection)
                self._waiting[connection] = None

    @contextlib.contextmanager
    def waiting(self, connection: _Connection) -> Iterator[None]:
        """While the body of its request comes it may have to give way: anybody can begin one."""
        self._busy.discard(connection)
        self._waiting[connection] = None
        try:
            yield
        finally:
            if connection in self._waiting:
                del self._waiting[connection]
                self._busy.add(connection)


class _Connection(web.RequestHandler):
    """One connection. aiohttp bounds how long it may idle, this how long the headers of a request may take."""

    def __init__(self, room: _Room, server: web.Server, **how: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **how)
        self._room, self._asked = room, False
        self._headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        super().connection_made(transport)
        if self._room.came(self):
            self._wait_for_headers()
        else:
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the loop."""
        self._forget_timer()
        self._room.went(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if not self._asked and self._headers_due is None:
            self._wait_for_headers()
        super().data_received(data)

    def abort(self) -> None:
        """Close it at once; what is not sent yet is lost."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """While a request, whose headers are there, is worked on."""
        self._forget_timer()
        self._asked = True
        try:
            with self._room.busy(self):
                yield
        finally:
            self._asked = False

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """While the body of the request comes."""
        return self._room.waiting(self)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or a request whose handler failed, without saying why."""
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.debug("A client sent no valid HTTP request.", status=status)
        else:
            log.error("A request could not be answered.", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun already.")
        answer = web.Response(status=status, text=HTTPStatus(status).phrase, headers={"Server": _SERVER})
        answer.force_close()
        return answer

    def _wait_for_headers(self) -> None:
        self._headers_due = asyncio.get_running_loop().call_later(self._room.header_seconds, self.abort)

    def _forget_timer(self) -> None:
        if self._headers_due:
            self._headers_due.cancel()
            self._headers_due = None
