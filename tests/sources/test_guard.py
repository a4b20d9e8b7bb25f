"""The guard: no feed and no redirect leads into the bot's own network."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from bot.sources.base import BadAddress, Unreachable
from bot.sources.fetch import Fetcher, Limits
from bot.sources.guard import is_public, refuse_inside_names, resolve
from tests.sources.conftest import FakeTime
from tests.support.paper_sources import PaperSources, Reply

PUBLIC = "93.184.215.14"


class Internet(httpx.AsyncBaseTransport):
    """A network in which one public address leads to the fake server, and so does the loopback."""

    def __init__(self, server: PaperSources) -> None:
        self._wire = httpx.AsyncHTTPTransport()
        self._port = server.port
        self.hosts: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        if request.url.host == PUBLIC:
            request.url = request.url.copy_with(host="127.0.0.1", port=self._port, scheme="http")
        return await self._wire.handle_async_request(request)

    async def aclose(self) -> None:
        await self._wire.aclose()


async def look_up(host: str, port: int) -> Sequence[str]:
    """A name server."""
    addresses = {
        "journal.example": [PUBLIC],
        "inside.example": ["10.0.0.7"],
        "both.example": [PUBLIC, "127.0.0.1"],
        "huggingface.example": [PUBLIC],
    }
    if host in addresses:
        return addresses[host]
    if host[0].isdigit() or ":" in host:
        return [host]
    raise OSError("no such name")


def guarded_fetcher(server: PaperSources, internet: Internet, fake_time: FakeTime) -> Fetcher:
    client = httpx.AsyncClient(transport=internet, trust_env=False)
    return Fetcher(client, clock=fake_time.clock(), resolve=look_up, limits=Limits(attempts=1))


async def test_the_connection_goes_to_the_address_that_was_checked(server: PaperSources, fake_time: FakeTime) -> None:
    server.answer("/feed", "x")
    internet = Internet(server)
    answer = await guarded_fetcher(server, internet, fake_time).get("http://journal.example/feed")
    assert (answer.body, answer.url) == (b"x", "http://journal.example/feed")
    assert internet.hosts == [PUBLIC]
    assert server.requests[0].headers["Host"] == "journal.example"
    assert server.requests[0].headers["Connection"] == "close"  # nobody else at that address may use it
    await internet.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/feed",
        "http://localhost/feed",
        "http://[::1]/feed",
        "http://169.254.169.254/latest/meta-data",
        "http://inside.example/feed",
        "http://both.example/feed",
    ],
)
async def test_an_untrusted_url_in_a_private_network_is_never_requested(
    server: PaperSources, fake_time: FakeTime, url: str
) -> None:
    internet = Internet(server)

    async def with_localhost(host: str, port: int) -> Sequence[str]:
        return await (resolve if host == "localhost" else look_up)(host, port)

    client = httpx.AsyncClient(transport=internet, trust_env=False)
    fetcher = Fetcher(client, clock=fake_time.clock(), resolve=with_localhost)
    with pytest.raises(BadAddress, match="private network"):
        await fetcher.get(url)
    assert internet.hosts == []


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_public_host_cannot_redirect_into_a_private_network(
    server: PaperSources, fake_time: FakeTime, trusted: bool
) -> None:
    secret = server.answer("/secret", "x")
    server.answer("/feed", Reply(status=302, headers={"Location": secret}))
    internet = Internet(server)
    start = f"http://{PUBLIC}/feed" if trusted else "http://journal.example/feed"
    with pytest.raises(BadAddress, match="private network"):
        await guarded_fetcher(server, internet, fake_time).get(start, trusted=trusted)
    assert server.paths() == ["/feed"]
    await internet.aclose()


async def test_an_operators_private_address_may_redirect_to_another(server: PaperSources, fake_time: FakeTime) -> None:
    server.answer("/feed", Reply(status=302, headers={"Location": server.answer("/moved", "x")}))
    internet = Internet(server)
    assert (await guarded_fetcher(server, internet, fake_time).get(server.url + "/feed", trusted=True)).body == b"x"
    await internet.aclose()


async def test_an_unknown_host_is_unreachable(server: PaperSources, fake_time: FakeTime) -> None:
    with pytest.raises(Unreachable, match=r"no host called nowhere\.example"):
        await guarded_fetcher(server, Internet(server), fake_time).get("http://nowhere.example/feed")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:4700::1111", True),
        ("::ffff:93.184.215.14", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:224.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("not an address", False),
        ("fec0::1", False),
        ("64:ff9b:1::1", False),
        ("64:ff9b:1:ffff::5db8:d70e", False),
        ("64:ff9b::5db8:d70e", True),
        ("::127.0.0.1", False),
        ("::93.184.215.14", False),
        ("::ffff:0:127.0.0.1", False),
        ("::ffff:0:5db8:d70e", False),
        ("192.0.0.8", False),
        ("192.0.0.9", False),
        ("168.63.129.16", False),
        ("100.100.100.200", False),
        ("fd00:ec2::254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a83f:8110::", False),
        ("2001:0:5db8:d70e::1", False),
        ("2001:20::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("100::1", False),
        ("192.88.99.1", False),
        ("192.31.196.1", False),
        ("192.52.193.1", False),
        ("192.175.48.1", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("ff02::1", False),
        ("4000::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "db.internal",
        "printer.local",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "localhost.",
        "127.0.0.1.",
        "foo.internal.",
        "LOCALHOST",
        "wiki",
        "wiki.corp",
        "nas.home.arpa",
        "router.lan..",
        "168.63.129.16.",
        "[::127.0.0.1]",
    ],
)
def test_private_host_names_are_refused_behind_a_proxy(host: str) -> None:
    with pytest.raises(BadAddress):
        refuse_inside_names(httpx.URL(f"http://{host}/"))


@pytest.mark.parametrize("host", ["journal.example", PUBLIC, "arxiv4.org", "[2606:4700::1111]"])
def test_public_host_names_are_allowed_behind_a_proxy(host: str) -> None:
    refuse_inside_names(httpx.URL(f"http://{host}/"))


@pytest.mark.parametrize("rule", ["http://wiki.corp.example", "wiki.corp.example:{port}", "wiki.corp.example", "*", ""])
async def test_no_proxy_never_lets_a_redirect_into_a_private_network(
    server: PaperSources, fake_time: FakeTime, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake server is both the proxy and the private host that the name leads to."""
    inside = f"http://wiki.corp.example:{server.port}/secret"
    server.answer("/secret", "x")
    server.answer("/feed", Reply(status=302, headers={"Location": inside}))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", rule.format(port=server.port))

    async def private_address(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    refused = False
    async with Fetcher(clock=fake_time.clock(), resolve=private_address, limits=Limits(attempts=1)) as fetcher:
        try:
            await fetcher.get("http://public.example/feed")
        except BadAddress:
            refused = True
    for request in server.requests:
        # Through a proxy the request line holds the whole address; asked directly it holds the path alone.
        assert request.headers["Host"] != "127.0.0.1"
    bypassed = rule != "" and not rule.startswith("http://")
    assert refused == bypassed
