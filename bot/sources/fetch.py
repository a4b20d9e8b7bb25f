"""One polite, bounded way to ask the web for a document."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from bot.sources.base import BadAddress, RateLimited, Refused, TimedOut, Unreachable
from bot.sources.body import body_of
from bot.sources.guard import Resolve, leads_inside, proxy_for, public_address, refuse_inside_names, resolve
from bot.sources.host_throttle import Clock, HostThrottle

USER_AGENT = "Paperboy (self-hosted; reads lists of research papers once a day)"
ARXIV_PACE = {"arxiv.org": 3.0}
"""arXiv's terms for its API: one request in three seconds over a single connection, for all of its hosts together."""

_VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much: times in seconds, `size` in bytes, packed and unpacked alike."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    size: int = 10_000_000
    redirects: int = 5
    attempts: int = 4
    patience: float = 60.0  # the longest wait for a better moment; what takes longer is left to the next run


@dataclass(frozen=True, slots=True)
class Answer:
    """A document; when it is `unchanged` there is no body, and what was made of the last one still holds.

    `memory` holds the validators for the next request, under keys that name the URL asked for.
    """

    url: str
    status: int
    body: bytes = b""
    charset: str = ""
    memory: Mapping[str, str] = field(default_factory=dict)

    @property
    def unchanged(self) -> bool:
        """Whether the server said that nothing is new since the memory it was asked with."""
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def host(self) -> str:
        """Who answered: all that a sentence may name, since the rest of an address can hold a secret."""
        return httpx.URL(self.url).host


@dataclass(frozen=True, slots=True)
class _Ask:
    url: httpx.URL
    conditions: Mapping[str, str]
    trusted: bool
    pace: str
    readable: Collection[int]


