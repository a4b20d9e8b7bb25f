"""The feed of a blog that a manager adds for one channel, and a bot that serves this channel and another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.model.messages import Place
from bot.sources.base import Batch, Listing, ListingKind, Source
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, harness_over

HOME, ROOM = Place("fake", "c1", "T1", "ml", private=True), Place("fake", "c2", "T1", "theory")
URL = "https://blog.example.org/feed.xml?key=secret"
ABSTRACT = "We study federated averaging across hospitals. It converges with few rounds."


class Blog:
    """The feed of a stranger, whose entries a test sets."""

    def __init__(self) -> None:
        self.papers: list[Paper] = []
        self.kind = ListingKind.FEED
        self.fails: Exception | None = None
        self.day = date(2026, 3, 2)

    def open(self, url: str, name: str) -> Source:
        self.name = name
        return self

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        if self.fails:
            raise self.fails
        return Batch(tuple(Listing(post, self.name, self.day, self.kind) for post in self.papers))


def post(number: int, title: str = "") -> Paper:
    text = title or f"Post {number} on federated averaging in many hospitals"
    return Paper(f"title:{number}", text, ABSTRACT, url=f"https://blog.example.org/post/{number}")


async def harness_of(store: Store, clock: Clock, blog: Blog, **settings: Any) -> BotHarness:
    harness = harness_over(store, clock, open_feed=blog.open, **settings)
    for place in (HOME, ROOM):
        await harness.invite(place)
    return harness
