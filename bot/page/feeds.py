"""The Atom feeds, and the page that lists them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

from aiohttp import web

from bot.page import atom
from bot.page.context import PageContext
from bot.page.feed_entries import entries_of
from bot.reports import news_items
from bot.reports.listings import Period
from bot.reports.news_items import NewsItem
from bot.store import metadata
from bot.web.errors import PageError

LONGEST_QUERY = 500
"""Characters of a search that a feed may follow."""
_PUBLIC = {"Cache-Control": "public, max-age=300"}
_KEPT = 64
"""Feeds that are kept as finished documents, a quarter of a megabyte each at most."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a feed is about. `key` tells feeds apart, also in the feed's id; `path` and `page` are addresses on this
    site."""

    key: str
    title: str
    subtitle: str
    path: str
    page: str


@dataclass(frozen=True, slots=True)
class _Document:
    """A finished feed. `state` is what it was made from, `at` is when this content first was there."""

    state: Hashable
    body: bytes
    etag: str
    at: datetime


class Feeds:
    """The routes /feeds, /feeds/day.atom, /feeds/trending.atom and /feeds/search.atom."""

    def __init__(self, context: PageContext) -> None:
        self._context, self._site = context, ""
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/feeds", self._overview),
            web.get("/feeds/day.atom", self._day),
            web.get("/feeds/trending.atom", self._trending),
            web.get("/feeds/search.atom", self._search),
        ]

    async def _day(self, request: web.Request) -> web.StreamResponse:
        async def read() -> list[NewsItem]:
            async with self._context.store.read() as tx:
                return await news_items.of_latest_days(tx, self._context.today)

        subject = _Subject("day", "Papers of the day", "The papers of the latest days.", "/feeds/day.atom", "/")
        return await self._answer(request, subject, read)

    async def _trending(self, request: web.Request) -> web.StreamResponse:
        period = _period(request)

        async def read() -> list[NewsItem]:
            async with self._context.store.read() as tx:
                return await news_items.of_trending(tx, period, self._context.today)

        query = urlencode({"period": period.value})
        subject = _Subject(
            f"trending:{period}",
            f"Trending papers of the {period}",
            f"The most upvoted papers of the last {_LAST[period]}.",
            f"/feeds/trending.atom?{query}",
            f"/trending?{query}",
        )
        return await self._answer(request, subject, read)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        query = _query(request)
        if not query:
            raise PageError(400, "Name what the feed is to follow: /feeds/search.atom?q=federated+learning.")

        async def read() -> list[NewsItem]:
            context = self._context
            return await news_items.of_query(context.store, context.paper_index.engine, query, context.today)

        return await self._answer(request, _search_subject(query), read)

    async def _overview(self, request: web.Request) -> web.Response:
        query = _query(request)
        url = self._context.url
        return self._context.templates.page(
            "feeds.html",
            here="feeds",
            query=query,
            day_feed=f"{url}/feeds/day.atom",
            trending_feeds=[(period, f"{url}/feeds/trending.atom?period={period}") for period in Period],
            search_feed=f"{url}{_search_subject(query).path}" if query else "",
            search_page=_search_subject(query).page,
        )

    async def _answer(
        self, request: web.Request, subject: _Subject, read: Callable[[], Awaitable[list[NewsItem]]]
    ) -> web.StreamResponse:
        return conditional(request, await self._document(subject, read), _PUBLIC)

    async def _document(self, subject: _Subject, read: Callable[[], Awaitable[list[NewsItem]]]) -> _Document:
        """The finished feed, which is made again where papers changed since, or the day did."""
        context = self._context
        async with context.store.read() as tx:
            state = (
                await metadata.revision(tx),
                await context.paper_index.revision(tx),
                context.today,
                context.url,
            )
        kept = self._documents.get(subject.key)
        if kept is None or kept.state != state:
            site = await self._site_id()
            items = await read()
            body = await asyncio.to_thread(self._xml, subject, site, items)
            etag = sha256(body).hexdigest()[:32]
            at = kept.at if kept and kept.etag == etag else context.clock()
            kept = _Document(state, body, etag, at)
            self._documents[subject.key] = kept
        self._documents.move_to_end(subject.key)
        while len(self._documents) > _KEPT:
            self._documents.popitem(last=False)
        return kept

    async def _site_id(self) -> str:
        """The name of this site in the ids of its feeds."""
        if not self._site:
            async with self._context.store.write() as tx:
                self._site = await metadata.site_id(tx)
        return self._site

    def _xml(self, subject: _Subject, site: str, items: list[NewsItem]) -> bytes:
        context = self._context
        return atom.xml(
            atom.AtomFeed(
                id=atom.feed_id(site, subject.key),
                title=f"{subject.title} · Paperboy",
                subtitle=subject.subtitle,
                url=context.url + subject.path,
                page=context.url + subject.page,
                entries=entries_of(items, context.url, context.templates),
            )
        )


def conditional(request: web.Request, document: _Document, headers: dict[str, str]) -> web.Response:
    """The answer with a feed, or 304 for a client that has it (RFC 9110, section 13)."""
    since = document.at.replace(microsecond=0)
    tags = request.if_none_match
    if tags is not None:
        is_known = any(tag.value in ("*", document.etag) for tag in tags)
    else:
        is_known = request.if_modified_since is not None and since <= request.if_modified_since
    answer = (
        web.Response(status=304)
        if is_known
        else web.Response(body=document.body, content_type=atom.CONTENT_TYPE, charset="utf-8")
    )
    answer.etag, answer.last_modified = document.etag, since
    answer.headers.update(headers)
    return answer


_LAST = {Period.DAY: "day", Period.WEEK: "7 days", Period.MONTH: "30 days"}


def _period(request: web.Request) -> Period:
    text = request.query.get("period", "") or Period.WEEK
    if text not in list(Period):
        raise PageError(404, "Papers are trending over a day, a week or a month: ?period=week.")
    return Period(text)


def _query(request: web.Request) -> str:
    text = request.query.get("q", "")
    if len(text) > LONGEST_QUERY:
        raise PageError(413, f"A search may have {LONGEST_QUERY} characters at most.")
    return " ".join(text.split())


def _search_subject(query: str) -> _Subject:
    encoded = urlencode({"q": query})
    return _Subject(
        f"search:{query}",
        f"“{query}”",
        "New papers that match this search, the latest first.",
        f"/feeds/search.atom?{encoded}",
        f"/search?{encoded}",
    )
