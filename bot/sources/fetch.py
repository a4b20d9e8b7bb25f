"""Fetches documents from the web, politely and within limits."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from bot.sources.base import BadAddress, BadSurroundings, RateLimited, Refused, TimedOut, Unreachable
from bot.sources.body import body_of
from bot.sources.guard import Resolve, leads_inside, proxy_for, public_address, refuse_inside_names, resolve
from bot.sources.host_throttle import Clock, HostThrottle

USER_AGENT = "Paperboy (self-hosted; reads lists of research papers once a day)"
PACES = {"arxiv.org": 3.0, "biorxiv.org": 1.0, "openreview.net": 1.0}
"""Seconds between two requests to a host. arXiv's terms for its API ask for three, over a single connection, to all of
its hosts together; the others name no number."""

_VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_DEEPEST_CAUSE = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a request: times in seconds, `size` in bytes, for a packed and for an unpacked body."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    size: int = 10_000_000
    redirects: int = 5
    attempts: int = 4
    patience: float = 60.0  # the longest wait that a host may ask for; after a longer one, the next run tries again


@dataclass(frozen=True, slots=True)
class Answer:
    """A document. If it is `unchanged` there is no body, and the result of the last one is still valid.

    `memory` holds the validators (ETag, Last-Modified) for the next request, under keys that name the requested URL.
    """

    url: str
    status: int
    body: bytes = b""
    charset: str = ""
    memory: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The short ones, with names in lower case."""

    @property
    def unchanged(self) -> bool:
        """Whether the server answered that nothing has changed since the memory that was sent."""
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def host(self) -> str:
        """The host that answered. Sentences name only this, since the rest of an address may hold a secret."""
        return httpx.URL(self.url).host


@dataclass(frozen=True, slots=True)
class _Request:
    url: httpx.URL
    conditions: Mapping[str, str]
    trusted: bool
    pace: str
    readable: Collection[int] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)

    def headers_for(self, url: httpx.URL) -> Mapping[str, str]:
        """The headers of a request to `url`. Headers may hold a key: another server, to which a redirect leads, never
        gets them, nor does this one without encryption."""
        mine, other = self.url, url
        return self.headers if (mine.scheme, mine.host, mine.port) == (other.scheme, other.host, other.port) else {}


