"""All routes of the page."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiohttp import web

from bot.page.about import AboutPages
from bot.page.cache import PublicPages
from bot.page.channel import ChannelPages
from bot.page.channel_access import ChannelAccess
from bot.page.context import PageContext
from bot.page.days import DayPages
from bot.page.feeds import Feeds
from bot.page.paper import PaperPages
from bot.page.search import SearchPages
from bot.page.trending import TrendingPages
from bot.store.database import for_visitors
from bot.store.errors import StoreError
from bot.web.errors import PageError

_RETRY = {"Retry-After": "5"}
log = structlog.get_logger(__name__)


def page_routes(context: PageContext) -> list[web.RouteDef]:
    """The routes of the page."""
    pages, access = PublicPages(context), ChannelAccess(context)
    public = [kind(context, pages) for kind in (DayPages, TrendingPages, SearchPages, PaperPages)]
    parts = [*public, Feeds(context, access), AboutPages(context), ChannelPages(context, access)]
    return _guarded([route for part in parts for route in part.routes])


def _guarded(routes: Sequence[web.RouteDef]) -> list[web.RouteDef]:
    """The routes, which answer 503 while the store is away or locked."""

    def guarded(route: web.RouteDef) -> web.RouteDef:
        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                with for_visitors():
                    answer: web.StreamResponse = await route.handler(request)
            except StoreError as error:
                # The path of a request may hold a secret, so the log gets that of the route.
                log.warning("A page could not be read from the store.", path=route.path, why=str(error))
                raise PageError(503, "The papers can't be read now. Try again in a moment.", _RETRY) from error
            return answer

        return web.RouteDef(route.method, route.path, handler, route.kwargs)

    return list(map(guarded, routes))
