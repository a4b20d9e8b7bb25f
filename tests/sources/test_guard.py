"""No feed and no redirect leads into the bot's own network."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from bot.sources.base import BadAddress, Unreachable
from bot.sources.fetch import Fetcher, Limits
from bot.sources.guard import is_public, refuse_inside_names, resolve
from tests.sources.conftest import Standing
from tests.support.paper_sources import PaperSources, Reply

PUBLIC = "93.184.215.14"


class Internet(httpx.AsyncBaseTransport):
    """The network as it lies between the bot and `world`: one public address leads there, and so does the loopback."""

    def __init__(self, world: PaperSources) -> None:
        self._wire = httpx.AsyncHTTPTransport()
        self._port = world.port
        self.hosts: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        if request.url.host == PUBLIC:
            request.url = request.url.copy_with(host="127.0.0.1", port=self._port, scheme="http")
        return await self._wire.handle_async_request(request)

    async def aclose(self) -> None:
        await self._wire.aclose()


async def names(host: str, port: int) -> Sequence[str]:
    """A name server."""
    known = {
        "journal.example": [PUBLIC],
        "inside.example": ["10.0.0.7"],
        "both.example": [PUBLIC, "127.0.0.1"],
        "huggingface.example": [PUBLIC],
    }
    if host in known:
        return known[host]
    if host[0].isdigit() or ":" in host:
        return [host]
    raise OSError("no such name")


def guarded(world: PaperSources, internet: Internet, standing: Standing) -> Fetcher:
    client = httpx.AsyncClient(transport=internet, trust_env=False)
    return Fetcher(client, clock=standing.clock(), resolve=names, limits=Limits(attempts=1))


async def test_a_public_feed_is_read_from_the_very_address_that_was_looked_at(
    world: PaperSources, standing: Standing
) -> None:
    world.answer("/feed", "x")
    internet = Internet(world)
    answer = await guarded(world, internet, standing).get("http://journal.example/feed")
    assert (answer.body, answer.url) == (b"x", "http://journal.example/feed")
    assert internet.hosts == [PUBLIC]
    assert world.asked[0].headers["Host"] == "journal.example"
    assert world.asked[0].headers["Connection"] == "close"  # nobody else at that address may use it
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
async def test_a_feed_inside_the_network_is_never_asked_for(world: PaperSources, standing: Standing, url: str) -> None:
    internet = Internet(world)

    async def with_localhost(host: str, port: int) -> Sequence[str]:
        return await (resolve if host == "localhost" else names)(host, port)

    client = httpx.AsyncClient(transport=internet, trust_env=False)
    fetcher = Fetcher(client, clock=standing.clock(), resolve=with_localhost)
    with pytest.raises(BadAddress, match="private network"):
        await fetcher.get(url)
    assert internet.hosts == []


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_public_host_cannot_redirect_inside(world: PaperSources, standing: Standing, trusted: bool) -> None:
    secret = world.answer("/secret", "x")
    world.answer("/feed", Reply(status=302, headers={"Location": secret}))
    internet = Internet(world)
    start = f"http://{PUBLIC}/feed" if trusted else "http://journal.example/feed"
    with pytest.raises(BadAddress, match="private network"):
        await guarded(world, internet, standing).get(start, trusted=trusted)
    assert world.paths() == ["/feed"]
    await internet.aclose()


async def test_an_operators_private_address_may_redirect_to_another(world: PaperSources, standing: Standing) -> None:
    world.answer("/feed", Reply(status=302, headers={"Location": world.answer("/moved", "x")}))
    internet = Internet(world)
    assert (await guarded(world, internet, standing).get(world.url + "/feed", trusted=True)).body == b"x"
    await internet.aclose()


async def test_a_host_that_does_not_exist_is_said_so(world: PaperSources, standing: Standing) -> None:
    with pytest.raises(Unreachable, match=r"no host called nowhere\.example"):
        await guarded(world, Internet(world), standing).get("http://nowhere.example/feed")


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
def test_a_proxy_is_not_asked_for_names_that_are_inside_by_themselves(host: str) -> None:
    with pytest.raises(BadAddress):
        refuse_inside_names(httpx.URL(f"http://{host}/"))


@pytest.mark.parametrize("host", ["journal.example", PUBLIC, "arxiv4.org", "[2606:4700::1111]"])
def test_a_proxy_is_asked_for_every_other_name(host: str) -> None:
    refuse_inside_names(httpx.URL(f"http://{host}/"))


@pytest.mark.parametrize("rule", ["http://wiki.corp.example", "wiki.corp.example:{port}", "wiki.corp.example", "*", ""])
async def test_a_redirect_to_a_host_inside_is_never_followed_directly_whatever_no_proxy_says(
    world: PaperSources, standing: Standing, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`world` is both the proxy and the host inside that the name leads to."""
    inside = f"http://wiki.corp.example:{world.port}/secret"
    world.answer("/secret", "x")
    world.answer("/feed", Reply(status=302, headers={"Location": inside}))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", world.url)
    monkeypatch.setenv("NO_PROXY", rule.format(port=world.port))

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    asked: list[tuple[str, str]] = []
    async with Fetcher(clock=standing.clock(), resolve=look_up, limits=Limits(attempts=1)) as fetcher:
        try:
            await fetcher.get("http://public.example/feed")
        except BadAddress:
            asked.append(("refused", ""))
    for request in world.asked:
        # Through a proxy the request line holds the whole address; asked directly it holds the path alone.
        assert request.headers["Host"] != "127.0.0.1"
    bypassed = rule != "" and not rule.startswith("http://")
    assert bool(asked) == bypassed