class Fetcher:
    """Fetches documents, from each host one at a time and never faster than its pace. A process has one Fetcher.

    `paces` maps hosts to the seconds between two requests. A host's pace is also that of its subdomains.
    """

    def __init__(
        self,
        client: httpx.AsyncClient | None = None,
        *,
        limits: Limits | None = None,
        paces: Mapping[str, float] = PACES,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        resolve: Resolve = resolve,
        user_agent: str = USER_AGENT,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = clock or Clock()
        self._borrowed = client is not None
        self._client = client
        self._proxy_clients: dict[str, httpx.AsyncClient] = {}
        self._timeout = httpx.Timeout(self.limits.read, connect=self.limits.connect)
        self._paces = paces
        self._jitter = jitter
        self._resolve = resolve
        self._user_agent = user_agent
        self._throttles: dict[str, HostThrottle] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._proxy_clients.values():
            await client.aclose()
        if self._client and not self._borrowed:
            await self._client.aclose()

    async def get(
        self,
        url: str,
        *,
        memory: Mapping[str, str] | None = None,
        trusted: bool = False,
        pace: str = "",
        readable: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The document at `url`. A failed request is repeated if another try may help.

        `memory` makes the request conditional. If it is `trusted`, the operator wrote the URL, and a private address is
        allowed. `pace` names the host whose pace is kept, for a URL that replaces that host. An answer whose status is
        in `readable` is returned too. `headers` are sent to this very server alone. Raises SourceError.
        """
        validators = memory or {}
        conditions = {
            header: value for name, header in _VALIDATORS.items() if (value := validators.get(f"{name} {url}"))
        }
        request = _Request(_address(url), conditions, trusted, pace, readable, headers or {})
        for attempt in itertools.count(1):
            try:
                answer = await self._follow(request)
            except (Refused, Unreachable) as error:
                if attempt >= self.limits.attempts or not self._may_succeed_later(error):
                    raise
            else:
                return replace(answer, memory={f"{name} {url}": value for name, value in answer.memory.items()})
            # Exponential backoff with equal jitter: M. Brooker, "Exponential Backoff And Jitter", AWS blog, 2015.
            await self.clock.sleep(min(30.0, 2.0 ** (attempt - 1)) * (0.5 + self._jitter() / 2))
        raise AssertionError  # itertools.count has no end

    async def post(
        self,
        url: str,
        value: object,
        *,
        trusted: bool = False,
        pace: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a value sent as JSON. It is sent once: a server that did not answer may have taken it. A
        redirect is not followed. Raises SourceError."""
        content = json.dumps(value).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self._follow(_Request(_address(url), {}, trusted, pace, headers=sent, content=content))

    def _may_succeed_later(self, error: Refused | Unreachable) -> bool:
        if isinstance(error, RateLimited):
            return error.retry_after <= self.limits.patience
        if isinstance(error, Refused):
            return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return not isinstance(error, TimedOut)  # a slow server would have to do the same work again

    async def _follow(self, request: _Request) -> Answer:
        url, guarded = request.url, not request.trusted
        for _ in range(self.limits.redirects + 1):
            throttle = self._throttle(url.host, request.pace)
            async with throttle.turn():
                answer = await self._send(request, url, guarded, throttle)
            if isinstance(answer, Answer):
                return answer
            if request.content is not None:
                raise Refused(f"{url.host} sends us elsewhere; check its address.", HTTPStatus.FOUND)
            url = answer
            guarded = not (request.trusted and await leads_inside(request.url, self._resolve))
        raise Refused(f"{request.url.host} sends its readers in circles; check its address.", HTTPStatus.FOUND)

    async def _send(
        self, request: _Request, url: httpx.URL, guarded: bool, throttle: HostThrottle
    ) -> Answer | httpx.URL:
        """Send one request: the answer, or the URL of a redirect."""
        host = url.host
        try:
            async with asyncio.timeout(self.limits.total):
                # The proxy is chosen once, for the guard and for the connection.
                proxy = "" if self._borrowed else proxy_for(url)
                http_request = await self._build(request, url, guarded, proxy)
                response = await self._client_for(proxy).send(http_request, stream=True, follow_redirects=False)
                try:
                    location = response.headers.get("location")
                    if response.status_code in _REDIRECTS and location:
                        return _address(location, url)
                    self._raise_for_status(response, host, request, throttle)
                    unchanged = response.status_code == HTTPStatus.NOT_MODIFIED
                    body = b"" if unchanged else await body_of(response, host, self.limits.size)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ReadTimeout) as error:
            raise TimedOut(f"{host} took too long to answer; the next run will try again.") from error
        except httpx.InvalidURL as error:  # httpx parses the address of a redirect even if it does not follow it
            raise BadAddress(f"{host} redirects to what is not a web address.") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            if reason := distrust(error):
                raise BadSurroundings(
                    f"{host}'s certificate is not trusted ({reason}). Behind a proxy that reads along, or with an "
                    "authority of your own, name the file with that authority's certificate in SSL_CERT_FILE."
                ) from error
            raise Unreachable(f"{host} could not be reached or hung up; the next run will try again.") from error
        memory = {name: value for name in _VALIDATORS if _can_be_sent_back(value := response.headers.get(name, ""))}
        if unchanged:
            sent = {name: value for name, header in _VALIDATORS.items() if (value := request.conditions.get(header))}
            memory = sent | memory
        if backoff := self._seconds(response.headers.get("backoff", "")):  # Zotero's API may send it with any answer
            throttle.rest(backoff)
        headers = {name.lower(): value for name, value in response.headers.items() if _can_be_sent_back(value)}
        return Answer(str(url), response.status_code, body, response.charset_encoding or "", memory, headers)

    def _client_for(self, proxy: str) -> httpx.AsyncClient:
        if not proxy:
            self._client = self._client or direct_client()
            return self._client
        if proxy not in self._proxy_clients:
            self._proxy_clients[proxy] = direct_client(proxy)
        return self._proxy_clients[proxy]

    async def _build(self, request: _Request, url: httpx.URL, guarded: bool, proxy: str) -> httpx.Request:
        method = "GET" if request.content is None else "POST"
        headers = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip", **request.conditions}
        headers |= request.headers_for(url)
        if guarded and proxy:
            refuse_inside_names(url)
        elif guarded:
            address = await public_address(url, self._resolve)
            # A connection is kept for one host name. Hosts that share an address must not share the connection.
            headers |= {"Host": url.netloc.decode("ascii"), "Connection": "close"}
            return self._client_for("").build_request(
                method,
                url.copy_with(host=address),
                content=request.content,
                headers=headers,
                timeout=self._timeout,
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
        return self._client_for(proxy).build_request(
            method, url, content=request.content, headers=headers, timeout=self._timeout
        )

    def _raise_for_status(self, response: httpx.Response, host: str, request: _Request, throttle: HostThrottle) -> None:
        """Raises RateLimited or Refused, unless the status means that there is an answer to read."""
        status = response.status_code
        retry_after = response.headers.get("retry-after", "")
        if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after):
            wait = self._seconds(retry_after)
            throttle.rest(wait)
            raise throttle.limited(status, wait)
        if (
            status == HTTPStatus.OK
            or status in request.readable
            or (status == HTTPStatus.NOT_MODIFIED and request.conditions)
        ):
            return
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise Refused(f"{host} has nothing at this address ({status}); check it for a typing error.", status)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Refused(f"{host} is out of order ({status}); the next run will try again.", status)
        raise Refused(f"{host} refused to answer ({status}).", status)

    def _seconds(self, retry_after: str) -> float:
        """The seconds from now that a Retry-After header means, in seconds or as an HTTP date; 0 for anything else."""
        if retry_after.isdecimal():
            return float(retry_after[:9])
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return 0.0
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - self.clock.now()).total_seconds())

    def _throttle(self, host: str, pace: str) -> HostThrottle:
        paced = [name for name in self._paces if host == name or host.endswith(f".{name}")]
        name = pace or max(paced, key=len, default=host)
        if name not in self._throttles:
            self._throttles[name] = HostThrottle(name, self._paces.get(name, 0.0), self.limits.patience, self.clock)
        return self._throttles[name]


