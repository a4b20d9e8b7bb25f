"""What a source says of a paper between the planning and the sending of a post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.jobs.post_updates import WITHDRAWN
from bot.store import papers
from bot.store.database import Store
from bot.store.states import PostState
from recommender import Paper
from tests.fakes.clock import Clock
from tests.jobs.test_delivery import DAY, a_due_digest
from tests.support.chat import FakeChat
from tests.support.harness import BotHarness, paper


async def planned(store: Store, clock: Clock, style: str = "cards", titles: int = 0) -> BotHarness:
    """A harness with a digest that is planned and not sent."""
    harness = await a_due_digest(store, clock, FakeChat(), style, titles)
    await harness.app.planner.plan_due()
    return harness


async def relist(harness: BotHarness, *some: Paper) -> None:
    async with harness.store.write() as tx:
        await papers.record(tx, some, harness.clock())


async def picked(harness: BotHarness) -> list[str]:
    return [post.paper_id for post in await harness.posts() if post.paper_id]


def listed(ids: Sequence[str]) -> list[Paper]:
    return [one for one in DAY if one.id in ids]


async def test_a_card_whose_paper_is_withdrawn_is_dropped_and_the_header_counts_the_others(
    store: Store, clock: Clock
) -> None:
    harness = await planned(store, clock)
    gone, *_ = await picked(harness)
    await relist(harness, *(replace(one, withdrawn=True) for one in listed([gone])))
    await harness.app.delivery_worker.deliver_all()
    header, *titles = harness.chat.titles()
    assert header.startswith("4 papers for Monday, 2 March")
    assert len(titles) == 4
    dropped = [post for post in await harness.posts() if post.state is PostState.DROPPED]
    assert [(post.paper_id, post.reason) for post in dropped] == [(gone, WITHDRAWN)]
    await harness.next_morning()
    await harness.beat()
    assert gone not in [post.paper_id for post in await harness.posts() if post.state is PostState.SENT]


async def test_a_digest_whose_papers_are_all_withdrawn_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = await planned(sqlite_store, clock)
    gone = listed(await picked(harness))
    await relist(harness, *(replace(one, withdrawn=True) for one in gone))
    await harness.app.delivery_worker.deliver_all()
    assert harness.chat.titles() == ["Nothing new for Monday, 2 March: what was picked has been withdrawn meanwhile."]


async def test_a_new_title_and_further_authors_stand_on_the_card(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    link = "https://blog.example.org/7"
    blog = Paper(link, "Zeolites filter water", "Zeolites filter. We show how.", ("Ada Noether",), url=link)
    names = {blog.id: ["guid-7"]}
    async with store.write() as tx:
        await papers.record(tx, [blog], clock(), {blog.id: clock.now.date()}, names=names)
    await harness.say("subscribe zeolites")
    await harness.app.planner.plan_due()
    later = replace(blog, title="How zeolites filter", authors=("Ada Noether", "Grace Hopper"))
    async with store.write() as tx:
        await papers.record(tx, [later], clock(), names=names)
    await harness.app.delivery_worker.deliver_all()
    shown = [message.message.card for message in harness.chat.shown["c1"] if message.message.card]
    card = next(card for card in shown if card.url == link)
    assert (card.title, card.authors, "zeolites" in card.why) == (later.title, "Ada Noether, Grace Hopper", True)
    stored = next(post for post in await harness.posts() if post.paper_id == card.paper_id)
    assert stored.body["card"]["title"] == later.title


async def test_a_paper_that_was_merged_is_shown_under_its_new_id(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    blog = Paper("https://blog.example.org/7", "Zeolites and how they filter water", "Zeolites filter. We show how.")
    await harness.list_papers([blog])
    await harness.say("subscribe zeolites")
    await harness.app.planner.plan_due()
    await relist(harness, replace(blog, id="2603.00042"))
    await harness.app.delivery_worker.deliver_all()
    cards = {
        message.message.card.title: message.message.card for message in harness.chat.shown["c1"] if message.message.card
    }
    assert cards[blog.title].paper_id == "2603.00042"
    assert cards[blog.title].url.endswith("/abs/2603.00042")


@pytest.mark.parametrize("style", ["compact", "cards"])
async def test_a_line_keeps_its_number_and_says_that_its_paper_is_withdrawn(
    sqlite_store: Store, clock: Clock, style: str
) -> None:
    harness = await planned(sqlite_store, clock, style, titles=3)
    listing = next(post for post in reversed(await harness.posts()) if post.body.get("lines"))
    gone = listing.body["lines"][1]["paper_id"]
    await relist(harness, *(replace(one, withdrawn=True) for one in listed([gone])))
    await harness.app.delivery_worker.deliver_all()
    lines = next(m.message.lines for m in reversed(harness.chat.shown["c1"]) if m.message.lines)
    assert [line.title.startswith("Withdrawn: ") for line in lines[:3]] == [False, True, False]


async def test_a_withdrawn_paper_that_a_member_submits_is_posted_and_marked(sqlite_store: Store, clock: Clock) -> None:
    chat = FakeChat()
    harness = await a_due_digest(sqlite_store, clock, chat)
    await harness.list_papers([paper(1, withdrawn=True)], date(2025, 1, 1))
    await harness.say("submit 2603.00001")
    await harness.app.delivery_worker.deliver_all()
    assert chat.titles()[-1].startswith("Withdrawn: ")


async def test_an_alert_of_a_paper_that_is_withdrawn_before_it_is_sent_is_dropped(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    await harness.say("subscribe zeolites alert")
    clock.advance(timedelta(minutes=1))
    zeolites = paper(1, "Zeolites and their pores", "Zeolites have pores.")
    harness.shelf.lists[clock.now.date()] = [zeolites]
    await harness.app.source_reading.read()
    await relist(harness, replace(zeolites, withdrawn=True))
    await harness.app.delivery_worker.deliver_all()
    assert harness.chat.titles() == []
    assert [post.reason for post in await harness.posts()] == [WITHDRAWN]
