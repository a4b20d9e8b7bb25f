"""Days of a fleet's channels: papers are listed, digests are due, something breaks, and in the end all is right."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.store import channels, deliveries, papers, votes
from bot.store.errors import StoreError
from bot.store.states import DeliveryKind, DeliveryState, PostState
from tests.faults.fleet import Fleet
from tests.faults.rooms import Rooms
from tests.support.harness import comes_true, demo_papers

CARDS = 2
SETTINGS = {"DIGEST__COUNT": str(CARDS), "DIGEST__TITLES": "0", "DIGEST__BAR": "0", "DIGEST__ZONE": "UTC"}
FIRST = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
"""The first day: far from the clock of the database, which has no say in when a digest is due."""
_PAPERS = demo_papers()
_FINAL = {PostState.SENT, PostState.FAILED, PostState.DROPPED}


@dataclass
class Days:
    """The life of the channels, a day after another."""

    fleet: Fleet
    sides: Sequence[Rooms]
    chance: random.Random
    passed: int = 0

    @contextlib.asynccontextmanager
    async def another(self, within: float = 90.0) -> AsyncIterator[None]:
        """The next day: its digests are being posted while the block lasts, and settled after it. Members like cards
        before, meanwhile and after that."""
        await self.listed()
        await self.due()
        posted = self._standing()
        await comes_true(lambda: self._has_more_than(posted + 1), within=30)
        await self.like_some()
        yield
        await self.like_some()
        await self.settled(within)

    async def _has_more_than(self, count: int) -> bool:
        return self._standing() > count

    def _standing(self) -> int:
        return sum(len(side.keys(place)) for side in self.sides for place in side.places)

    async def like_some(self) -> None:
        """Members like some of the cards that stand there, whoever knows of it."""
        for side in self.sides:
            for place in side.places:
                cards = side.cards(place)
                for message in self.chance.sample(cards, min(len(cards), 1)):
                    await side.like(place, message)

    async def listed(self) -> None:
        """The next day has come, and its papers are listed."""
        morning = FIRST + timedelta(days=self.passed)
        self.passed += 1
        self.fleet.clock.set(morning)
        first = CARDS * self.passed % (len(_PAPERS) - CARDS)
        news = [replace(paper, published=morning.date()) for paper in _PAPERS[first : first + CARDS]]
        async with self.fleet.store.write() as tx:
            await papers.record(tx, news, self.fleet.clock(), {paper.id: morning.date() for paper in news})

    async def due(self) -> None:
        """The digests of the day are due, also for a program whose clock is behind by half a minute."""
        self.fleet.clock.set(FIRST + timedelta(days=self.passed - 1, hours=1, minutes=1))

    async def settled(self, within: float = 90.0) -> None:
        """Every digest is planned and every post has come to an end."""

        async def all_done() -> bool:
            try:
                async with self.fleet.store.read() as tx:
                    rooms = await channels.list_all(tx)
                    due = [room for room in rooms if room.next_due_at and room.next_due_at <= self.fleet.clock()]
                    states = {post.state for room in rooms for post in await deliveries.posts_in_channel(tx, room.id)}
            except StoreError:
                return False
            return not due and states <= _FINAL and len(rooms) == sum(len(side.places) for side in self.sides)

        try:
            await comes_true(all_done, within)
        except TimeoutError:
            raise AssertionError(f"not settled: {self.fleet.logs()}") from None

    async def check(self, within: float = 30.0) -> Counter[str]:
        """Each digest and each message stands there once, each like is a vote, and no log has a traceback. Returns how
        many there are."""
        counts = Counter[str]()
        async with self.fleet.store.read() as tx:
            for side in self.sides:
                for place in side.places:
                    channel = await channels.find(tx, place)
                    assert channel
                    planned = await deliveries.for_channel(tx, channel.id)
                    digests = [one for one in planned if one.kind is DeliveryKind.DIGEST]
                    days = Counter(one.local_date for one in digests)
                    expected = {(FIRST + timedelta(days=number)).date(): 1 for number in range(self.passed)}
                    assert days == expected, f"{place.address}: each day has one digest"
                    assert all(one.reason for one in digests if one.state is DeliveryState.MISSED)
                    posts = await deliveries.posts_in_channel(tx, channel.id)
                    assert all(post.reason for post in posts if post.state is not PostState.SENT), "a recorded reason"
                    sent, standing = [post.key for post in posts if post.state is PostState.SENT], side.keys(place)
                    assert Counter(standing).most_common(1)[0][1] == 1, f"{place.address}: one stands there twice"
                    ours = {post.key for post in posts}
                    assert [key for key in standing if key in ours] == sent, f"{place.address}: what counts as sent"
                    others = [key for key in standing if key not in ours]
                    assert len(others) <= 1, f"{place.address}: beside a greeting there stand {others}"
                    counts["digests"] += len(digests)
                    counts["missed"] += sum(one.state is DeliveryState.MISSED for one in digests)
                    counts.update(post.state for post in posts)
        for side in self.sides:
            counts["votes"] += await self._votes_are_right(side, within)
        for name, log in self.fleet.logs().items():
            assert "Traceback" not in log, f"{name}: {log}"
        return counts

    async def _votes_are_right(self, side: Rooms, within: float) -> int:
        async def counted() -> bool:
            found = set()
            async with self.fleet.store.read() as tx:
                for place in side.places:
                    channel = await channels.find(tx, place)
                    assert channel
                    posts = await deliveries.posts_in_channel(tx, channel.id)
                    messages = {post.paper_id: post.message or "" for post in posts}
                    heard = await votes.for_channel(tx, channel.id)
                    found |= {(place.address, messages[vote.paper_id]) for vote in heard}
            return found == side.liked()

        await comes_true(counted, within)
        return len(side.liked())
