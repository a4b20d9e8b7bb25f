"""A new channel begins with the likes of its workspace's other public channels."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model.messages import Place, PlaceKind
from bot.settings.groups import VotesSettings
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.house import PLACE, House, demo_papers, house_over, paper

NEW = Place("fake", "c2", name="robots")
_SAID_BESIDE = [one.title.split()[-1] for one in demo_papers()]


def unlike(number: int) -> Paper:
    """The paper of that number, its abstract unlike those of the others on its subject."""
    plain, beside = paper(number), random.Random(number).sample(_SAID_BESIDE, 12)
    return replace(plain, abstract=f"{plain.abstract} {' '.join(beside)}.")


ROBOTS = [unlike(number) for number in range(1, 241, 8)]
OTHERS = [unlike(number) for number in range(240) if number % 8 != 1]
TODAY = [unlike(number) for number in range(400, 440)]


async def taught(store: Store, clock: Clock, place: Place = PLACE, **settings: Any) -> House:
    """A house whose first channel loves thirty papers on robots since yesterday, and today's papers, of which five are
    on robots; the new channel begins today."""
    house = house_over(store, clock, **settings)
    day = clock.now.date() - timedelta(days=9)
    await house.list_papers([replace(one, published=day) for one in [*ROBOTS, *OTHERS]], day)
    await house.invite(place)
    for one in ROBOTS:
        await house.say(f"more {one.id}", place=place)
    await house.next_morning()
    await house.list_papers([replace(one, published=clock.now.date()) for one in TODAY])
    await house.invite(NEW)
    return house


async def on_robots(house: House, place: Place = NEW) -> int:
    digest = await house.app.digests.compose(await house.channel(place), house.clock())
    return sum("robots" in card.title for card in digest.cards)


async def said(house: House, place: Place = NEW) -> int:
    """How many votes of others the channel begins with."""
    channel = await house.channel(place)
    async with house.store.read() as tx:
        return len((await house.app.digests.profile(tx, channel.id)).neighbours)


async def test_a_new_channel_begins_with_what_the_others_like_and_says_so(store: Store, clock: Clock) -> None:
    house = await taught(store, clock)
    digest = await house.app.digests.compose(await house.channel(NEW), clock())
    assert "after what your other channels like" in digest.header()
    alone = house_over(store, clock, votes=VotesSettings(neighbours=False))
    await alone.app.paper_index.sync()
    assert await on_robots(house) >= 4 > await on_robots(alone)


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
async def test_what_is_said_in_private_or_elsewhere_stays_there(
    sqlite_store: Store, clock: Clock, place: Place
) -> None:
    house = await taught(sqlite_store, clock, place)
    assert await said(house) == 0


async def test_what_was_taken_back_teaches_no_other_channel(store: Store, clock: Clock) -> None:
    house = await taught(store, clock)
    assert await said(house) == len(ROBOTS)
    for one in ROBOTS:
        await house.say(f"more {one.id}")
    assert await said(house) == 0


async def test_a_channel_with_a_taste_of_its_own_asks_no_other(sqlite_store: Store, clock: Clock) -> None:
    house = await taught(sqlite_store, clock)
    for start in (0, 60):
        await house.say(f"teach {' '.join(one.id for one in OTHERS[start : start + 60])}", place=NEW)
    assert await said(house) == 0
    assert await said(house, PLACE) == 120