def distrust(error: BaseException) -> str:
    """Why a certificate was not trusted, if that is behind an error, else ""."""
    cause: BaseException | None = error
    for _ in range(_DEEPEST_CAUSE):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (cause.verify_message or "no reason given").rstrip(".")
        cause = (cause.__cause__ or cause.__context__) if cause else None
    return ""


def direct_client(proxy: str = "") -> httpx.AsyncClient:
    """A client that connects directly, or through a proxy, and reads no proxy from the environment. Raises
    BadSurroundings if SSL_CERT_FILE or SSL_CERT_DIR can't be used."""
    # Cookies would connect requests that have nothing to do with each other.
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    # SSL_CERT_FILE and SSL_CERT_DIR are still read, but no proxy and no .netrc.
    try:
        tls = httpx.create_ssl_context()
    except OSError as error:  # also the errors of ssl
        variable = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        raise BadSurroundings(
            f"{variable} names no readable file of certificates; let it name one in PEM form, or unset it."
        ) from error
    return httpx.AsyncClient(cookies=cookies, proxy=proxy or None, verify=tls, trust_env=False)


def _address(url: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        address = base.join(url) if base else httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise BadAddress(
            f"{base.host} redirects to what is not a web address."
            if base
            else "This is not a web address; one looks like https://example.org/feed.xml."
        )
    return address.copy_with(fragment=None)


def _can_be_sent_back(value: str) -> bool:
    """Whether a validator fits into the header of the next request."""
    return 0 < len(value) <= 500 and value.isascii() and value.isprintable()
