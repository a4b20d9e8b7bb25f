"""A topic with `alert` posts its matches as soon as they are listed, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.messages import Place
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, harness_over

OTHER = Place("fake", "c2", name="other")
_ABOUT = (
    "pillows in hospitals",
    "blankets at sea",
    "beds for horses",
    "lamps of old",
    "carpets in space",
    "soft chairs",
    "doors",
)

_LONG = (
    "Federated learning meets blankets when many sleepers train one warm model without telling anybody their dreams."
    " We prove bounds for wool, cotton and linen, measure energy, comfort and privacy on ships, and release patterns."
)


def told(number: int, words: str = "federated learning") -> Paper:
    about = _ABOUT[number % len(_ABOUT)]
    return Paper(f"2603.{number:05d}", f"On {about} number {number}", f"Here {words} meets {about}. It does so well.")


async def with_topic(store: Store, clock: Clock, line: str = "subscribe federated learning alert") -> BotHarness:
    harness = harness_over(store, clock)
    await harness.invite()
    assert (await harness.say(line)).ok
    clock.advance(timedelta(minutes=1))
    return harness


async def read(harness: BotHarness, *some: Paper) -> None:
    """A reading of the sources that lists these."""
    harness.shelf.lists.setdefault(harness.clock.now.date(), []).extend(some)
    await harness.app.source_reading.read()
    await harness.app.delivery_worker.deliver_all()
    harness.clock.advance(timedelta(minutes=1))


async def test_a_match_is_posted_at_once_and_once(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    await read(harness, told(1), told(2, "gradient descent"))
    [shown] = harness.chat.shown["c1"]
    assert shown.message.text == "Just listed, for the topic “federated learning”:"
    assert shown.message.card is not None
    assert shown.message.card.paper_id == "2603.00001"
    await read(harness)
    again = harness_over(store, clock, harness.chat)
    await again.app.scheduler.recover()
    await again.app.source_reading.read()
    await again.app.delivery_worker.deliver_all()
    assert len(harness.chat.shown["c1"]) == 1


async def test_a_paper_that_has_only_some_of_a_topics_words_is_no_match(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_topic(sqlite_store, clock)
    await read(harness, told(1, "deep learning"), told(2, "federated states"))
    assert harness.chat.shown["c1"] == []


async def test_a_match_far_down_a_long_list_of_results_is_not_missed(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    old = [Paper(f"2501.{n:05d}", f"Learning learning {n}", "Learning.") for n in range(1_500)]
    await harness.list_papers(old, clock.now.date() - timedelta(days=100))
    await harness.invite()
    await harness.say("subscribe learning alert")
    clock.advance(timedelta(minutes=1))
    await read(harness, Paper("2603.00001", "Pillows", "Softness " * 300 + "and learning."))
    assert harness.chat.titles() == ["Pillows"]


async def test_papers_listed_before_the_topic_was_made_are_not_alerted(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await read(harness, told(1))
    await harness.invite()
    await harness.say("subscribe federated learning alert")
    clock.advance(timedelta(minutes=1))
    await read(harness, told(2))
    assert harness.chat.titles() == [told(2).title]


@pytest.mark.parametrize("line", ["pause", "unsubscribe federated learning", "subscribe -federated learning"])
async def test_a_paused_channel_gets_no_alerts(sqlite_store: Store, clock: Clock, line: str) -> None:
    harness = await with_topic(sqlite_store, clock)
    assert (await harness.say(line)).ok
    await read(harness, told(1))
    assert harness.chat.shown["c1"] == []


async def test_a_topic_without_alert_waits_for_the_digest(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_topic(sqlite_store, clock, "subscribe federated learning")
    await read(harness, told(1))
    assert harness.chat.shown["c1"] == []


async def test_a_crash_between_reading_and_alerting_loses_none(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    await read(harness)
    harness.shelf.lists = {clock.now.date(): [told(1)]}
    await harness.app.ingest.run()  # and here the process dies
    clock.advance(timedelta(minutes=30))
    again = harness_over(store, clock, harness.chat)
    await again.app.paper_index.sync()
    await again.app.scheduler.recover()
    await again.app.source_reading.read()
    await again.app.delivery_worker.deliver_all()
    assert harness.chat.titles() == [told(1).title]


async def test_after_five_cards_of_one_reading_the_others_are_titles_with_numbers(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    await read(harness, *(told(n) for n in range(7)))
    *cards, titles = harness.chat.shown["c1"]
    assert [card.message.card is not None for card in cards] == [True] * 5
    assert titles.message.text.startswith("2 more just listed, for the topic “federated learning”. React with")
    assert (titles.message.numbered, titles.message.further, len(titles.message.lines)) == (True, True, 2)
    await read(harness)
    assert len(harness.chat.shown["c1"]) == 6
    assert {post.state for post in await harness.posts()} == {"sent"}


async def test_matches_beyond_the_numbered_titles_are_left_to_the_digest(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_topic(sqlite_store, clock)
    most = harness.chat.capabilities.numbers
    await read(harness, *(told(n) for n in range(5 + most + 1)))
    assert len(harness.chat.shown["c1"][-1].message.lines) == most
    await harness.say("settings bar 0")
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.beat()
    brought = {message.message.card.paper_id for message in harness.chat.shown["c1"] if message.message.card}
    brought |= {line.paper_id for message in harness.chat.shown["c1"] for line in message.message.lines}
    assert len(brought) == 5 + most + 1


async def test_two_topics_that_one_paper_matches_bring_it_once(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    assert (await harness.say("subscribe pillows alert")).ok
    clock.advance(timedelta(minutes=1))
    await read(harness, told(0))
    again = harness_over(store, clock, harness.chat)
    await again.app.scheduler.recover()
    await read(again)
    assert harness.chat.titles() == [told(0).title]


async def test_a_paper_that_turns_out_to_be_one_already_posted_is_not_posted_again(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    await read(
        harness, replace(told(1), id="doi:10.1000/xyz", doi="10.1000/xyz", title="On blankets, as it was called")
    )
    await read(harness, replace(told(1), doi="10.1000/xyz"))
    assert len(harness.chat.titles()) == 1


async def test_the_same_work_under_another_title_is_not_posted_again(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    work = Paper("2603.00001", "Learning with blankets", _LONG, ("Ada Lovelace", "Emmy Noether"))
    renamed = Paper("2604.00002", "Blankets, revisited: federated learning at sea", _LONG + " Extended.", work.authors)
    other = Paper("2604.00003", "Federated learning of others", _LONG, ("Grace Hopper", "Alan Turing"))
    await read(harness, work)
    await read(harness, renamed, other)
    assert harness.chat.titles() == [work.title, other.title]
    assert "the same work under another title" in (await harness.say(f"why {renamed.id}")).text
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.say("settings bar 0")
    await harness.beat()
    assert renamed.title not in harness.chat.titles()
    [twin, *_] = (await harness.say(f"similar {work.id}")).lines
    assert (twin.paper_id, "the same work under another title" in twin.detail) == (renamed.id, True)


async def test_every_channel_has_its_own_alerts_and_hears_where_else_the_paper_is(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = await with_topic(sqlite_store, clock)
    await harness.invite(OTHER)
    await harness.say("subscribe federated alert", place=OTHER)
    clock.advance(timedelta(minutes=1))
    await read(harness, told(1))
    assert harness.chat.titles("c1") == harness.chat.titles("c2") == [told(1).title]


async def test_an_alerted_paper_is_not_in_the_digest_again(store: Store, clock: Clock) -> None:
    harness = await with_topic(store, clock)
    await read(harness, told(1), told(2, "gradient descent"))
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.beat()
    titles = harness.chat.titles()
    assert titles.count(told(1).title) == 1


async def test_a_lost_channel_does_not_block_the_alerts_of_others(sqlite_store: Store, clock: Clock) -> None:
    harness = await with_topic(sqlite_store, clock)
    await harness.invite(OTHER)
    await harness.say("subscribe federated alert", place=OTHER)
    clock.advance(timedelta(minutes=1))
    await harness.app.service.left(PLACE, "removed")
    await read(harness, told(1))
    assert harness.chat.titles("c2") == [told(1).title]
    assert harness.chat.shown["c1"] == []
