"""Refuses addresses from strangers (feeds, redirects) that lead into the bot's own network."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

import httpx

from bot.sources.base import BadAddress, BadSurroundings, Unreachable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A function from host and port to the host's addresses. Raises OSError when the name is unknown."""

_ALLOCATED = IPv6Network("2000::/3")
"""All public IPv6 addresses. The others are private, special or not allocated (IANA's IPv6 registry)."""
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
_SPECIAL = tuple(
    map(
        ip_network,
        (
            # IANA's registries of special-purpose addresses, with those that Python 3.11 takes for public.
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20",
            # Azure's own services, at an address that looks public.
            "168.63.129.16/32",
        ),
    )
)  # fmt: skip
_SOCKS = ("socks5", "socks5h")
"""The kinds of SOCKS proxies that httpx speaks to, with the package socksio."""
_EXAMPLE = "http://proxy.example:3128"
_FEED_NAME = re.compile(r"\bfeed (\S{1,100}) \([0-9a-f]{6}\)")
_HOST = re.compile(
    r"(?<![\w.:-])(?:[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*[0-9a-f]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)", re.IGNORECASE
)
"""What may be a host in a text: an IPv6 address, or words with dots between."""
_INSIDE_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa")
"""Ends of names that no public name server knows (RFC 6761, 6762, 8375 and ICANN's decisions)."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host according to the operating system, IPv4 first: not every machine can use IPv6."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in infos)
    return sorted(addresses, key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Whether an IP address is certainly public. An IPv6 address that contains an IPv4 address (6to4, translators) is
    public if the IPv4 address is."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None)
        if inner is None and ip not in _ALLOCATED:
            return False
        ip = inner or ip
    return ip.is_global and not ip.is_multicast and not any(ip in special for special in _SPECIAL)


async def public_address(url: httpx.URL, resolve: Resolve) -> str:
    """A public address of the host of a URL. The caller connects to exactly this address: a second look-up could give
    another one.

    Raises BadAddress when any address of the host is not public, Unreachable when it has none.
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
    """Whether the host of a URL has an address that is not public."""
    try:
        await public_address(url, resolve)
    except BadAddress:
        return True
    except Unreachable:
        return False
    return False


def refuse_inside_names(url: httpx.URL) -> None:
    """Raises BadAddress for a host whose name is private. Nothing else is known where a proxy looks up the address."""
    host = url.host.lower().rstrip(".")
    try:
        # This also reads the spellings of IPv4 that resolvers understand: 127.1, 0x7f000001, 2130706433.
        address = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        address = host
    looks_like_address = ":" in address or address[-1:].isdecimal()
    # The proxy's network completes a name without a dot.
    private = not is_public(address) if looks_like_address else "." not in host or host.endswith(_INSIDE_NAMES)
    if private:
        raise _inside(url)


def without_private_hosts(text: str, source: str = "") -> str:
    """A sentence about a source, as all may read it: instead of each host in a private network, "a private server".
    `source` is the name of the source, which may name a host that is not known as a host by itself."""
    feed = _FEED_NAME.search(source or text)
    hosts = set(_HOST.findall(text)) | ({feed[1]} if feed else set())
    for host in sorted(hosts, key=len, reverse=True):
        if _is_private_name(host):
            text = text.replace(host, "a private server")
    return text


def _is_private_name(host: str) -> bool:
    try:
        if ":" in host:
            ip_address(host)
    except ValueError:  # a time of day
        return False
    try:
        refuse_inside_names(httpx.URL(scheme="http", host=host))
    except (BadAddress, httpx.InvalidURL):
        return True
    return False


def _inside(url: httpx.URL) -> BadAddress:
    return BadAddress(f"{url.host} is inside a private network; Paperboy follows strangers' links to public ones only.")


def proxy_for(url: httpx.URL) -> str:
    """The proxy that the environment names for a URL; "" if the host is asked directly. Raises BadSurroundings.

    Only this function reads NO_PROXY. httpx reads it in its own way, and where the two differed, a redirect was
    followed directly and without the guard.
    """
    if proxy_bypass(f"{url.host}:{url.port}" if url.port else url.host) or proxy_bypass(url.host):
        return ""
    proxies = getproxies()
    name = url.scheme if proxies.get(url.scheme) else "all"
    proxy = proxies.get(name) or ""
    proxy = proxy if "://" in proxy or not proxy else f"http://{proxy}"
    if proxy and not _is_usable(proxy):
        variable = next(
            (v for v in (f"{name}_proxy", f"{name.upper()}_PROXY") if os.environ.get(v)), "The proxy setting"
        )
        raise BadSurroundings(f"{variable} names {_unusable(proxy)}; one looks like {_EXAMPLE}.")
    return proxy


def _unusable(proxy: str) -> str:
    """What a proxy is that can't be used, and what mends it; never the proxy itself, which may hold a password."""
    scheme = proxy.partition("://")[0].lower()
    if scheme in _SOCKS and find_spec("socksio") is None:
        return "a SOCKS proxy: install the package socksio beside Paperboy, or name an HTTP proxy"
    if scheme.startswith("socks") and scheme not in _SOCKS:
        return f"a SOCKS proxy of another kind than {' and '.join(_SOCKS)}: name an HTTP proxy"
    return "no proxy that Paperboy can use"


def _is_usable(proxy: str) -> bool:
    try:
        url = httpx.URL(proxy)
    except httpx.InvalidURL:
        return False
    socks = url.scheme in _SOCKS and find_spec("socksio") is not None
    has_host = bool(url.host) and not re.search(r"[\s%]", url.host)
    return (url.scheme in ("http", "https") or socks) and has_host and 0 < (url.port or 80) < 65_536
