"""The papers of a day, a week or a month."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from aiohttp import web

from bot.model.messages import Link
from bot.page import views
from bot.page.cache import PublicPages, Rendering
from bot.page.context import PAGE_PAPERS, PageContext, category_of, page_number
from bot.reports import listings
from bot.reports.listings import Period, Span
from bot.store.state import StoreState
from bot.web.errors import PageError
from recommender import Paper
from recommender.paper import arxiv_id

_MOST_CATEGORIES = 8
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class DayPages:
    """The routes /, /day/YYYY-MM-DD, /week, /week/YYYY-Www, /month and /month/YYYY-MM."""

    def __init__(self, context: PageContext, pages: PublicPages) -> None:
        self._context, self._pages = context, pages

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            self._pages.get("/", self._latest, "page", "cat"),
            self._pages.get("/{period:day|week|month}", self._latest, "page", "cat"),
            self._pages.get("/{period:day|week|month}/{name}", self._named, "page", "cat"),
        ]

    async def _latest(self, request: web.Request, state: StoreState) -> Rendering:
        period = Period(request.match_info.get("period", Period.DAY))
        async with self._context.store.read() as tx:
            span = await listings.latest(tx, period, self._context.today)
        return await self._page(request, span, state)

    async def _named(self, request: web.Request, state: StoreState) -> Rendering:
        span = span_named(Period(request.match_info["period"]), request.match_info["name"])
        return await self._page(request, span, state)

    async def _page(self, request: web.Request, span: Span, state: StoreState) -> Rendering:
        context, number = self._context, page_number(request)
        # Weeks and months have too many papers to be looked through for each visitor.
        category = category_of(request) if span.period is Period.DAY else ""
        async with context.store.read() as tx:
            page = await listings.page_of(
                tx,
                span,
                context.today,
                limit=PAGE_PAPERS,
                offset=(number - 1) * PAGE_PAPERS,
                sources=context.sources,
                category=category,
            )
        if number > 1 and not page.papers:
            raise PageError(404, "The list ends before this page.")
        url = views.address(views.span_url(span), cat=category)
        return lambda: context.templates.render(
            "listing.html",
            here=span.period.value,
            title=views.span_title(span),
            page=page,
            papers=views.cards_of(page.papers),
            earlier=views.span_link(page.earlier, category),
            later=views.span_link(page.later, category),
            pager=views.pager(url, number, page.total, PAGE_PAPERS),
            category=category,
            categories=_categories(span, page.papers, category),
            feed_url=views.address("/feeds/day.atom", cat=category),
            read_at=views.read_text(state.read_at),
            mail_url="/mail" if context.has_mail else "",
        )


def _categories(span: Span, papers: Sequence[Paper], chosen: str) -> list[tuple[bool, Link]]:
    """The links to the categories of arXiv that most of a day's papers here are in first, and to all."""
    if span.period is not Period.DAY:
        return []
    firsts = Counter(paper.categories[0] for paper in papers if arxiv_id(paper.id) and paper.categories)
    names = sorted({*(name for name, _ in firsts.most_common(_MOST_CATEGORIES)), *filter(None, (chosen,))})
    if len(names) < 2 and not chosen:
        return []
    url = views.span_url(span)
    return [(name == chosen, Link(name or "All", views.address(url, cat=name))) for name in ("", *names)]


def span_named(period: Period, name: str) -> Span:
    """The period that the end of an address names: 2026-11-30, 2026-W49 or 2026-11. Raises PageError."""
    try:
        if period is Period.DAY and _DAY.fullmatch(name):
            return Span.around(period, date.fromisoformat(name))
        if period is Period.WEEK and (week := _WEEK.fullmatch(name)):
            return Span.around(period, date.fromisocalendar(int(week[1]), int(week[2]), 1))
        if period is Period.MONTH and (month := _MONTH.fullmatch(name)):
            return Span.around(period, date(int(month[1]), int(month[2]), 1))
    except ValueError:
        pass
    example = {Period.DAY: "/day/2026-11-30", Period.WEEK: "/week/2026-W49", Period.MONTH: "/month/2026-11"}[period]
    raise PageError(404, f"There is no such {period}. One looks like {example}.")
