"""The web server. Platforms and pages bring their routes, and one server serves all of them.

Anybody may connect, so every connection is bounded: how many there are, how long the headers of a request may take,
and how long a connection may idle. Handlers read bodies with `body_of`, which bounds their time and memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.typedefs import Handler, Middleware

from bot import metrics
from bot.web.errors import PageError, error_pages
from bot.web.security import (
    HEADERS,
    PRIVATE_HEADERS,
    PRIVATE_PATHS,
    Network,
    RateLimiter,
    client_address,
    is_unlimited,
    unlimited,
)
from bot.web.templates import HAS_PAGE, Templates, static_routes

_LONGEST_BODY = 1024 * 1024
"""Bytes of one request; Slack's largest are a tenth of it."""
_SMALL_BODY = 64 * 1024
"""Bytes of a body that is read at once; Slack's bodies are usually smaller."""
_LARGE_BODIES = 16
"""Larger bodies that are read at the same time, 16 MiB in all."""
_BODY_SECONDS = 10.0
_HEADER_SECONDS = 10.0
"""Time for the headers of a request, from its first byte or from the beginning of the connection."""
_IDLE_SECONDS = 150.0
"""Time that a connection may idle between two requests. It is longer than proxies keep theirs (Caddy: 120 s), so that
no proxy sends a request into a connection that is just being closed."""
_UNREAD_SECONDS = 2.0
"""Seconds for which the rest of a refused body is read, so that its sender sees the answer."""
_CLOSING_SECONDS = 5.0
_MOST_CONNECTIONS = 200
"""Each connection may hold half a megabyte that is received and not read yet. Slack needs a few dozen."""
_BACKLOG = 64
"""Connections that the loop accepts at a time, before the first of them is counted."""
_PAGE = "/"
_SERVER = "Paperboy"
"""The server's name in answers, without any version."""
log = structlog.get_logger(__name__)


class Unservable(Exception):
    """The server can't listen at the given address; the text says how to mend it."""


@runtime_checkable
class Served(Protocol):
    """A platform with routes on the web server."""

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """The platform's routes."""
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
    trusted_proxies: Iterable[Network] = (),
    requests_per_minute: int = 0,
    seconds: Callable[[], float] = time.monotonic,
) -> AsyncIterator[str]:
    """Run a server with these routes, /healthz and the style of pages, and yield its address. `connections` is the most
    that it holds at the same time; by default it depends on how many files the process may open. `trusted_proxies` tell
    the truth about the address of their client. A client may send so many `requests_per_minute`, 0 for any number;
    `seconds` is the clock for that, which only runs forward. Raises Unservable."""
    routes = list(routes)
    has_page = any(route.path == _PAGE for route in routes)
    middlewares = [_counted, _knowing(has_page), error_pages(Templates("bot.web"))]
    if requests_per_minute:
        middlewares.append(_limited(RateLimiter(requests_per_minute / 60, requests_per_minute, seconds)))
    app = web.Application(client_max_size=_LONGEST_BODY, middlewares=middlewares)
    app[_LARGE] = asyncio.Semaphore(_LARGE_BODIES)
    app[_TRUSTED_PROXIES] = tuple(trusted_proxies)
    app.add_routes([web.get("/healthz", _healthy), *static_routes(), *routes])
    app.on_response_prepare.append(_add_headers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING_SECONDS)
    await runner.setup()
    assert runner.server is not None
    pool = _ConnectionPool(runner.server, header_seconds, idle_seconds, connections or _affordable_connections())
    listening = None
    try:
        try:
            loop = asyncio.get_running_loop()
            listening = await loop.create_server(pool.connection, host, port, backlog=_BACKLOG)
        except OSError as error:
            raise Unservable(
                f"The web server can't listen on {host}:{port} ({error.strerror or error}). Set PAPERBOY_WEB__PORT and "
                "PAPERBOY_WEB__HOST to a free port and an address of this machine."
            ) from error
        address, bound_port = listening.sockets[0].getsockname()[:2]
        yield f"http://{f'[{address}]' if ':' in address else address}:{bound_port}"
    finally:
        if listening:
            listening.close()
        await runner.cleanup()


async def body_of(request: web.Request) -> bytes:
    """The body of a request.

    Raises HTTPRequestTimeout, HTTPBadRequest for a body that is cut off, HTTPRequestEntityTooLarge, and
    HTTPServiceUnavailable if too many large bodies are being read already.
    """
    if request.content_length is not None and request.content_length > _LONGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(_LONGEST_BODY, request.content_length)
    large_bodies, is_counted = request.app[_LARGE], False
    body = bytearray()
    connection = request.protocol
    assert isinstance(connection, _Connection)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(connection.waiting())

        async def make_room(size: int) -> None:
            nonlocal is_counted
            if size > _SMALL_BODY and not is_counted:
                if large_bodies.locked():
                    raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
                await stack.enter_async_context(large_bodies)
                is_counted = True

        try:
            async with asyncio.timeout(_BODY_SECONDS):
                await make_room(request.content_length or 0)
                async for chunk in request.content.iter_any():
                    await make_room(len(body) + len(chunk))
                    body += chunk
                    if len(body) > _LONGEST_BODY:
                        raise web.HTTPRequestEntityTooLarge(_LONGEST_BODY, len(body))
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except (ConnectionError, ClientPayloadError, web.RequestPayloadError):  # cut off, or badly chunked
            raise web.HTTPBadRequest from None
    return bytes(body)


