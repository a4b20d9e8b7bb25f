"""Papers as entries of a feed. What an entry says changes only with its paper: votes and comments are left out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from bot.digests import cards
from bot.model.messages import Card
from bot.model.text import cut, plain_text
from bot.page.atom import AtomEntry, AtomLink, entry_id
from bot.page.views import paper_url
from bot.reports.news_items import NewsItem
from bot.web.templates import Templates
from recommender import Paper

_AUTHORS, _CATEGORIES = 50, 20
_NAME, _TERM = 200, 100
_ABSTRACT = 6_000
_READ = 20_000
"""Characters of an abstract that are read: what follows is cut off in any case."""
_KEPT = 5_000
"""Papers whose texts are kept. Converting the TeX of an abstract takes a millisecond."""


def entries_of(items: Iterable[NewsItem], url: str, templates: Templates) -> tuple[AtomEntry, ...]:
    """Papers as entries. `url` is the address of the page."""
    return tuple(_entry(item, url, templates) for item in items)


def _entry(item: NewsItem, url: str, templates: Templates) -> AtomEntry:
    paper = item.paper
    card, abstract, authors, categories = _texts(paper)
    links = [] if item.private else [AtomLink("alternate", url + paper_url(paper.id), "text/html")]
    if card.url:
        links.append(AtomLink("via", card.url, "text/html", card.source or "Paper"))
    links += [
        AtomLink("related", link.url, "application/pdf" if link.label == "PDF" else "text/html", link.label)
        for link in card.links
    ]
    content = templates.render("feed_entry.html", card=card, abstract=abstract, why=_sentence(item.why))
    return AtomEntry(
        id=entry_id(item.first_id),
        title=card.title,
        updated=item.at,
        published=paper.published,
        authors=authors,
        categories=categories,
        summary=" ".join(filter(None, (_sentence(item.why), card.summary))),
        content=content,
        links=tuple(links),
    )


def _sentence(why: str) -> str:
    """A reason as a sentence of its own."""
    why = why.strip()
    return f"{why[:1].upper()}{why[1:]}{'' if why[-1:] in '.!?…' else '.'}" if why else ""


@lru_cache(maxsize=_KEPT)
def _texts(paper: Paper) -> tuple[Card, str, tuple[str, ...], tuple[str, ...]]:
    """A paper's card, its abstract, authors and categories, ready to be shown."""
    names = [plain_text(cut(name, _NAME)) for name in paper.authors[:_AUTHORS]]
    terms = [plain_text(cut(term, _TERM)) for term in paper.categories[:_CATEGORIES]]
    abstract = cut(plain_text(paper.abstract[:_READ]), _ABSTRACT)
    return cards.card(paper), abstract, tuple(filter(None, names)), tuple(filter(None, terms))
