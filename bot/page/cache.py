"""Public pages that are finished: kept in memory, and not sent again to a browser that has them.

A page depends on its path and some parameters, the day, the templates, and the state of the store. A hash of these is
its ETag, which is known before the page is made. Any other parameter changes nothing, so nobody can have pages made
again and again with it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from aiohttp import web

from bot.page.context import PageContext
from bot.store import state
from bot.store.state import StoreState
from bot.web.templates import html_response

_KEPT_BYTES = 32 * 1024 * 1024
_LARGEST = 512 * 1024
"""Bytes of the largest page that is kept."""
_OVERHEAD = 500
"""Bytes that an entry takes beside its page and its address."""
_MAX_AGE = 60
"""Seconds for which a browser shows a page again without asking."""

Rendering = Callable[[], str]
"""Makes the text of a page in a thread, from what was read."""
PageHandler = Callable[[web.Request, StoreState], Coroutine[Any, Any, Rendering]]
"""Reads what a public page tells: nothing but what follows from the state of the store."""


class PublicPages:
    """Makes routes of handlers whose pages are the same for everybody."""

    def __init__(self, context: PageContext, kept_bytes: int = _KEPT_BYTES) -> None:
        self._context = context
        self._version = f"{version('paperboy')} {context.templates.version}"
        self._kept = _KeptPages(kept_bytes)
        self._seen: tuple[StoreState, datetime] | None = None

    def get(self, path: str, handler: PageHandler, *parameters: str) -> web.RouteDef:
        """The route of a page, and the names of the parameters that it depends on."""

        async def answer(request: web.Request) -> web.Response:
            return await self._answer(request, handler, parameters)

        return web.get(path, answer)

    async def _answer(self, request: web.Request, handler: PageHandler, parameters: Sequence[str]) -> web.Response:
        async with self._context.store.read() as tx:
            store_state = await state.current(tx)
        tag, modified = self._tag(request, parameters, store_state), self._modified(store_state)
        tags = request.if_none_match
        page: bytes | None = None
        is_had = any(each.value == tag for each in tags or ())
        if not is_had:
            page = self._kept.get(tag)
            if page is None:
                try:
                    page = await self._context.builds.once(tag, lambda: self._build(tag, request, handler, store_state))
                except web.HTTPFound as found:
                    # It is the answer to one request, and others may wait for it.
                    raise web.HTTPFound(found.location) from None
            is_had = tags is None and is_had_since(request, modified)
        answer = web.Response(status=HTTPStatus.NOT_MODIFIED) if is_had or page is None else html_response(page)
        answer.headers["Cache-Control"] = f"public, max-age={_MAX_AGE}"
        answer.etag, answer.last_modified = tag, modified
        return answer

    async def _build(self, tag: str, request: web.Request, handler: PageHandler, store_state: StoreState) -> bytes:
        if page := self._kept.get(tag):  # made while this request read the state
            return page
        rendering = await handler(request, store_state)
        page = await asyncio.to_thread(lambda: rendering().encode(errors="replace"))
        self._kept.put(tag, page)
        return page

    def _tag(self, request: web.Request, parameters: Sequence[str], store_state: StoreState) -> str:
        given = [(name, request.query[name]) for name in parameters if request.query.get(name)]
        parts = (self._version, store_state, self._context.today, self._context.url, request.rel_url.raw_path, given)
        return sha256("\n".join(map(str, parts)).encode(errors="surrogateescape")).hexdigest()[:32]

    def _modified(self, store_state: StoreState) -> datetime:
        """The time since which this state may have been there: that of the last run of a source, or when this process
        first saw it, since papers also come without a run."""
        if self._seen is None or self._seen[0] != store_state:
            now = self._context.clock()
            self._seen = store_state, max(now, store_state.read_at or now)
        return self._seen[1].replace(microsecond=0)


class _KeptPages:
    """Pages by tag, those that were asked for last. Together they take at most so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._pages: OrderedDict[str, bytes] = OrderedDict()

    def get(self, tag: str) -> bytes | None:
        if page := self._pages.get(tag):
            self._pages.move_to_end(tag)
        return page

    def put(self, tag: str, page: bytes) -> None:
        if len(page) > _LARGEST:
            return
        self._bytes += _size(page) - (_size(self._pages[tag]) if tag in self._pages else 0)
        self._pages[tag] = page
        self._pages.move_to_end(tag)
        while self._bytes > self._most_bytes:
            _, dropped = self._pages.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(page: bytes) -> int:
    return len(page) + _OVERHEAD


def is_had_since(request: web.Request, modified: datetime) -> bool:
    """Whether the client has a page of this state or a later one."""
    try:
        since = request.if_modified_since
    except OverflowError:  # a year of many digits
        return False
    return since is not None and since >= modified
