"""A new channel begins with the likes of its workspace's other public channels."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model.messages import Asker, Place, PlaceKind
from bot.settings.groups import VotesSettings
from bot.store import votes
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over, paper

NEW = Place("fake", "c2", name="robots")
_SAID_BESIDE = [paper.title.split()[-1] for paper in demo_papers()]


def unlike(number: int) -> Paper:
    """The paper of that number, its abstract unlike those of the others on its subject."""
    plain, beside = paper(number), random.Random(number).sample(_SAID_BESIDE, 12)
    return replace(plain, abstract=f"{plain.abstract} {' '.join(beside)}.")


ROBOTS = [unlike(number) for number in range(1, 241, 8)]
OTHERS = [unlike(number) for number in range(240) if number % 8 != 1]
TODAY = [unlike(number) for number in range(400, 440)]


async def taught(store: Store, clock: Clock, place: Place = PLACE, **settings: Any) -> BotHarness:
    """A harness whose first channel loves thirty papers on robots since yesterday, and today's papers, five of which
    are on robots; the new channel begins today."""
    harness = harness_over(store, clock, **settings)
    day = clock.now.date() - timedelta(days=9)
    await harness.list_papers([replace(one, published=day) for one in [*ROBOTS, *OTHERS]], day)
    await harness.invite(place)
    for one in ROBOTS:
        await harness.say(f"more {one.id}", place=place)
    await harness.next_morning()
    await harness.list_papers([replace(one, published=clock.now.date()) for one in TODAY])
    await harness.invite(NEW)
    return harness


async def on_robots(harness: BotHarness, place: Place = NEW) -> int:
    digest = await harness.app.digests.compose(await harness.channel(place), harness.clock())
    return sum("robots" in card.title for card in digest.cards)


async def said(harness: BotHarness, place: Place = NEW) -> int:
    """How many votes of others the channel begins with."""
    channel = await harness.channel(place)
    async with harness.store.read() as tx:
        return len((await harness.app.digests.profile(tx, channel.id)).neighbours)


async def test_a_new_channel_begins_with_what_the_others_like_and_says_so(store: Store, clock: Clock) -> None:
    harness = await taught(store, clock)
    digest = await harness.app.digests.compose(await harness.channel(NEW), clock())
    assert "after what your other channels like" in digest.header()
    alone = harness_over(store, clock, votes=VotesSettings(neighbours=False))
    await alone.app.paper_index.sync()
    assert await on_robots(harness) >= 4 > await on_robots(alone)


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, private=True),
        replace(PLACE, kind=PlaceKind.DIRECT),
        replace(PLACE, workspace="another company"),
        replace(PLACE, platform="fake", address="c3", private=True),
    ],
    ids=["private", "direct", "another workspace", "private elsewhere"],
)
async def test_private_channels_and_other_workspaces_teach_no_new_channel(
    sqlite_store: Store, clock: Clock, place: Place
) -> None:
    harness = await taught(sqlite_store, clock, place)
    assert await said(harness) == 0


async def test_what_was_taken_back_teaches_no_other_channel(store: Store, clock: Clock) -> None:
    harness = await taught(store, clock)
    assert await said(harness) == len(ROBOTS)
    for one in ROBOTS:
        await harness.say(f"more {one.id}")
    assert await said(harness) == 0


async def test_a_channel_with_a_taste_of_its_own_asks_no_other(sqlite_store: Store, clock: Clock) -> None:
    harness = await taught(sqlite_store, clock)
    for start in (0, 60):
        await harness.say(f"teach {' '.join(one.id for one in OTHERS[start : start + 60])}", place=NEW)
    assert await said(harness) == 0
    assert await said(harness, PLACE) == 120


async def test_a_flood_by_one_member_does_not_decide_how_a_new_channel_begins(store: Store, clock: Clock) -> None:
    harness = await taught(store, clock)
    clock.advance(-timedelta(days=1))
    for one in OTHERS[:150]:
        await harness.say(f"more {one.id}", Asker("loud"), PLACE)
    clock.advance(timedelta(days=1))
    assert await said(harness) == len(ROBOTS) + 150
    assert await on_robots(harness) >= 3


async def test_members_with_few_votes_are_heard_before_one_with_many(store: Store, clock: Clock) -> None:
    harness = await taught(store, clock)
    for one in OTHERS[:60]:
        await harness.say(f"more {one.id}", Asker("loud"), PLACE)
    channel = await harness.channel(NEW)
    async with harness.store.read() as tx:
        members = [vote.member for vote in (await votes.from_neighbours(tx, [channel], 40))[channel.id]]
    assert members.count("loud") == members.count("ada") == 20
