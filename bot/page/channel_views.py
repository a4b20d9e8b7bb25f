"""Values for the templates of a channel's page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.digests import cards, feedback
from bot.model.messages import Card
from bot.page import views
from bot.reports import search_lines
from bot.reports.channel_days import PostedDay, PostedPaper, first_of_each
from bot.reports.channel_search import ChannelHits
from bot.reports.channel_view import ChannelView
from bot.reports.search_lines import AskedAuthors
from bot.store import papers, votes
from bot.store.states import DeliveryKind
from recommender import Paper

_HEADINGS = {DeliveryKind.DIGEST: "", DeliveryKind.ALERT: "Alert", DeliveryKind.SUBMISSION: "Submitted by a member"}


@dataclass(frozen=True, slots=True)
class ShownPaper:
    """A paper as a card, with the path of its page, its votes here, and facts about where the team had it."""

    card: Card
    url: str
    likes: int = 0
    dislikes: int = 0
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A digest, alert or submission. `heading` is "" for a digest; `quiet` says why there are no papers."""

    heading: str
    picks: tuple[ShownPaper, ...]
    titles: tuple[ShownPaper, ...]
    quiet: str

    @property
    def liked_titles(self) -> int:
        """The number of titles that somebody likes."""
        return sum(paper.likes > 0 for paper in self.titles)


@dataclass(frozen=True, slots=True)
class ShownDay:
    """A day of a channel with its name, as "Monday, 30 November 2026"."""

    title: str
    iso: str
    deliveries: tuple[ShownDelivery, ...]


def paper_url(base: str, paper_id: str) -> str:
    """The path of a paper's page below that of the channel."""
    return base + views.paper_url(paper_id)


async def days_of(days: Sequence[PostedDay], view: ChannelView, base: str) -> list[ShownDay]:
    """The days of a channel for a template."""
    posted = [paper for day in days for delivery in day.deliveries for paper in delivery.papers]
    rendered = await asyncio.to_thread(views.cards_of, [each.paper for each in posted])
    cards_by_id = {card.paper_id: card for card in rendered}

    def shown(each: PostedPaper) -> ShownPaper:
        card = replace(cards_by_id[each.paper.id], why=each.why, guess=each.guess)
        facts = tuple(sighting.text(view.channel.id, view.zone) for sighting in each.elsewhere)
        return ShownPaper(card, paper_url(base, each.paper.id), each.likes, each.dislikes, facts)

    return [
        ShownDay(
            f"{day.day:%A}, {day.day.day} {day.day:%B} {day.day.year}",
            day.day.isoformat(),
            tuple(
                ShownDelivery(
                    _HEADINGS[delivery.kind],
                    tuple(map(shown, delivery.picks)),
                    tuple(map(shown, delivery.titles)),
                    delivery.quiet,
                )
                for delivery in day.deliveries
            ),
        )
        for day in days
    ]


def of_cards(rendered_cards: Sequence[Card], base: str) -> list[ShownPaper]:
    """The cards of a digest that was not posted yet."""
    return [
        ShownPaper(card, paper_url(base, card.paper_id), facts=(card.note,) if card.note else ())
        for card in rendered_cards
    ]


async def hits_of(found: ChannelHits, view: ChannelView, base: str) -> list[ShownPaper]:
    """The hits of a search. The sentence that matches the query stands in place of the summary."""
    async with view.store.read() as tx:
        # The index may still hold papers that were merged into others.
        papers_by_id = await papers.get_many(tx, [hit.paper_id for hit in found.hits])
        votes_by_paper = await votes.for_papers(tx, view.channel.id, list(papers_by_id))
        sightings = await search_lines.sightings(tx, view.channel.id, list(papers_by_id), view.emoji)
    answered = found.interpretation.answered
    asked_authors = AskedAuthors.of(answered)

    def shown(card: Card, paper: Paper) -> ShownPaper:
        sentence = search_lines.matching_sentence(answered, paper)
        authors = cards.authors_line(asked_authors.moved_up(paper.authors))
        card = replace(card, authors=authors, summary=sentence or card.summary)
        likes, dislikes = feedback.tally(votes_by_paper.get(paper.id, []), view.emoji)
        seen = first_of_each(sightings.get(paper.id, ()))
        facts = tuple(sighting.text(view.channel.id, view.zone) for sighting in seen)
        return ShownPaper(card, paper_url(base, paper.id), likes, dislikes, facts)

    found_papers = list(papers_by_id.values())
    return await asyncio.to_thread(lambda: list(map(shown, views.cards_of(found_papers), found_papers)))
