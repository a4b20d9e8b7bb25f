"""The Atom feeds, and the page that lists them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlencode

from aiohttp import web

from bot.model.messages import PlaceKind
from bot.model.text import plain_text
from bot.page import atom
from bot.page.cache import is_had_since
from bot.page.channel_access import ChannelAccess
from bot.page.context import PageContext, category_of, choice_of, query_of
from bot.page.feed_entries import entries_of
from bot.page.views import address
from bot.reports import news_items
from bot.reports.listings import Period
from bot.reports.news_items import NewsItem
from bot.store import metadata
from bot.store import state as store_state
from bot.store.channels import Channel
from bot.web.errors import PageError
from bot.web.security import PRIVATE_HEADERS

_PUBLIC = {"Cache-Control": "public, max-age=300"}
_MOST_KEPT = 64
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
    """The routes /feeds, /feeds/day.atom, /feeds/trending.atom, /feeds/search.atom and /feeds/c/{token}.atom."""

    def __init__(self, context: PageContext, access: ChannelAccess) -> None:
        self._context, self._access, self._site = context, access, ""
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/feeds", self._overview),
            web.get("/feeds/day.atom", self._day),
            web.get("/feeds/trending.atom", self._trending),
            web.get("/feeds/search.atom", self._search),
            web.get("/feeds/c/{token}.atom", self._channel),
        ]

    async def _day(self, request: web.Request) -> web.StreamResponse:
        category = category_of(request)

        async def read() -> list[NewsItem]:
            async with self._context.store.read() as tx:
                return await news_items.of_latest_days(tx, self._context.today, category)

        subject = _Subject(
            f"day:{category}" if category else "day",
            f"Papers of the day in {category}" if category else "Papers of the day",
            "The papers of the latest days.",
            address("/feeds/day.atom", cat=category),
            address("/", cat=category),
        )
        return await self._answer(request, subject, read)

    async def _trending(self, request: web.Request) -> web.StreamResponse:
        period = choice_of(request, "period", Period.WEEK)

        async def read() -> list[NewsItem]:
            async with self._context.store.read() as tx:
                return await news_items.of_trending(tx, period, self._context.today)

        query = urlencode({"period": period.value})
        subject = _Subject(
            f"trending:{period}",
            _NAMES[period],
            f"The most upvoted papers of the last {_LAST[period]}.",
            f"/feeds/trending.atom?{query}",
            f"/trending?{query}",
        )
        return await self._answer(request, subject, read)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        query = query_of(request)
        if not query:
            raise PageError(400, "Name what the feed is to follow: /feeds/search.atom?q=federated+learning.")

        async def read() -> list[NewsItem]:
            context = self._context
            return await news_items.of_query(context.store, context.paper_index.engine, query, context.today)

        return await self._answer(request, _search_subject(query), read)

    async def _channel(self, request: web.Request) -> web.StreamResponse:
        """A channel's picks. They are read anew for each request, since posts come without a new state of the papers,
        and a revoked link must work no more."""
        context, token = self._context, request.match_info["token"]
        channel = (await self._access.view_of(request)).channel
        site = await self._site_id()
        async with context.store.read() as tx:
            items = await news_items.of_channel(tx, channel.id)
        subject = _Subject(
            f"channel:{channel.id}",
            f"Papers for {_name(channel)}",
            "The papers that were picked for this channel, with the reason for each.",
            f"/feeds/c/{quote(token, safe='')}.atom",
            f"/c/{quote(token, safe='')}",
        )
        body = await asyncio.to_thread(self._xml, subject, site, items)
        return conditional(request, self._kept(f"{subject.key}:{token}", None, body), PRIVATE_HEADERS)

    async def _overview(self, request: web.Request) -> web.Response:
        query = query_of(request)
        url = self._context.url
        return self._context.templates.page(
            "feeds.html",
            here="feeds",
            feed_query=query,
            day_feed=f"{url}/feeds/day.atom",
            trending_feeds=[(name, f"{url}/feeds/trending.atom?period={period}") for period, name in _NAMES.items()],
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
                await store_state.current(tx),
                await context.paper_index.revision(tx),
                context.today,
                context.url,
            )
        kept = self._documents.get(subject.key)
        if kept is None or kept.state != state:
            return await context.builds.once((subject.key, state), lambda: self._build(subject, state, read))
        self._documents.move_to_end(subject.key)
        return kept

    async def _build(
        self, subject: _Subject, state: Hashable, read: Callable[[], Awaitable[list[NewsItem]]]
    ) -> _Document:
        site = await self._site_id()
        items = await read()
        return self._kept(subject.key, state, await asyncio.to_thread(self._xml, subject, site, items))

    def _kept(self, key: str, state: Hashable, body: bytes) -> _Document:
        """Keep a finished feed. It is as old as its content."""
        earlier, etag = self._documents.get(key), sha256(body).hexdigest()[:32]
        at = earlier.at if earlier and earlier.etag == etag else self._context.clock()
        self._documents[key] = _Document(state, body, etag, at)
        self._documents.move_to_end(key)
        while len(self._documents) > _MOST_KEPT:
            self._documents.popitem(last=False)
        return self._documents[key]

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
    is_named = any(tag.value in ("*", document.etag) for tag in tags or ())
    is_known = is_named or (tags is None and is_had_since(request, since))
    answer = (
        web.Response(status=304)
        if is_known
        else web.Response(body=document.body, content_type=atom.CONTENT_TYPE, charset="utf-8")
    )
    answer.etag, answer.last_modified = document.etag, since
    answer.headers.update(headers)
    return answer


def _name(channel: Channel) -> str:
    if not channel.place.name:
        return "a channel"
    return "you" if channel.place.kind is PlaceKind.DIRECT else f"#{plain_text(channel.place.name)}"


_NAMES = {Period.DAY: "Trending today", Period.WEEK: "Trending this week", Period.MONTH: "Trending this month"}
_LAST = {Period.DAY: "day", Period.WEEK: "7 days", Period.MONTH: "30 days"}


def _search_subject(query: str) -> _Subject:
    encoded = urlencode({"q": query}, errors="replace")
    return _Subject(
        f"search:{query}",
        f"“{query}”",
        "New papers that match this search, the latest first.",
        f"/feeds/search.atom?{encoded}",
        f"/search?{encoded}",
    )
