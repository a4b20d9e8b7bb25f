"""The search in all papers, in the same language as in chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from bot.digests import cards
from bot.model.messages import Card, Link
from bot.page import views
from bot.page.cache import PublicPages, Rendering
from bot.page.context import PageContext, choice_of, page_number, query_of
from bot.reports import search_lines
from bot.reports.search import SearchPage, Sort, search
from bot.reports.search_lines import AskedAuthors
from bot.store.state import StoreState
from bot.web.errors import PageError
from recommender import Paper

_HITS = 10
"""Hits on one page."""
_SORTS = {Sort.BEST: "Best first", Sort.NEWEST: "Newest first", Sort.UPVOTES: "Most upvoted first"}


class SearchPages:
    """The route /search?q=&sort=&page=."""

    def __init__(self, context: PageContext, pages: PublicPages) -> None:
        self._context, self._pages = context, pages

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [self._pages.get("/search", self._search, "q", "sort", "page")]

    async def _search(self, request: web.Request, state: StoreState) -> Rendering:
        context, number = self._context, page_number(request)
        query, sort = query_of(request), choice_of(request, "sort", Sort.BEST)
        read_at = views.read_text(state.read_at)
        if not query:
            return lambda: context.templates.render("search_help.html", here="search", query=query, read_at=read_at)
        found = await search(context.store, context.paper_index, query, sort, limit=_HITS, offset=(number - 1) * _HITS)
        if number > 1 and not found.papers:
            raise PageError(404, "The list ends before this page.")
        sort_value = "" if sort is Sort.BEST else sort.value
        followed = " ".join((found.suggestion or query).split())
        return lambda: context.templates.render(
            "search.html",
            here="search",
            query=query,
            read_at=read_at,
            note=found.note,
            papers=_cards(found),
            first=(number - 1) * _HITS + 1,
            sorts=[
                (each is sort, Link(label, views.search_url(query, sort="" if each is Sort.BEST else each.value)))
                for each, label in _SORTS.items()
            ],
            pager=views.open_pager(views.search_url(query, sort=sort_value), number, has_more=found.has_more),
            feed_url=views.address("/feeds/search.atom", q=followed),
            mail_url=views.address("/mail", q=followed) if context.has_mail else "",
        )


def _cards(found: SearchPage) -> Sequence[Card]:
    """The hits as cards. The sentence that matches the query stands in place of the summary."""
    hits = views.cards_of(found.papers)
    asked_authors = AskedAuthors.of(found.answered)

    def matching(card: Card, paper: Paper) -> Card:
        sentence = search_lines.matching_sentence(found.answered, paper)
        authors = cards.authors_line(asked_authors.moved_up(paper.authors))
        return replace(card, authors=authors, summary=sentence or card.summary)

    return list(map(matching, hits, found.papers))
