"""What a channel says in words that it wants: topics followed or muted, and votes on words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from recommender.learning.labels import Verdicts
from recommender.search.query import MINUS, Query, parse
from recommender.values import WORDS

MOST = 3.0
"""The most that votes on the same words count together, beside one vote of one member."""


class Source(NamedTuple):
    """What taught the model a row, or lifts a paper: a paper with feedback (`paper_id`), a topic, a vote on words."""

    paper_id: str | None = None
    topic: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A topic of the channel, or a vote on words, read as a query. `text` is as said, without the sign that makes a
    topic `muting`; `votes` is what the votes on words sum up to, above 0 for more of them and below for less, and 0 of
    a topic."""

    text: str
    query: Query
    muting: bool = False
    votes: float = 0.0

    @property
    def wanted(self) -> bool:
        """Whether it asks for papers rather than against them."""
        return not self.muting and self.votes >= 0

    @property
    def source(self) -> Source:
        """How it is named as a reason."""
        return Source(words=self.text) if self.votes else Source(topic=self.text)


def read_topic(text: str) -> Wish | None:
    """The topic in a line of text; None when it says nothing. A minus in front of the whole line mutes."""
    text = text.strip()
    muting = text.startswith(tuple(MINUS))
    body = text[1:].strip() if muting else text
    query = parse(body)
    return Wish(body, query, muting) if query.groups else None


def read_votes(heard: Verdicts) -> Iterator[Wish]:
    """What members want more and less of, as they said in words."""
    for at, paper_id in enumerate(heard.paper_ids):
        if not paper_id.startswith(WORDS):
            continue
        words = paper_id.removeprefix(WORDS)
        query = parse(words)
        votes = max(-MOST, min(float(heard.like[at] - heard.dislike[at]), MOST))
        if query.groups and votes:
            yield Wish(words, query, votes=votes)
