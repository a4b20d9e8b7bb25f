"""Hostile requests to every route of the running server: a plain answer each, 4xx and never 5xx, no traceback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlparse

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import load
from bot.store.database import Store
from bot.store.errors import StoreAway
from bot.web import server
from bot.website import website
from tests.fakes.clock import Clock
from tests.fakes.smtp import mail_server
from tests.page.conftest import Site
from tests.platforms.mail.mailbox import mail_platform
from tests.platforms.recording_service import RecordingService
from tests.support.harness import demo_papers, harness_over, paper

PATIENCE_SECONDS = 30
_FIELD = re.compile(r"\{(\w+)(?::([^{}]+))?\}")
NASTY = [
    *(
        "",
        "0",
        "-1",
        "101",
        "9999999999",
        "1e9",
        "²",
        "٣",
        "x" * 10_000,
        "\0",
        "a\0b",
        "\r\nX-Injected: yes",
        "%",
        "%zz",
    ),
    *(
        "../" * 50,
        "//evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "<script>alert(1)</script>",
        "{{7*7}}",
    ),
    *("0000-00-00", "0001-01-01", "9999-12-31", "2026-02-30", "99999-01-01", "2026-W54", "0001-W01", "2026-13", "--"),
    *("' OR 1=1 --", '"', "author:", "cat:", "(" * 500, "a OR " * 100, '"a b" ' * 80, "-" * 400, "*" * 400, "\ufeff"),
    *("day", "week", "best", "taught:0", "doi:10.1000/x", "math/0309136", "A" * 43, "é" * 300, "\U0001f4f0" * 100),
]
values = st.one_of(st.sampled_from(NASTY), st.text(max_size=60), st.binary(max_size=40))
PARAMETERS = ("q", "page", "sort", "period", "cat", "n", "place", "token", "state", "code", "email", "often")
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
headers = st.dictionaries(
    st.sampled_from([
        "Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "If-None-Match", "If-Modified-Since",
        "Accept", "Accept-Language", "Cookie", "Content-Type", "Range", "Expect", "Referer", "Origin", "Authorization",
    ]),
    st.one_of(
        st.sampled_from([
            "evil.example", "", "*", '"', 'W/"x"', '"x" garbage', "Fri, 01 Jan 99999999999 00:00:00 GMT", "text/html",
            "127.0.0.1, ::1, nonsense", "1.2.3.4" * 400, "bytes=0-1,5-", "multipart/form-data; boundary=", "a=b;" * 300,
            "application/x-www-form-urlencoded; charset=nonsense",
        ]),
        st.binary(max_size=30).map(lambda raw: re.sub(rb"[\r\n\0]", b"", raw).decode("latin-1")),
    ),
    max_size=4,
)  # fmt: skip


class Router:
    """The routes of a running server, as it has them."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    @asynccontextmanager
    async def watched(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        """Write down the routes of every server that is started."""
        add = web.Application.add_routes
        paths = self.paths

        def added(app: web.Application, routes: list[web.RouteDef]) -> object:
            paths.extend(sorted({route.path for route in routes if isinstance(route, web.RouteDef)}))
            return add(app, routes)

        with monkeypatch.context() as patch:
            patch.setattr(web.Application, "add_routes", added)
            yield


@pytest.fixture
async def router(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Router]:
    router = Router()
    async with router.watched(monkeypatch):
        yield router


@pytest.fixture
async def filled_site(router: Router, sqlite_store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[Site]:
    """The page, with that of mail."""
    bot = harness_over(
        sqlite_store, clock, web=load(None, {}).web.model_copy(update={"port": 0, "requests_per_minute": 0})
    )
    await bot.list_papers([*demo_papers()[:30], paper(1, upvotes=3)])
    async with mail_server() as server:
        mail, _ = mail_platform(sqlite_store, server, clock, tmp_path / "key")
        mail._pages.service = RecordingService()
        with_mail = replace(bot.app, platforms={**bot.app.platforms, "mail": mail})
        async with website(with_mail, required=True, clock=clock) as url, aiohttp.ClientSession() as client:
            yield Site(url, bot, client)
        await mail.outbox.settled()
        await mail._client.close()


def quoted(value: str | bytes) -> str:
    """A value in an address, its bytes as they are, also those that are no UTF-8."""
    return quote(value if isinstance(value, bytes) else value.encode(errors="surrogatepass"), safe="/:")


async def raw(site: Site, sent: bytes, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
    """The status and the text of the answer to bytes on a new connection; (0, "") if it is closed without one."""
    url = urlparse(site.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(seconds):
            answer = (await reader.read()).decode(errors="replace")
    except ConnectionError:
        answer = ""
    finally:
        writer.close()
    return (int(answer.split()[1]) if answer else 0), answer


def request(method: str, path: str, given: dict[str, str], body: bytes = b"") -> bytes:
    lines = {"Host": "localhost", **given, "Content-Length": str(len(body)), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def is_plain(status: int, answer: str) -> bool:
    """Whether an answer tells nothing of the inside, and leads to no other site."""
    head = answer.partition("\r\n\r\n")[0]
    location = re.search(r"\r\nLocation: ([^\r]*)", head)
    leads_away = location is not None and not re.match(r"/(?!/)", location[1])
    return status < 500 and "Traceback" not in answer and "X-Injected" not in head and not leads_away


async def test_every_route_answers_hostile_requests_plainly(
    router: Router, filled_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    assert {"/mail", "/search", "/paper/{id:.+}", "/trending", "/feeds/search.atom", "/healthz"} <= set(router.paths)
    loop = asyncio.get_running_loop()

    async def check(sent: bytes) -> None:
        status, answer = await raw(filled_site, sent)
        assert is_plain(status, answer), (sent, answer[:500])

    @settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        for pattern in router.paths:
            path = _FIELD.sub(lambda _: quoted(data.draw(values)), pattern)[:7_000]
            query = data.draw(st.dictionaries(st.sampled_from(PARAMETERS), values, max_size=3))
            text = "&".join(f"{name}={quoted(value)}"[:6_000] for name, value in query.items())
            method, body = data.draw(methods), data.draw(st.binary(max_size=200))
            sent = request(method, f"{path}?{text}" if text else path, data.draw(headers), body)
            asyncio.run_coroutine_threadsafe(check(sent), loop).result(PATIENCE_SECONDS)

    await asyncio.to_thread(fuzz)
    assert "Traceback" not in caplog.text
    assert "could not be answered" not in caplog.text
    assert (await filled_site.get("/")).status == 200


@pytest.mark.parametrize("value", NASTY)
async def test_each_nasty_value_in_each_public_page(filled_site: Site, value: str) -> None:
    name = quoted(value)[:7_000]
    for path in (
        *(f"/{kind}/{name}" for kind in ("day", "week", "month", "paper")),
        *(
            f"/?page={name}",
            f"/search?q={name}",
            f"/search?q=graph&sort={name}&page={name}",
            f"/trending?period={name}",
        ),
        *(f"/feeds/search.atom?q={name}", f"/feeds?q={name}", f"/mail?q={name}", f"/mail?link={name}"),
    ):
        status, answer = await raw(filled_site, request("GET", path, {"Accept": "text/html"}))
        assert status in (200, 302, 400, 404, 413, 414), (path[:200], answer[:300])
        assert is_plain(status, answer)
        assert "<script" not in answer


async def test_head_answers_as_get_without_a_body(router: Router, filled_site: Site) -> None:
    for path in ("/", "/search?q=graphs", "/paper/2603.00001", "/trending", "/nowhere", "/feeds", "/healthz"):
        get, head = await filled_site.get(path), await filled_site.ask("HEAD", path)
        assert (head.status, head.text) == (get.status, "")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("host", ["evil.example", "", "a" * 5_000, "127.0.0.1:99999", "[::1", "x y"])
async def test_a_hostile_host_is_on_no_page(filled_site: Site, host: str) -> None:
    for path in ("/", "/paper/2603.00001", "/paper/2603.00001v1", "/feeds", "/feeds/day.atom", "/nowhere"):
        _, answer = await raw(
            filled_site, request("GET", path, {"Host": host, "X-Forwarded-Host": host or "evil.example"})
        )
        assert "evil.example" not in answer


async def test_large_and_slow_bodies_do_no_harm(
    router: Router, filled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_BODY_SECONDS", 0.2)
    monkeypatch.setattr(server, "_UNREAD_SECONDS", 0.2)
    for pattern in router.paths:
        path = _FIELD.sub("2603.00001", pattern)
        for method in ("POST", "GET"):
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n"
            )
            status, answer = await raw(filled_site, head.encode() + b"x" * 2_000)
            assert is_plain(status, answer), (path, answer[:300])
    assert (await filled_site.get("/")).status == 200


async def test_a_store_that_is_away_is_a_plain_503(
    filled_site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(store: Store) -> object:
        raise StoreAway("The connection to the database was cut; it is built up again.")

    monkeypatch.setattr(Store, "read", away)
    for path in ("/", "/search?q=graphs", "/paper/2603.00001", "/trending"):
        answer = await filled_site.get(path)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "The papers can&#39;t be read now. Try again in a moment." in answer.text
    assert "Traceback" not in caplog.text
