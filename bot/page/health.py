"""Whether this process is ready, and its metrics, for whoever watches it."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp import web

from bot import metrics
from bot.jobs.work import Counts, WorkQueue
from bot.paper_index import PaperIndex
from bot.ports.platform import Clock
from bot.store import counts, metadata, papers, runs
from bot.store.database import Store
from bot.store.errors import StoreError
from bot.web.errors import PageError
from bot.web.server import client_of

_STORE_SECONDS = 5.0
"""How long the store may take to answer before the process counts as not ready."""
_BEHIND_SECONDS = 60.0
"""How long the search index may lack papers of the store."""
_READ_EVERY_SECONDS = 15.0
"""The store is read at most so often for metrics, however often they are asked for."""
_BEARER = "Bearer "
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """The routes /readyz and /metrics. Metrics are for whoever sends the `token`; without one for this machine, unless
    a proxy stands before the server (`is_behind_proxy`), since its requests may look as if this machine sent them.

    `seconds` is a clock that only runs forward.
    """

    def __init__(
        self,
        store: Store,
        paper_index: PaperIndex,
        clock: Clock,
        token: str = "",
        *,
        queue: WorkQueue | None = None,
        is_behind_proxy: bool = False,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._paper_index, self._clock, self._token = store, paper_index, clock, token
        self._is_behind_proxy, self._seconds, self._queue = is_behind_proxy, seconds, queue
        self._behind_since: float | None = None
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/readyz", self._ready), web.get("/metrics", self._metrics)]

    async def _ready(self, request: web.Request) -> web.Response:
        """200 if the store answers and the search index has its papers, else 503 with the reason."""
        try:
            async with asyncio.timeout(_STORE_SECONDS), self._store.read() as tx:
                is_behind = await metadata.revision(tx) > await self._paper_index.revision(tx)
        except (StoreError, TimeoutError):
            return _not_ready("The store does not answer.")
        now = self._seconds()
        self._behind_since = (now if self._behind_since is None else self._behind_since) if is_behind else None
        if self._behind_since is not None and now - self._behind_since > _BEHIND_SECONDS:
            return _not_ready("The search index lacks papers of the store.")
        return web.Response(text="ready\n", headers={"Cache-Control": "no-store"})

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._may_read(request):
            # It looks as if there were no such page: a stranger need not know.
            raise PageError(404, "")
        async with self._reading:
            now = self._seconds()
            if self._read_at is None or now - self._read_at >= _READ_EVERY_SECONDS:
                await self._read()
                self._read_at = now
        return web.Response(body=metrics.text(), headers={"Content-Type": _CONTENT_TYPE, "Cache-Control": "no-store"})

    def _may_read(self, request: web.Request) -> bool:
        if self._token:
            given = request.headers.get("Authorization", "")
            # aiohttp keeps the bytes of a header that is no UTF-8 as halves of surrogate pairs.
            return hmac.compare_digest(given.encode(errors="surrogateescape"), f"{_BEARER}{self._token}".encode())
        if self._is_behind_proxy or "X-Forwarded-For" in request.headers:
            return False
        address = client_of(request)
        return bool(address) and ip_address(address).is_loopback

    async def _read(self) -> None:
        """Bring the gauges up to the store. Where it does not answer, they keep their values."""
        now = self._clock()
        try:
            async with asyncio.timeout(_STORE_SECONDS), self._store.read() as tx:
                waiting = await counts.waiting(tx, now)
                channels_by_state = await counts.channels_by_state(tx)
                papers_count = await papers.count(tx)
                behind = await metadata.revision(tx) - await self._paper_index.revision(tx)
                failing = await runs.failing(tx)
            async with asyncio.timeout(_STORE_SECONDS):
                jobs = await self._queue.counts() if self._queue else Counts()
        except (StoreError, TimeoutError):
            return
        for gauge, numbers in ((metrics.JOBS_WAITING, jobs.waiting), (metrics.JOBS_FAILED, jobs.failed)):
            gauge.clear()
            for kind, number in numbers.items():
                gauge.labels(kind).set(number)
        metrics.DIGESTS_DUE.set(waiting.due)
        metrics.DIGEST_LATE_SECONDS.set((now - waiting.due_since).total_seconds() if waiting.due_since else 0.0)
        for post_state in counts.WAITING:
            metrics.POSTS_WAITING.labels(post_state).set(waiting.posts.get(post_state, 0))
        metrics.EVENTS_WAITING.set(waiting.events)
        metrics.CHANNELS.clear()
        for (platform, state), number in channels_by_state.items():
            metrics.CHANNELS.labels(platform, state).set(number)
        metrics.PAPERS.set(papers_count)
        metrics.INDEX_BEHIND.set(max(0, behind))
        metrics.SOURCES_FAILING.set(len(failing))


def _not_ready(reason: str) -> web.Response:
    return web.Response(status=503, text=f"{reason}\n", headers={"Cache-Control": "no-store", "Retry-After": "5"})