_LARGE = web.AppKey("large", asyncio.Semaphore)
_TRUSTED_PROXIES: web.AppKey[Iterable[Network]] = web.AppKey("trusted_proxies")


def client_of(request: web.Request) -> str:
    """The address of the client that sent a request, also behind the proxies that are trusted."""
    return client_address(request, request.app[_TRUSTED_PROXIES])


@unlimited
async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = _SERVER
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(PRIVATE_PATHS):
        for name, value in PRIVATE_HEADERS.items():
            response.headers.setdefault(name, value)


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    connection = request.protocol
    assert isinstance(connection, _Connection)
    begun, status = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value
    try:
        with connection.in_request():
            answer = await handler(request)
        status = answer.status
    finally:
        # The route's pattern, and not the path: anybody may ask for any path.
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        metrics.PAGE_SECONDS.labels(route, status).observe(time.perf_counter() - begun)
    return answer


def _knowing(has_page: bool) -> Middleware:
    """The middleware that tells the templates whether the page of papers is served."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        HAS_PAGE.set(has_page)
        return await handler(request)

    return middleware


def _limited(limiter: RateLimiter) -> Middleware:
    """The middleware that refuses the requests of a client who sends too many."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_unlimited(request.match_info.handler) and (wait := limiter.seconds_until_allowed(client_of(request))):
            retry = {"Retry-After": str(math.ceil(wait))}
            raise PageError(429, "Too many requests came from your address. Wait a moment, then try again.", retry)
        return await handler(request)

    return middleware


def _affordable_connections() -> int:
    """The number of connections that leaves enough open files for everything else, also while the loop accepts more."""
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(16, min(_MOST_CONNECTIONS, files // 4))


class _ConnectionPool:
    """The connections of the server, `most` at a time. When it is full, a new connection replaces the one that has
    waited longest for a complete request."""

    def __init__(self, server: web.Server, header_seconds: float, idle_seconds: float, most: int) -> None:
        self.header_seconds, self._idle_seconds, self._most = header_seconds, idle_seconds, most
        self._server = server
        self._waiting: dict[_Connection, None] = {}
        self._busy = set[_Connection]()

    def connection(self) -> _Connection:
        """Make a connection."""
        return _Connection(
            self,
            self._server,
            keepalive_timeout=self._idle_seconds,
            access_log=None,
            auto_decompress=False,
            lingering_time=_UNREAD_SECONDS,
        )

    def add(self, connection: _Connection) -> bool:
        """Add a connection. Returns False if all others are busy."""
        if len(self._waiting) + len(self._busy) >= self._most:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            del self._waiting[oldest]
            oldest.abort()
        self._waiting[connection] = None
        return True

    def remove(self, connection: _Connection) -> None:
        """Remove a closed connection."""
        self._waiting.pop(connection, None)
        self._busy.discard(connection)

    @contextlib.contextmanager
    def busy(self, connection: _Connection) -> Iterator[None]:
        """While its request is handled, the connection is not replaced."""
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
        """While the body of its request is received, the connection may be replaced: anybody can begin a body."""
        self._busy.discard(connection)
        self._waiting[connection] = None
        try:
            yield
        finally:
            if connection in self._waiting:
                del self._waiting[connection]
                self._busy.add(connection)


class _Connection(web.RequestHandler):
    """One connection. aiohttp bounds its idle time; this class bounds the time for the headers of a request."""

    def __init__(self, pool: _ConnectionPool, server: web.Server, **how: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **how)
        self._pool, self._in_request = pool, False
        self._headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        super().connection_made(transport)
        if self._pool.add(self):
            self._wait_for_headers()
        else:
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the loop."""
        self._forget_timer()
        self._pool.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if not self._in_request and self._headers_due is None:
            self._wait_for_headers()
        super().data_received(data)

    def abort(self) -> None:
        """Close the connection at once. Data that is not sent yet is lost."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    @contextlib.contextmanager
    def in_request(self) -> Iterator[None]:
        """While a request, whose headers are complete, is handled."""
        self._forget_timer()
        self._in_request = True
        try:
            with self._pool.busy(self):
                yield
        finally:
            self._in_request = False

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """While the body of the request is received."""
        return self._pool.waiting(self)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer invalid HTTP, or a request whose handler failed, without saying why."""
        if not request.headers.get("Expect", "").isascii():
            # aiohttp fails on such a header before any handler is called.
            status = HTTPStatus.EXPECTATION_FAILED
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
        self._headers_due = asyncio.get_running_loop().call_later(self._pool.header_seconds, self.abort)

    def _forget_timer(self) -> None:
        if self._headers_due:
            self._headers_due.cancel()
            self._headers_due = None
