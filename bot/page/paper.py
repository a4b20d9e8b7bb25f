"""The page of one paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from bot.digests import cards
from bot.model.messages import Link
from bot.model.text import plain_text
from bot.page import views
from bot.page.cache import PublicPages, Rendering
from bot.page.context import PageContext, choice_of
from bot.reports import papers
from bot.reports.citations import bibtex
from bot.reports.listings import Period, Span
from bot.reports.search import Sort
from bot.store.papers import PRIVATE_PREFIX
from bot.store.state import StoreState
from bot.web.errors import PageError
from recommender import Paper
from recommender.paper import arxiv_id
from recommender.text import display

_SIMILAR = 12
_LONGEST_NAME = 1_000
"""Characters of an id, a link or a title in an address."""
_MOST_AUTHORS = 200
_NO_SUCH_PAPER = "No source has listed such a paper here. The search may know it by its title."
_KEPT_TEXTS = 1_000
_SORTS = {Sort.BEST: "Most similar", Sort.NEWEST: "Newest", Sort.UPVOTES: "Most upvoted"}


@dataclass(frozen=True, slots=True)
class PaperText:
    """What a paper's page tells, as plain texts. `meta` are the names and values of the tags that Zotero and Google
    Scholar read; `more_authors` is the number of authors that are left out."""

    title: str
    authors: tuple[Link, ...]
    more_authors: int
    organization: str
    abstract: tuple[str, ...]
    links: tuple[Link, ...]
    categories: tuple[Link, ...]
    bibtex: str
    meta: tuple[tuple[str, str], ...]


class PaperPages:
    """The route /paper/{id}. Old arXiv ids and DOIs have slashes."""

    def __init__(self, context: PageContext, pages: PublicPages) -> None:
        self._context, self._pages = context, pages

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [self._pages.get("/paper/{id:.+}", self._paper, "sort")]

    async def _paper(self, request: web.Request, state: StoreState) -> Rendering:
        context, name = self._context, request.match_info["id"]
        sort = choice_of(request, "sort", Sort.BEST)
        if len(name) > _LONGEST_NAME:
            raise PageError(404, _NO_SUCH_PAPER)
        report = await papers.report_on(context.store, context.paper_index, name, sort, _SIMILAR)
        if report is None:
            paper_id = await papers.resolve(context.store, name)
            if paper_id is None or paper_id == name:
                raise PageError(404, _NO_SUCH_PAPER)
            raise web.HTTPFound(views.address(views.paper_url(paper_id), sort=request.query.get("sort", "")))
        paper, listed_on = report.paper, report.listed_on
        url = views.paper_url(paper.id)
        return lambda: context.templates.render(
            "paper.html",
            here="paper",
            paper=paper,
            text=text_of(paper),
            published=views.day_text(paper.published) if paper.published else "",
            listed=Link(views.day_text(listed_on), views.span_url(Span.around(Period.DAY, listed_on)))
            if listed_on
            else None,
            similar=views.cards_of(report.similar),
            sorts=[
                (each is sort, Link(label, f"{views.address(url, sort='' if each is Sort.BEST else each)}#similar"))
                for each, label in _SORTS.items()
            ],
            canonical=f"{context.url}{url}",
            read_at=views.read_text(state.read_at),
        )


def text_of(paper: Paper) -> PaperText:
    """The plain texts of a paper. They are to be made in a thread, since they may be full of TeX."""
    # Of a private paper that is deleted nothing may stay.
    return _text_of(paper) if paper.id.startswith(PRIVATE_PREFIX) else _kept_text_of(paper)


def _text_of(paper: Paper) -> PaperText:
    names = [name for author in paper.authors[:_MOST_AUTHORS] if (name := plain_text(author))]
    title = plain_text(paper.title) or "(untitled)"
    abstract = [plain_text(part) for part in paper.abstract.split("\n\n")]
    categories = [name for category in paper.categories if (name := plain_text(category))]
    page = (Link(views.page_name(paper.link), paper.link),) if paper.link else ()
    return PaperText(
        title,
        tuple(Link(name, views.author_url(name)) for name in names),
        max(0, len(paper.authors) - _MOST_AUTHORS),
        plain_text(paper.organization),
        tuple(filter(None, abstract)),
        (*page, *cards.links(paper)),
        tuple(Link(name, views.search_url(f"cat:{name}")) for name in categories),
        bibtex([paper]),
        tuple((f"citation_{name}", value) for name, value in _citation(paper, title, names) if value),
    )


_kept_text_of = lru_cache(maxsize=_KEPT_TEXTS)(_text_of)


def _citation(paper: Paper, title: str, authors: list[str]) -> list[tuple[str, str]]:
    """The tags of Highwire Press, which reference managers read."""
    return [
        ("title", title),
        *(("author", author) for author in authors),
        ("publication_date", f"{paper.published:%Y/%m/%d}" if paper.published else ""),
        ("abstract", display(paper.abstract)),
        ("doi", paper.doi),
        ("arxiv_id", arxiv_id(paper.id) or ""),
        ("pdf_url", paper.pdf_link),
        ("public_url", paper.link),
        *(("keywords", category) for category in paper.categories),
    ]
