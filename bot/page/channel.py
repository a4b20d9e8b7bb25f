"""The page of a channel, behind its secret link: what it got and liked, what comes next, its taste, and its search.

It tells what the channel itself may see, as chat does, but no names of members. Nothing of it is kept between requests,
so a revoked link ends at once.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup

from bot.charts.svg import svg
from bot.model.charts import Chart
from bot.model.messages import Link, PlaceKind
from bot.model.text import cut, plain_text
from bot.page import channel_views, views
from bot.page.channel_access import ChannelAccess
from bot.page.channel_views import ShownPaper
from bot.page.context import PageContext, page_number, query_of
from bot.page.paper import text_of
from bot.reports import channel_days, channel_papers, channel_search, channel_taste
from bot.reports.channel_view import ChannelView
from bot.reports.digest_time import next_digest
from bot.reports.query_notes import explain
from bot.store.channels import Channel
from bot.web.errors import PageError

_DAYS = 5
"""Days of a channel on one page."""
_HITS = 20
_LONGEST_NAME = 1_000
_NAME = 60


class ChannelPages:
    """The routes below /c/{token}."""

    def __init__(self, context: PageContext, access: ChannelAccess) -> None:
        self._context, self._access = context, access

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/c/{token:[^/]+}", self._days),
            web.get("/c/{token:[^/]+}/next", self._next),
            web.get("/c/{token:[^/]+}/search", self._search),
            web.get("/c/{token:[^/]+}/paper/{id:.+}", self._paper),
        ]

    async def _days(self, request: web.Request) -> web.Response:
        view, number = await self._access.view_of(request), page_number(request)
        async with self._context.store.read() as tx:
            posted = await channel_days.of_channel(tx, view, _DAYS, (number - 1) * _DAYS)
        if number > 1 and not posted.days:
            raise PageError(404, "The days of this channel end before this page.")
        taste, charts = None, list[Markup]()
        if number == 1:
            async with self._context.channel_builds.turn():
                taste = await channel_taste.of_channel(view)
                charts = await asyncio.to_thread(_drawn, (taste.taste, taste.record))
        base = _base(request)
        return self._page(
            "channel.html",
            request,
            view,
            days=await channel_views.days_of(posted.days, view, base),
            pager=views.open_pager(base, number, has_more=posted.has_more),
            next_digest=next_digest(view.channel),
            taste=taste,
            charts=charts,
            topics=[(topic, f"{base}/{views.address('search', q=topic.query)}") for topic in taste.topics]
            if taste
            else [],
        )

    async def _next(self, request: web.Request) -> web.Response:
        view = await self._access.view_of(request)
        async with self._context.channel_builds.turn():
            digest = await view.digests.compose(view.channel, view.now)
        return self._page(
            "channel_next.html",
            request,
            view,
            next_digest=next_digest(view.channel),
            papers=channel_views.of_cards(digest.cards, _base(request)),
            titles=[Link(line.title, channel_views.paper_url(_base(request), line.paper_id)) for line in digest.titles],
            quiet=digest.quiet,
        )

    async def _search(self, request: web.Request) -> web.Response:
        view, number, query = await self._access.view_of(request), page_number(request), query_of(request)
        for_us = request.query.get("order", "") != "query"
        base, offset = _base(request), (number - 1) * _HITS
        url = f"{base}/{views.address('search', q=query, order='' if for_us else 'query')}"
        papers, note, has_more, has_taste = list[ShownPaper](), "", False, True
        if query:
            async with self._context.channel_builds.turn():
                found = await channel_search.search(
                    view, self._context.channels.private, query, for_us=for_us, limit=_HITS, offset=offset
                )
            papers = await channel_views.hits_of(found, view, base)
            note, has_more = explain(found.interpretation, in_chat=False), found.has_more
            has_taste = found.profile.has_taste or not for_us
        if number > 1 and not papers:
            raise PageError(404, "The list ends before this page.")
        orders = (("Best for this channel", ""), ("Best match", "query"))
        return self._page(
            "channel_search.html",
            request,
            view,
            query=query,
            note=note,
            has_taste=has_taste,
            papers=papers,
            first=offset + 1,
            orders=[
                (for_us == (not value), Link(label, f"{base}/{views.address('search', q=query, order=value)}"))
                for label, value in orders
            ],
            pager=views.open_pager(url, number, has_more=has_more),
        )

    async def _paper(self, request: web.Request) -> web.Response:
        view, name, base = await self._access.view_of(request), request.match_info["id"], _base(request)
        paper_id = await channel_papers.resolve(view, name) if len(name) <= _LONGEST_NAME else None
        if paper_id is None:
            raise PageError(404, "Neither a source nor this channel has such a paper. The search may know it.")
        if paper_id != name:
            raise web.HTTPFound(channel_views.paper_url(base, paper_id))
        async with self._context.channel_builds.turn():
            report = await channel_papers.report_on(view, paper_id)
        if report is None:
            raise PageError(404, "Neither a source nor this channel has such a paper.")
        text = await asyncio.to_thread(text_of, report.paper)
        return self._page(
            "channel_paper.html",
            request,
            view,
            paper=report.paper,
            text=text,
            published=views.day_text(report.paper.published) if report.paper.published else "",
            listed=None,
            sightings=[sighting.text(view.channel.id, view.zone) for sighting in report.sightings],
            # The first sentence begins with the paper's title, which stands above.
            why=[sentence.removeprefix(f"“{cut(text.title, 100)}” ") for sentence in report.why.sentences],
            public_url="" if report.private else views.paper_url(paper_id),
        )

    def _page(self, template: str, request: web.Request, view: ChannelView, **values: Any) -> web.Response:
        base = _base(request)
        feed_url = f"/feeds/c/{quote(request.match_info['token'], safe='')}.atom"
        return self._context.templates.page(
            template, channel=name_of(view.channel), base=base, feed_url=feed_url, here="channel", **values
        )


def name_of(channel: Channel) -> str:
    """The name of a channel as a heading."""
    if channel.place.kind is PlaceKind.DIRECT:
        return "Your papers"
    name = cut(plain_text(channel.place.name), _NAME)
    return f"#{name}" if name else "A channel"


def _base(request: web.Request) -> str:
    return f"/c/{quote(request.match_info['token'], safe='')}"


def _drawn(charts: tuple[Chart | None, ...]) -> list[Markup]:
    """The charts as SVG. Their texts are escaped."""
    return [Markup(svg(chart, f"chart-{number}")) for number, chart in enumerate(charts, 1) if chart]  # noqa: S704
