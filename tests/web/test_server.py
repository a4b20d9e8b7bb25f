"""The web server before strangers: slow ones, many, large ones, and what is no HTTP at all."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlparse

import aiohttp
import pytest
from aiohttp import web

from bot.web import server as served
from bot.web.security import networks_of, unlimited
from bot.web.server import body_of, serving

PATIENCE_SECONDS = 30
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """A server with one route that waits for `open`, one that breaks, and one that reads its body."""

    def __init__(self) -> None:
        self.open, self.inside = asyncio.Event(), asyncio.Semaphore(0)
        self.url, self.streams = "", list[Stream]()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/waits", self._waits),
            web.get("/breaks", self._breaks),
            web.post("/reads", self._reads),
            web.post("/ignores", self._ignores),
        ]

    async def _waits(self, request: web.Request) -> web.Response:
        self.inside.release()
        await self.open.wait()
        return web.Response(text="waited")

    async def _breaks(self, request: web.Request) -> web.Response:
        raise RuntimeError("broken inside")

    async def _reads(self, request: web.Request) -> web.Response:
        self.inside.release()
        return web.Response(text=str(len(await body_of(request))))

    async def _ignores(self, request: web.Request) -> web.Response:
        return web.Response(status=401)

    async def connect(self, sent: bytes = b"") -> Stream:
        stream = await asyncio.open_connection(urlparse(self.url).hostname, urlparse(self.url).port)
        stream[1].write(sent)
        self.streams.append(stream)
        return stream

    async def says(self, sent: bytes) -> str:
        """All that is answered until the connection is closed."""
        reader, _ = await self.connect(sent)
        return await told(reader)

    async def healthy(self) -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as answer:
            return answer.status == 200


async def told(reader: asyncio.StreamReader) -> str:
    """What comes until the connection ends, in whatever way."""
    read = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            while some := await reader.read(4096):
                read += some
        except ConnectionError:
            pass
    return read.decode()


@asynccontextmanager
async def door(
    *, header_seconds: float = 20.0, idle_seconds: float = 60.0, connections: int = 100
) -> AsyncIterator[Door]:
    here = Door()
    async with serving(
        here.routes(),
        "127.0.0.1",
        0,
        connections=connections,
        header_seconds=header_seconds,
        idle_seconds=idle_seconds,
    ) as here.url:
        yield here
        here.open.set()
        for _, writer in here.streams:
            writer.close()


async def test_a_client_that_sends_too_much_is_told_when_to_come_again() -> None:
    now = [0.0]
    routes = [web.get("/page", _page), web.post("/signed", _signed)]
    how = {"requests_per_minute": 3, "seconds": lambda: now[0], "trusted_proxies": networks_of(["127.0.0.1"])}
    async with serving(routes, "127.0.0.1", 0, **how) as url, aiohttp.ClientSession() as session:  # type: ignore[arg-type]

        async def status(method: str, path: str, client: str = "203.0.113.7") -> tuple[int, str | None, str]:
            headers = {"X-Forwarded-For": client, "Accept": "text/html"}
            async with session.request(method, url + path, headers=headers) as answer:
                return answer.status, answer.headers.get("Retry-After"), await answer.text()

        assert [(await status("GET", path))[0] for path in ("/page", "/nowhere", "/page")] == [200, 404, 200]
        refused, retry, text = await status("GET", "/page")
        assert (refused, retry) == (429, "20")
        assert "Too many requests came from your address." in text
        assert [(await status("GET", path))[0] for path in ("/nowhere", "/page")] == [429, 429]
        assert (await status("GET", "/page", "203.0.113.8"))[0] == 200
        for method, path in (("GET", "/healthz"), ("POST", "/signed")):
            assert (await status(method, path))[0] == 200
        now[0] = 20
        assert (await status("GET", "/page"))[0] == 200


async def _page(request: web.Request) -> web.Response:
    return web.Response(text="page")


@unlimited
async def _signed(request: web.Request) -> web.Response:
    return web.Response(text="signed")


HALF = b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Slow: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
CLOSING = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("sent", [b"", b"G", HALF])
async def test_a_connection_whose_headers_do_not_come_is_closed(sent: bytes) -> None:
    async with door(header_seconds=0.2) as here:
        assert await here.says(sent) == ""


async def test_a_header_sent_byte_by_byte_is_closed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async with door(header_seconds=0.2) as here:
        reader, writer = await here.connect(HALF)
        ending = asyncio.create_task(told(reader))
        while not ending.done():
            writer.write(b"x")
            await asyncio.wait({ending}, timeout=0.02)
        assert await ending == ""


async def test_connection_may_idle_longer_than_the_headers_of_its_next_request_may_take() -> None:
    async with door(header_seconds=0.2) as here:
        reader, writer = await here.connect(WHOLE)
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
        await asyncio.wait({asyncio.create_task(told(reader))}, timeout=0.5)
        assert not reader.at_eof()
    async with door(header_seconds=0.2) as here:
        reader, writer = await here.connect(WHOLE)
        await reader.readuntil(b"ok\n")
        writer.write(WHOLE)
        await reader.readuntil(b"ok\n")
        writer.write(HALF)
        assert await told(reader) == ""


async def test_idle_connection_is_closed_after_its_time() -> None:
    async with door(idle_seconds=0.2) as here:
        reader, _ = await here.connect(WHOLE)
        assert (await told(reader)).endswith("ok\n")


async def test_half_open_connections_do_not_block_new_requests() -> None:
    async with door(connections=8) as here:
        readers = [(await here.connect(HALF))[0] for _ in range(50)]
        assert await here.healthy()
        for reader in readers[:42]:
            assert await told(reader) == ""
        assert not readers[-1].at_eof()


async def test_unfinished_request_bodies_do_not_block_new_requests() -> None:
    begun = b"POST /reads HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n1"
    async with door(connections=8) as here:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(30):
                await here.connect(begun)
                await here.inside.acquire()
        assert await here.healthy()
        assert (await here.says(begun.replace(b"Host", b"Connection: close\r\nHost") + b"234567890")).endswith("10")


async def test_a_request_in_progress_is_never_closed_for_a_new_connection() -> None:
    async with door(connections=3) as here:
        working = [await here.connect(CLOSING.replace(b"/healthz", b"/waits")) for _ in range(3)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in working:
                await here.inside.acquire()
        assert await here.says(WHOLE) == ""
        here.open.set()
        for reader, _ in working:
            assert (await told(reader)).endswith("waited")
        assert await here.healthy()


async def test_a_body_is_cut_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_BODY_SECONDS", 0.2)
    async with door() as here:
        head = b"POST /reads HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n12345"
        assert (await here.says(head)).startswith("HTTP/1.1 408")
        assert await here.healthy()


@pytest.mark.parametrize("length", [b"Content-Length: 2000000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_is_too_large_is_refused_before_it_is_held(length: bytes) -> None:
    async with door() as here:
        chunks = b"" if b"Length" in length else (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 20
        head = b"POST /reads HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" + length + b"\r\n\r\n"
        assert (await here.says(head + chunks)).startswith("HTTP/1.1 413")


async def test_more_large_bodies_than_fit_are_refused_and_small_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_LARGE_BODIES", 2)
    async with door() as here:
        head = b"POST /reads HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"
        waiting = [await here.connect(head + b"x" * 70_000) for _ in range(2)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "503" not in await here.says(head + b"x" * 100_000):
                pass  # the two have not been read so far yet
        small = b"POST /reads HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 9\r\n\r\n123456789"
        assert (await here.says(small)).endswith("\r\n\r\n9")
        for reader, writer in waiting:
            writer.write(b"x" * 30_000)
            assert (await told(reader)).endswith("\r\n\r\n100000")
        assert (await here.says(head + b"x" * 100_000)).endswith("\r\n\r\n100000")


async def test_a_body_that_is_cut_off_or_badly_chunked_is_nobodys_error(caplog: pytest.LogCaptureFixture) -> None:
    async with door() as here:
        bad = b"POST /reads HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nnothing\r\n"
        assert " 400 " in await here.says(bad)
        _, writer = await here.connect(b"POST /reads HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n12")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await here.inside.acquire()
        writer.close()
        assert await here.healthy()
    assert "Traceback" not in caplog.text


async def test_a_compressed_body_is_not_unpacked() -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    async with door() as here:
        head = b"POST /reads HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: "
        said = await here.says(head + str(len(packed)).encode() + b"\r\n\r\n" + packed)
        assert said.endswith(f"\r\n\r\n{len(packed)}")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CLOSING, 200),
        (CLOSING.replace(b"/healthz", b"/nowhere"), 404),
        (CLOSING.replace(b"GET", b"DELETE"), 405),
        (CLOSING.replace(b"/healthz", b"/breaks"), 500),
        (b"POST /ignores HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", 401),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost here\r\n\r\n", 400),
        (CLOSING.replace(b"Host", b"Expect: \x80\r\nHost"), 417),
        (CLOSING.replace(b"/healthz", b"/nowhere").replace(b"Host", b"Expect: \x80\r\nHost"), 417),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
async def test_no_answer_tells_a_version_or_what_broke(
    sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with door() as here:
        said = await here.says(sent)
    head, _, body = said.partition("\r\n\r\n")
    assert head.startswith((f"HTTP/1.1 {status}", f"HTTP/1.0 {status}"))
    assert "Server: Paperboy\r\n" in f"{head}\r\n"
    assert not any(name in said.lower() for name in ("aiohttp", "python/", "traceback", "broken inside"))
    assert len(body) < 100
    assert ("broken inside" in caplog.text) == (status == 500)


async def test_the_number_of_connections_leaves_files_for_everything_else() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for files, most in ((256, 64), (1_024, 200)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
            assert served._affordable_connections() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
