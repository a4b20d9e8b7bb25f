"""All routes of the page."""

from __future__ import annotations

from aiohttp import web

from bot.page.about import AboutPages
from bot.page.context import PageContext
from bot.page.days import DayPages
from bot.page.feeds import Feeds


def page_routes(context: PageContext) -> list[web.RouteDef]:
    """The routes of the page."""
    return [*DayPages(context).routes, *Feeds(context).routes, *AboutPages(context).routes]
