"""Messages that were posted long ago, kept without the texts of their papers: these stand in the table of papers.

What is kept of a paper is its id, and what was said of it on that day: why it was picked, whether it was a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.digests import cards
from bot.model.messages import Card, Line, Message
from recommender import Paper


def without_papers(message: Message) -> Message:
    """The message without the texts of its papers."""
    return replace(
        message,
        card=_bare_card(message.card) if message.card else None,
        cards=tuple(map(_bare_card, message.cards)),
        lines=tuple(Line(line.paper_id, "", detail=line.detail, note=line.note) for line in message.lines),
    )


def lacks_papers(message: Message) -> bool:
    """Whether a message is without the texts of its papers."""
    return any(not entry.title for entry in (message.card, *message.cards, *message.lines) if entry)


def with_papers(message: Message, papers: Mapping[int, Paper]) -> Message:
    """The message with the texts of these papers as they are now, by the number of their line or card; that of a single
    card is under 0. Every other entry stays as it is."""
    card = _renewed_card(message.card, papers[0]) if message.card and 0 in papers else message.card
    lines = (
        cards.line(papers[number], line.detail, line.note) if number in papers else line
        for number, line in enumerate(message.lines, 1)
    )
    several = (
        _renewed_card(each, papers[number]) if number in papers else each
        for number, each in enumerate(message.cards, 1)
    )
    return replace(message, card=card, lines=tuple(lines), cards=tuple(several))


def _bare_card(card: Card) -> Card:
    return Card(card.paper_id, "", why=card.why, guess=card.guess, note=card.note)


def _renewed_card(card: Card, paper: Paper) -> Card:
    return cards.card(paper, card.why, guess=card.guess, note=card.note)
