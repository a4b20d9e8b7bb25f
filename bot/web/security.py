"""The security headers of every answer, the address of a client behind proxies, and a limit on requests by address."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from aiohttp import web

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""No script at all, no inline style, no frame, nothing from other servers."""
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",  # the address of a channel's page is a secret
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRIVATE_HEADERS = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex, nofollow"}
"""The headers of a page that only the holders of its secret address may see."""
PRIVATE_PATHS = ("/c/", "/feeds/c/")
"""The beginnings of the paths with a secret of a channel in them. All answers there have `PRIVATE_HEADERS`."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_HOPS = 20
"""Entries of X-Forwarded-For that are read, from the right. A client can write as many as it likes on the left."""
_IPV6_PREFIX = 64
"""Bits of an IPv6 address that count as one client: a customer has at least so large a network."""
_MOST_CLIENTS = 10_000
_UNLIMITED = "is_unlimited"
HandlerFunction = TypeVar("HandlerFunction", bound=Callable[..., Any])


def networks_of(values: Iterable[str]) -> tuple[Network, ...]:
    """The networks that texts like 10.0.0.0/8 or ::1 name. Raises ValueError."""
    return tuple(ipaddress.ip_network(value, strict=False) for value in values)


def others_reach(host: str) -> bool:
    """Whether other machines may reach a server by the address that it listens on: neither one of this machine alone,
    nor one that stands for all addresses. A name other than localhost may be reached.

    >>> [others_reach(host) for host in ("192.168.1.5", "papers.local", "127.0.0.1", "localhost", "0.0.0.0", "::")]
    [True, True, False, False, False, False]
    """
    address = _parsed(host)
    if address is None:
        return bool(host) and host != "localhost" and not host.endswith(".localhost")
    return not (address.is_loopback or address.is_unspecified)


def client_address(request: web.Request, trusted_proxies: Iterable[Network]) -> str:
    """The address of the client that sent a request.

    `X-Forwarded-For` is believed only from a trusted proxy, and only its rightmost entry that is none of the trusted
    proxies. "" if the connection has no address.
    """
    address = _parsed(request.remote or "")
    if address is None:
        return ""
    networks = tuple(trusted_proxies)
    hops = [hop for value in request.headers.getall("X-Forwarded-For", []) for hop in value[-2_000:].split(",")]
    for hop in reversed(hops[-_MOST_HOPS:]):
        if not _is_in(address, networks):
            break
        earlier = _parsed(hop)
        if earlier is None:
            break
        address = earlier
    return str(address)


class RateLimiter:
    """A token bucket for each client: `burst` requests at once, and then `per_second` on the long run.

    `seconds` is a clock that only runs forward. The clients that were seen last are kept; there are at most 10,000.
    """

    def __init__(self, per_second: float, burst: float, seconds: Callable[[], float]) -> None:
        self._per_second, self._burst, self._seconds = per_second, burst, seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_until_allowed(self, address: str) -> float:
        """Take one request from the client's bucket. Returns 0, or the seconds until the next request is allowed."""
        client, now = _client(address), self._seconds()
        tokens, at = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        is_allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if is_allowed else tokens, now)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - tokens) / self._per_second


def unlimited(handler: HandlerFunction) -> HandlerFunction:
    """Mark a handler whose requests are not limited: those of a platform, whose many members have one address, and
    those that ask whether the bot is well."""
    setattr(handler, _UNLIMITED, True)
    return handler


def is_unlimited(handler: object) -> bool:
    """Whether the requests of a handler are not limited."""
    return getattr(handler, _UNLIMITED, False)


def _client(address: str) -> str:
    """The name of a client's bucket: its IPv4 address, or the network of its IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX), strict=False))
    return address


def _parsed(text: str) -> Address | None:
    """The address in a text, which may be an entry of X-Forwarded-For with a port; None if there is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
