"""Public pages that are finished: kept in memory, and not sent again to a browser that has them.

A page depends on its address, the day, the templates, and the state of the store. A hash of these is its ETag, which is
known before the page is made.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from importlib.metadata import version

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

PageHandler = Callable[[web.Request, StoreState], Awaitable[web.Response]]
"""Answers a request for a public page, which tells nothing but what follows from the state of the store."""


class PublicPages:
    """Makes routes of handlers whose pages are the same for everybody."""

    def __init__(self, context: PageContext, kept_bytes: int = _KEPT_BYTES) -> None:
        self._context = context
        self._version = f"{version('paperboy')} {context.templates.version}"
        self._kept = _KeptPages(kept_bytes)
        self._seen: tuple[StoreState, datetime] | None = None

    def get(self, path: str, handler: PageHandler) -> web.RouteDef:
        """The route of a page."""

        async def answer(request: web.Request) -> web.Response:
            return await self._answer(request, handler)

        return web.get(path, answer)

    async def _answer(self, request: web.Request, handler: PageHandler) -> web.Response:
        async with self._context.store.read() as tx:
            store_state = await state.current(tx)
        tag, modified = self._tag(request, store_state), self._modified(store_state)
        tags = request.if_none_match
        page: bytes | None = None
        is_had = any(each.value == tag for each in tags or ())
        if not is_had:
            page = self._kept.get(tag)
            if page is None:
                answer = await handler(request, store_state)
                if answer.status != HTTPStatus.OK or not isinstance(answer.body, bytes):
                    return answer
                page = answer.body
                self._kept.put(tag, page)
            is_had = tags is None and is_had_since(request, modified)
        answer = web.Response(status=HTTPStatus.NOT_MODIFIED) if is_had or page is None else html_response(page)
        answer.headers["Cache-Control"] = f"public, max-age={_MAX_AGE}"
        answer.etag, answer.last_modified = tag, modified
        return answer

    def _tag(self, request: web.Request, store_state: StoreState) -> str:
        parts = (self._version, store_state, self._context.today, self._context.url, request.raw_path)
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
