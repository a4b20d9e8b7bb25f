"""A channel's page tells what the channel itself may see, and nothing of other workspaces and private places."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import quote

import aiohttp
import pytest

from bot.model.messages import Asker, Place, PlaceKind, Reaction
from bot.settings import load
from bot.store import links
from bot.store.database import Store
from bot.website import website
from tests.fakes.clock import Clock
from tests.page.conftest import Site
from tests.support.harness import demo_papers, harness_over

PLACES = [
    Place("fake", f"{workspace}-{name}", workspace, f"{name}{workspace}", kind, private)
    for workspace in ("T1", "T2")
    for name, kind, private in (
        ("open", PlaceKind.CHANNEL, False),
        ("wide", PlaceKind.FORUM, False),
        ("board", PlaceKind.CHANNEL, True),
        ("direct", PlaceKind.DIRECT, False),
    )
]
"""In each workspace two public places, a private one, and a direct conversation."""


def mark(place: Place) -> str:
    """A word that stands only in what was told in a place."""
    return f"zq{place.name.casefold()}x"


def may_see(viewer: Place, other: Place) -> bool:
    """The rule, written down a second time: a place sees itself and the public places of its workspace."""
    if viewer == other:
        return True
    return viewer.workspace == other.workspace and other.kind is not PlaceKind.DIRECT and not other.private


@dataclass
class World:
    """Every place with its link, its private paper, a topic, and likes of a paper that all have had."""

    site: Site
    shared_id: str
    bases: dict[Place, str] = field(default_factory=dict)
    private_ids: dict[Place, str] = field(default_factory=dict)

    def paths(self, viewer: Place) -> list[str]:
        """Paths below the link of a place: its days, its next digest, and searches and papers of all places."""
        searches = [f"/search?q={quote(query)}" for query in (*map(mark, PLACES), "confidential schedule", "model")]
        searches.append(f"{searches[-2]}&order=query")
        ids = [*self.private_ids.values(), self.shared_id, *(f"Confidential schedule {mark(each)}" for each in PLACES)]
        return ["", "?page=2", "/next", *searches, *(f"/paper/{quote(paper_id)}" for paper_id in ids)]


@pytest.fixture
async def world(store: Store, clock: Clock) -> AsyncIterator[World]:
    web = load(None, {}).web.model_copy(update={"port": 0, "requests_per_minute": 0})
    bot = harness_over(store, clock, web=web)
    demo = demo_papers()[:30]
    await bot.list_papers(demo)
    async with website(bot.app, required=True, clock=clock) as url, aiohttp.ClientSession() as client:
        made = World(Site(url, bot, client), demo[0].id)
        for place in PLACES:
            asker = Asker(f"member-{mark(place)}", manager=True)
            await bot.invite(place, asker.member)
            await bot.say(f'subscribe "{mark(place)} topic"', asker, place)
            await bot.say("settings bar 0", asker, place)
            entry = f"@unpublished{{n, title={{Confidential schedule {mark(place)}}}, author={{{mark(place)}, Jane}}}}"
            await bot.say(f"teach {entry}", asker, place)
            await bot.say(f"submit {made.shared_id}", asker, place)
        await bot.beat_until_settled()
        for place in PLACES:
            channel = await bot.channel(place)
            message = next(post.message for post in await bot.posts(place) if post.paper_id == made.shared_id)
            assert message
            for member in range(2 + PLACES.index(place)):
                reaction = Reaction(place, message, f"m{member}", "👍", on=True, at=clock())
                await bot.app.service.react(reaction)
            async with store.write() as tx:
                made.bases[place] = f"/c/{await links.make(tx, channel.id, 'ada', clock())}"
            found = await bot.say(f"search {mark(place)}", Asker("any"), place)
            made.private_ids[place] = found.lines[0].paper_id
        await bot.next_morning()
        await bot.beat_until_settled()
        yield made


async def test_no_page_tells_of_a_place_that_its_channel_may_not_see(world: World) -> None:
    seen = dict.fromkeys(PLACES, "")
    for viewer, base in world.bases.items():
        for path in world.paths(viewer):
            page = await world.site.get(base + path)
            assert page.status in (200, 302, 404), path
            text = unescape(page.text) + page.headers.get("Location", "")
            asked = unescape(path.partition("q=")[2]) + path
            for other in PLACES:
                if not may_see(viewer, other):
                    told = text.replace(asked.partition("&")[0], "") if mark(other) in asked else text
                    for secret in (world.private_ids[other], f"#{other.name}", f"Confidential schedule {mark(other)}"):
                        if secret not in asked.replace("%20", " "):
                            assert secret not in told, (viewer.name, path, secret)
                    if mark(other) not in asked:
                        assert mark(other) not in told, (viewer.name, path)
            seen[viewer] += text
    for viewer in PLACES:
        for other in PLACES:
            if may_see(viewer, other):  # what may be seen is there, so the test would notice it elsewhere
                assert f"Confidential schedule {mark(other)}" in seen[viewer], (viewer.name, other.name)


async def test_a_private_paper_has_a_page_where_it_may_be_seen_and_nowhere_else(world: World) -> None:
    for viewer, base in world.bases.items():
        for other in PLACES:
            page = await world.site.get(f"{base}/paper/{world.private_ids[other]}")
            assert page.status == (200 if may_see(viewer, other) else 404), (viewer.name, other.name)
            assert (mark(other) in page.text) == may_see(viewer, other)


async def test_a_papers_page_counts_the_likes_of_visible_places_alone(world: World) -> None:
    for viewer, base in world.bases.items():
        text = unescape((await world.site.get(f"{base}/paper/{world.shared_id}")).text)
        for other in PLACES:
            likes = f", {2 + PLACES.index(other)} 👍"
            named = "posted" if viewer == other else f"#{other.name}"
            shown = any(named.casefold() in line.casefold() and likes in line for line in text.splitlines())
            assert shown == may_see(viewer, other), (viewer.name, other.name)


async def test_a_place_that_turns_private_is_told_of_no_more(world: World) -> None:
    viewer, turned = PLACES[0], PLACES[1]
    base = world.bases[viewer]
    assert f"#{turned.name}" in (await world.site.get(f"{base}/paper/{world.shared_id}")).text
    await world.site.bot.say("taste", Asker("any"), Place("fake", turned.address, "T1", turned.name, turned.kind, True))
    for path in world.paths(viewer):
        page = await world.site.get(base + path)
        assert f"#{turned.name}" not in page.text, path
        if mark(turned) not in path:
            assert mark(turned) not in page.text, path
