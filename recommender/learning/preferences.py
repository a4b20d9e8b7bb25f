"""Preferences in words: the topics that a channel follows or mutes, and the votes on words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from recommender.learning.labels import Labels
from recommender.search.query import MINUS, Query, parse
from recommender.values import WORDS

MAX_WEIGHT = 3.0
"""The largest weight of all votes on the same words, relative to one vote of one member."""


class Teacher(NamedTuple):
    """The origin of a training row or of a boost: a paper with feedback (`paper_id`), a topic, or a vote on words."""

    paper_id: str | None = None
    topic: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """A topic of the channel, or a vote on words, read as a query. `text` is the text as typed, without the minus that
    makes a topic `muting`. `votes` is the sum of the votes on the words: above 0 for more of them, below 0 for less,
    and 0 for a topic."""

    text: str
    query: Query
    muting: bool = False
    votes: float = 0.0

    @property
    def wanted(self) -> bool:
        """Whether the preference asks for papers rather than against them."""
        return not self.muting and self.votes >= 0

    @property
    def teacher(self) -> Teacher:
        """The teacher that stands for the preference in reasons."""
        return Teacher(words=self.text) if self.votes else Teacher(topic=self.text)


def parse_topic(text: str) -> Preference | None:
    """The topic in a line of text; None if the line has no meaning. A minus in front of the whole line mutes."""
    text = text.strip()
    muting = text.startswith(tuple(MINUS))
    body = text[1:].strip() if muting else text
    query = parse(body)
    return Preference(body, query, muting) if query.groups else None


def parse_word_votes(labels: Labels) -> Iterator[Preference]:
    """The preferences in the labels of votes on words."""
    for at, paper_id in enumerate(labels.paper_ids):
        if not paper_id.startswith(WORDS):
            continue
        words = paper_id.removeprefix(WORDS)
        query = parse(words)
        votes = max(-MAX_WEIGHT, min(float(labels.like[at] - labels.dislike[at]), MAX_WEIGHT))
        if query.groups and votes:
            yield Preference(words, query, votes=votes)
