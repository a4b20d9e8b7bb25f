"""The client's address behind proxies, and the limit on its requests."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from bot.web.security import RateLimiter, client_address, networks_of

TRUSTED = networks_of(["127.0.0.1", "10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("connection", "forwarded", "client"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the client wrote the first itself
        ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # no proxy of ours
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("::1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1," * 5_000 + "203.0.113.7", "203.0.113.7"),
    ],
)
def test_only_a_trusted_proxy_tells_the_client(connection: str, forwarded: str, client: str) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert client_address(request.clone(remote=connection), TRUSTED) == client


@given(st.text(max_size=200))
def test_any_header_gives_some_address(forwarded: str) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request.clone(remote="127.0.0.1"), TRUSTED)


def test_a_client_has_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    limiter = RateLimiter(2.0, 3, lambda: now[0])
    assert [limiter.seconds_until_allowed("203.0.113.7") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.seconds_until_allowed("203.0.113.8") == 0
    now[0] = 0.5
    assert limiter.seconds_until_allowed("203.0.113.7") == 0
    assert limiter.seconds_until_allowed("203.0.113.7") > 0


def test_a_network_of_ipv6_is_one_client() -> None:
    limiter = RateLimiter(1.0, 1, lambda: 0.0)
    assert limiter.seconds_until_allowed("2001:db8::1") == 0
    assert limiter.seconds_until_allowed("2001:db8::2") > 0
    assert limiter.seconds_until_allowed("2001:db8:0:1::2") == 0


def test_only_so_many_clients_are_kept() -> None:
    limiter = RateLimiter(1.0, 1, lambda: 0.0)
    for number in range(10_001):
        limiter.seconds_until_allowed(f"client {number}")
    assert limiter.seconds_until_allowed("client 10000") > 0
    assert limiter.seconds_until_allowed("client 0") == 0
