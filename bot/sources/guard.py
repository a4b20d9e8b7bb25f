"""Keeps addresses that strangers give (feeds, redirects) out of the bot's own network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.request import getproxies, proxy_bypass

import httpx

from bot.sources.base import BadAddress, Unreachable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses. Raises OSError when the name is unknown."""

_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in IPv6 clothes


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` as the operating system knows them, IPv4 first: not every machine can speak IPv6."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return sorted(addresses, key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the world at large: not loopback, private, link-local, multicast or reserved."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None)
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


async def public_address(url: httpx.URL, resolve: Resolve) -> str:
    """One public address of the host of `url`, to connect to exactly that one: a second look-up could answer otherwise.

    Raises BadAddress when any address of the host is not public, Unreachable when there is none.
    """
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    try:
        addresses = await resolve(url.host, port)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"There is no host called {url.host}; check the address for a typing error.") from error
    if not addresses:
        raise Unreachable(f"The host {url.host} has no address.")
    if not all(map(is_public, addresses)):
        raise _inside(url)
    return addresses[0]


async def leads_inside(url: httpx.URL, resolve: Resolve) -> bool:
    """Whether the host of `url` has an address that is not public."""
    try:
        await public_address(url, resolve)
    except BadAddress:
        return True
    except Unreachable:
        return False
    return False


def refuse_inside_names(url: httpx.URL) -> None:
    """Raises BadAddress for a host that is inside by its very name: what can be known when a proxy looks names up."""
    try:
        # Also the spellings of IPv4 that resolvers understand: 127.1, 0x7f000001, 2130706433.
        address = socket.inet_ntoa(socket.inet_aton(url.host))
    except OSError:
        address = url.host
    looks_like_address = ":" in address or address[-1:].isdecimal()
    inside = url.host == "localhost" or url.host.endswith((".localhost", ".local", ".internal"))
    if inside or (looks_like_address and not is_public(address)):
        raise _inside(url)


def _inside(url: httpx.URL) -> BadAddress:
    return BadAddress(f"{url.host} is inside a private network; Paperboy follows strangers' links to public ones only.")


def goes_through_proxy(url: httpx.URL) -> bool:
    """Whether the environment sends requests for `url` through a proxy, which then looks the name up itself."""
    return url.scheme in getproxies() and not proxy_bypass(url.host)
