"""Which of the new papers a channel gets: picks, and the titles below them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.store.channels import Channel
from recommender import Feedback, Pick, Recommender, Rival


@dataclass(frozen=True, slots=True)
class Known:
    """What the bot knows of a channel when it picks: its feedback, the topics it follows or mutes, and, while it has
    few votes of its own, those of its neighbours."""

    feedback: tuple[Feedback, ...]
    topics: tuple[str, ...]
    neighbours: tuple[Feedback, ...] = ()

    @property
    def votes(self) -> int:
        """How many votes stand."""
        return sum(1 for one in self.feedback if one.value)

    @property
    def members(self) -> int:
        """How many members these are of."""
        return len({one.member for one in self.feedback if one.value})

    @property
    def taste(self) -> bool:
        """Whether there is anything to like a paper for."""
        return any(one.value > 0 for one in self.feedback) or any(topic[0] != "-" for topic in self.topics)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to post: the picks and the ids of the titles below them; where that is nothing, whether a lower bar would
    help."""

    picks: list[Pick]
    titles: list[str]
    lower: bool


def seed_of(channel: Channel, day: date) -> int:
    """What a channel's draws of a day are made with."""
    return zlib.crc32(f"{channel.id} {day}".encode())


def places(channel: Channel, rival: Rival | None) -> int:
    """How many picks are asked for. A guess takes the last place: where none is wanted, one place more gives its card
    back. A digest shared with a rival has none."""
    return channel.count + (not channel.guess and not rival)


def choose(
    engine: Recommender,
    channel: Channel,
    known: Known,
    new: Sequence[str],
    day: date,
    now: datetime,
    bar: float,
    rival: Rival | None,
) -> Chosen:
    """What to post of the papers that the index knows."""
    candidates, seed, limit = engine.known(new), seed_of(channel, day), places(channel, rival)
    said, topics, near = known.feedback, known.topics, known.neighbours

    def above(least: float) -> list[Pick]:
        picks = engine.pick(said, candidates, limit, topics, now, seed, least, near, rival)
        return picks if channel.guess else [pick for pick in picks if not pick.guess][: channel.count]

    picks = above(bar)
    if not picks:
        return Chosen([], [], bool(above(0.0)))
    had = [pick.paper_id for pick in picks]
    titles = engine.glance(said, candidates, had, channel.titles, topics, now, seed, near)
    return Chosen(picks, [title.paper_id for title in titles], lower=False)
