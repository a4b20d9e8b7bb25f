"""The papers with the most upvotes of the last day, week or month."""

from __future__ import annotations

from aiohttp import web

from bot.model.messages import Link
from bot.page import views
from bot.page.cache import PublicPages, Rendering
from bot.page.context import PAGE_PAPERS, PageContext, choice_of, page_number
from bot.reports import trends
from bot.reports.listings import Period
from bot.store.state import StoreState
from bot.web.errors import PageError

_NAMES = {Period.DAY: "today", Period.WEEK: "this week", Period.MONTH: "this month"}
_LAST = {Period.DAY: "24 hours", Period.WEEK: "7 days", Period.MONTH: "30 days"}


class TrendingPages:
    """The route /trending?period=day|week|month."""

    def __init__(self, context: PageContext, pages: PublicPages) -> None:
        self._context, self._pages = context, pages

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [self._pages.get("/trending", self._trending, "period", "page")]

    async def _trending(self, request: web.Request, state: StoreState) -> Rendering:
        context, number = self._context, page_number(request)
        period = choice_of(request, "period", Period.WEEK)
        async with context.store.read() as tx:
            papers = await trends.trending_papers(
                tx, period, context.today, PAGE_PAPERS + 1, (number - 1) * PAGE_PAPERS
            )
        if number > 1 and not papers:
            raise PageError(404, "The list ends before this page.")
        url = f"/trending?period={period}"
        return lambda: context.templates.render(
            "trending.html",
            here="trending",
            title=f"Trending {_NAMES[period]}",
            last=_LAST[period],
            periods=[(each is period, Link(_NAMES[each].capitalize(), f"/trending?period={each}")) for each in Period],
            papers=views.cards_of(papers[:PAGE_PAPERS]),
            first=(number - 1) * PAGE_PAPERS + 1,
            pager=views.open_pager(url, number, has_more=len(papers) > PAGE_PAPERS),
            feed_url=f"/feeds/trending.atom?period={period}",
            mail_url="/mail" if context.has_mail else "",
            read_at=views.read_text(state.read_at),
        )
