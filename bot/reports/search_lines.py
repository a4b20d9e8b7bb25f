"""The facts on a line of search results: those of the paper, and those of a workspace that has had it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import cards, feedback
from bot.digests.feedback import EmojiTable
from bot.model.text import plain_text
from bot.store import exposures, votes
from recommender import Paper, snippet
from recommender.search.query import Field, parse
from recommender.text import fold, names


@dataclass(frozen=True, slots=True)
class AskedAuthors:
    """The authors that a query asks for: single words of names, or all words of one name."""

    words: frozenset[str]
    name: frozenset[str]

    @classmethod
    def of(cls, query: str) -> AskedAuthors:
        """The authors in a query."""
        parsed_query = parse(query)
        clauses = (clause for group in parsed_query.groups for clause in group if clause.field is Field.AUTHOR)
        return cls(
            frozenset(fold(word) for clause in clauses for word in clause.words),
            frozenset(map(fold, parsed_query.name)),
        )

    def moved_up(self, authors: Sequence[str]) -> list[str]:
        """The authors in their order, but an author who was asked for moves up to the third place, because only three
        are shown."""
        position = next((at for at, author in enumerate(authors[3:], 3) if self._is_meant(author)), None)
        if position is None:
            return list(authors)
        return [*authors[:2], authors[position], *authors[2:position], *authors[position + 1 :]]

    def _is_meant(self, author: str) -> bool:
        words = set(names(author))
        return not self.words.isdisjoint(words) or (bool(self.name) and self.name <= words)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A time at which a channel got a paper: as a post, or only as a listed title (`by_title`); and its likes there."""

    channel_id: int
    channel_name: str
    at: datetime
    by_title: bool
    likes: int

    def text(self, reader_id: int, zone: ZoneInfo) -> str:
        """The sighting as a fact for the readers of a channel."""
        name = f"#{plain_text(self.channel_name)}" if self.channel_name else "another channel"
        location = "" if self.channel_id == reader_id else f" in {name}"
        day = self.at.astimezone(zone).date()
        event = "listed" if self.by_title else "posted"
        return f"{event}{location} {day.day} {day:%b}" + (f", {self.likes} 👍" if self.likes else "")


def paper_facts(paper: Paper, asked_authors: AskedAuthors) -> list[str]:
    """The facts of a paper: its authors, its date, its upvotes."""
    facts = [cards.authors_line(asked_authors.moved_up(paper.authors)), _day(paper.published)]
    return [*filter(None, facts), *([f"▲ {paper.upvotes}"] if paper.upvotes else [])]


def matching_sentence(query: str, paper: Paper) -> str:
    """The sentence of a paper's abstract that matches a query best; "" without a query or an abstract."""
    return plain_text(snippet(query, paper.abstract)) if query else ""


async def sightings(
    tx: AsyncConnection, channel_id: int, paper_ids: Sequence[str], emoji: EmojiTable
) -> dict[str, list[Sighting]]:
    """Where and when the channels that a channel may see got these papers, the earliest first, by paper."""
    visible_votes = await votes.visible_from(tx, channel_id, paper_ids)
    by_paper: dict[str, list[Sighting]] = {}
    for paper_id, seen_in, name, at, by_title in await exposures.seen_in_workspace(tx, channel_id, paper_ids):
        channel_votes = [vote for vote in visible_votes if (vote.paper_id, vote.channel_id) == (paper_id, seen_in)]
        likes, _ = feedback.tally(channel_votes, emoji)
        by_paper.setdefault(paper_id, []).append(Sighting(seen_in, name, at, by_title, likes))
    return by_paper


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