class Fetcher:
    """Asks for documents, one at a time from each host and never faster than its pace; use one in a process.

    `paces` are seconds between two requests by host; a host stands for its subdomains too.
    """

    def __init__(
        self,
        client: httpx.AsyncClient | None = None,
        *,
        limits: Limits | None = None,
        paces: Mapping[str, float] = ARXIV_PACE,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        resolve: Resolve = resolve,
        user_agent: str = USER_AGENT,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = clock or Clock()
        self._borrowed = client is not None
        self._client = client or _direct()
        self._through: dict[str, httpx.AsyncClient] = {}
        self._timeout = httpx.Timeout(self.limits.read, connect=self.limits.connect)
        self._paces = paces
        self._jitter = jitter
        self._resolve = resolve
        self._user_agent = user_agent
        self._throttles: dict[str, HostThrottle] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._through.values():
            await client.aclose()
        if not self._borrowed:
            await self._client.aclose()

    async def get(
        self,
        url: str,
        *,
        memory: Mapping[str, str] | None = None,
        trusted: bool = False,
        pace: str = "",
        readable: Collection[int] = (),
    ) -> Answer:
        """The document at `url`, asked for again while that is worth it.

        `memory` makes the request conditional. `trusted`: the operator wrote `url`, so a private address is meant.
        `pace` names the host whose pace is kept when `url` stands in for it. A status in `readable` is an answer too.
        Raises SourceError.
        """
        known = memory or {}
        conditions = {asks: known[f"{name} {url}"] for name, asks in _VALIDATORS.items() if f"{name} {url}" in known}
        ask = _Ask(_address(url), conditions, trusted, pace, readable)
        for attempt in itertools.count(1):
            try:
                answer = await self._follow(ask)
            except (Refused, Unreachable) as error:
                if attempt >= self.limits.attempts or not self._is_worth_another_try(error):
                    raise
            else:
                kept = {f"{name} {url}": value for name, value in answer.memory.items()}
                return replace(answer, memory=kept)
            # Exponential backoff with equal jitter: M. Brooker, "Exponential Backoff And Jitter", AWS blog, 2015.
            await self.clock.sleep(min(30.0, 2.0 ** (attempt - 1)) * (0.5 + self._jitter() / 2))
        raise AssertionError  # itertools.count has no end

    def _is_worth_another_try(self, error: Refused | Unreachable) -> bool:
        if isinstance(error, RateLimited):
            return error.retry_after <= self.limits.patience
        if isinstance(error, Refused):
            return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return not isinstance(error, TimedOut)  # the slow one would have to do the same heavy work again

    async def _follow(self, ask: _Ask) -> Answer:
        where, guarded = ask.url, not ask.trusted
        for _ in range(self.limits.redirects + 1):
            throttle = self._throttle(where.host, ask.pace)
            async with throttle.turn():
                step = await self._step(ask, where, guarded, throttle)
            if isinstance(step, Answer):
                return step
            where = step
            guarded = not (ask.trusted and await leads_inside(ask.url, self._resolve))
        raise Refused(f"{ask.url.host} sends its readers in circles; check its address.", HTTPStatus.FOUND)

    async def _step(self, ask: _Ask, where: httpx.URL, guarded: bool, throttle: HostThrottle) -> Answer | httpx.URL:
        """One request: the answer, or where it points."""
        host = where.host
        try:
            async with asyncio.timeout(self.limits.total):
                # Decided once, for the guard and for the connection.
                proxy = "" if self._borrowed else proxy_for(where)
                request = await self._request(where, ask.conditions, guarded, proxy)
                response = await self._client_for(proxy).send(request, stream=True, follow_redirects=False)
                try:
                    location = response.headers.get("location")
                    if response.status_code in _REDIRECTS and location:
                        return _address(location, where)
                    self._judge(response, host, ask, throttle)
                    unchanged = response.status_code == HTTPStatus.NOT_MODIFIED
                    body = b"" if unchanged else await body_of(response, host, self.limits.size)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ReadTimeout) as error:
            raise TimedOut(f"{host} took too long to answer; the next run will try again.") from error
        except httpx.InvalidURL as error:  # httpx looks at a redirect even when told not to follow it
            raise BadAddress(f"{host} redirects to what is not a web address.") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Unreachable(f"{host} could not be reached or hung up; the next run will try again.") from error
        known = {name: ask.conditions[asks] for name, asks in _VALIDATORS.items() if asks in ask.conditions}
        told = {name: value for name in _VALIDATORS if _fit(value := response.headers.get(name, ""))}
        return Answer(
            str(where),
            response.status_code,
            body,
            response.charset_encoding or "",
            {**known, **told} if unchanged else told,
        )

    def _client_for(self, proxy: str) -> httpx.AsyncClient:
        if not proxy:
            return self._client
        if proxy not in self._through:
            self._through[proxy] = _direct(proxy)
        return self._through[proxy]

    async def _request(
        self, where: httpx.URL, conditions: Mapping[str, str], guarded: bool, proxy: str
    ) -> httpx.Request:
        headers = {"User-Agent": self._user_agent, "Accept-Encoding": "gzip", **conditions}
        if guarded and proxy:
            refuse_inside_names(where)
        elif guarded:
            address = await public_address(where, self._resolve)
            # A kept connection belongs to one name; hosts that share an address must not share it.
            headers |= {"Host": where.netloc.decode("ascii"), "Connection": "close"}
            return self._client.build_request(
                "GET",
                where.copy_with(host=address),
                headers=headers,
                timeout=self._timeout,
                extensions={"sni_hostname": where.raw_host.decode("ascii")},
            )
        return self._client.build_request("GET", where, headers=headers, timeout=self._timeout)

    def _judge(self, response: httpx.Response, host: str, ask: _Ask, throttle: HostThrottle) -> None:
        """Raises unless the status means that there is something to read."""
        status = response.status_code
        retry_after = response.headers.get("retry-after", "")
        if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after):
            wait = self._seconds(retry_after)
            throttle.rest(wait)
            raise throttle.limited(status, wait)
        if status == HTTPStatus.OK or status in ask.readable or (status == HTTPStatus.NOT_MODIFIED and ask.conditions):
            return
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise Refused(f"{host} has nothing at this address ({status}); check it for a typing error.", status)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Refused(f"{host} is out of order ({status}); the next run will try again.", status)
        raise Refused(f"{host} refused to answer ({status}).", status)

    def _seconds(self, retry_after: str) -> float:
        """Retry-After, seconds or an HTTP date, as seconds from now; 0 when it says neither."""
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


def _direct(proxy: str = "") -> httpx.AsyncClient:
    """A client that connects to whatever it is told, or to `proxy`, and reads nothing from the environment."""
    # Cookies would tie together requests that have nothing to do with each other.
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    # SSL_CERT_FILE and SSL_CERT_DIR still count, but no proxy and no .netrc does.
    return httpx.AsyncClient(cookies=cookies, proxy=proxy or None, verify=httpx.create_ssl_context(), trust_env=False)


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


def _fit(value: str) -> bool:
    """Whether a validator can be sent back as it came."""
    return 0 < len(value) <= 500 and value.isascii() and value.isprintable()
