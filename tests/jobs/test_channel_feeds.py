"""A channel's own feeds are read on schedule, and their papers come as alerts, as titles and in `trending`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.jobs import restoring
from bot.sources.base import Refused
from bot.store import channel_feeds, runs
from bot.store.backup import backup, restore
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.jobs.test_restoring import papers_in
from tests.support.blog import HOME, ROOM, URL, Blog, harness_of, post
from tests.support.harness import BotHarness, demo_papers, paper


async def with_feed(store: Store, clock: Clock, blog: Blog) -> BotHarness:
    """Two channels, of which the first has the feed, with an alert for the feed's subject in each."""
    harness = await harness_of(store, clock, blog)
    assert (await harness.say(f"feeds add {URL}", place=HOME)).ok
    for place in (HOME, ROOM):
        assert (await harness.say("subscribe federated averaging alert", place=place)).ok
    clock.advance(timedelta(hours=1, minutes=1))
    return harness


async def read(harness: BotHarness) -> None:
    await harness.app.source_reading.read_if_due()
    await harness.app.delivery_worker.deliver_all()
    harness.clock.advance(timedelta(hours=1, minutes=1))


async def test_a_match_of_a_channels_feed_is_alerted_there_alone_and_once(store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await with_feed(store, clock, blog)
    blog.papers = [post(1), replace(post(2, "Pillows at sea"), abstract="Wool is warm.")]
    await read(harness)
    assert harness.chat.titles() == [post(1).title]
    assert harness.chat.titles("c2") == []
    await read(harness)
    assert harness.chat.titles() == [post(1).title]
    blog.papers.append(post(3))
    await read(harness)
    assert harness.chat.titles() == [post(1).title, post(3).title]


async def test_alerts_of_sources_and_of_feeds_share_the_cards_of_one_reading(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await with_feed(sqlite_store, clock, blog)
    blog.papers = [post(n) for n in range(6)]
    harness.shelf.lists[clock.now.date()] = [paper(1, abstract="Here federated averaging is best.")]
    await read(harness)
    *cards, titles = harness.chat.shown["c1"]
    assert [bool(message.message.card) for message in cards] == [True] * 5
    assert len(titles.message.lines) == 2
    await read(harness)
    assert len(harness.chat.shown["c1"]) == 6


async def test_feeds_of_channels_are_read_on_schedule_where_no_source_is_on(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await with_feed(sqlite_store, clock, blog)
    harness.app.ingest.sources = ()
    blog.papers = [post(1)]
    await read(harness)
    assert harness.chat.titles() == [post(1).title]
    blog.papers.append(post(2))
    clock.advance(timedelta(minutes=-30))
    await read(harness)
    assert harness.chat.titles() == [post(1).title], "half an hour is too soon"
    await read(harness)
    assert harness.chat.titles() == [post(1).title, post(2).title]


async def test_a_feed_that_fails_is_not_tried_at_every_tick(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await with_feed(sqlite_store, clock, blog)
    harness.app.ingest.sources = ()
    blog.fails = Refused("blog.example.org refused (503).", 503)
    for _ in range(3):
        await harness.app.source_reading.read_if_due()
        clock.advance(timedelta(seconds=5))
    async with sqlite_store.read() as tx:
        last_run = await runs.latest_finished(tx, next(iter(await _run_names(harness))))
    assert last_run is not None
    assert last_run.started_at == clock.now - timedelta(seconds=15)


async def test_titles_below_the_cards_are_of_the_feeds_too(store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await harness_of(store, clock, blog)
    common, own = demo_papers()[:12], demo_papers()[12:24]
    blog.papers = [Paper(f"title:{n}", listed.title, listed.abstract) for n, listed in enumerate(own)]
    await harness.say("settings titles 6", place=HOME)
    await harness.say("settings bar 0", place=HOME)
    await harness.say(f"feeds add {URL}", place=HOME)
    await harness.list_papers(common)
    clock.now = clock.now.replace(hour=9, minute=1)
    await harness.beat_until_settled()
    (titles,) = (message.message for message in harness.chat.shown["c1"] if message.message.lines)
    own_titles = {listed.title for listed in own}
    cards, listed_titles = harness.chat.titles(), [line.title for line in titles.lines]
    assert len(listed_titles) == 6
    assert len(own_titles.intersection(listed_titles)) == 3
    assert len(own_titles.intersection(cards)) == 2
    assert not set(listed_titles) & set(cards)


async def test_liked_papers_of_a_feed_are_trending_where_they_may_be_seen(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await harness_of(sqlite_store, clock, blog)
    blog.papers = [post(1), post(2)]
    await harness.say(f"feeds add {URL}", place=ROOM)
    await harness.say(f"more {post(1).title}", place=ROOM)
    for place in (ROOM, HOME):  # the room is public, and home is in the same workspace
        assert [line.title for line in (await harness.say("trending", place=place)).lines] == [post(1).title]
    await harness.say(f"feeds add {URL}x", place=HOME)
    blog.papers = [post(3)]
    clock.advance(timedelta(hours=2))
    await harness.app.source_reading.read()
    await harness.say(f"more {post(3).title}", place=HOME)
    assert post(3).title in [line.title for line in (await harness.say("trending day", place=HOME)).lines]
    trending = [line.title for line in (await harness.say("trending day", place=ROOM)).lines]
    assert post(3).title not in trending, "likes of a private channel count there alone"
    clock.advance(timedelta(days=10))
    assert not (await harness.say("trending", place=ROOM)).lines


async def test_after_a_restore_what_a_feed_lists_is_known_and_not_alerted(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    blog = Blog()
    harness = await with_feed(store, clock, blog)
    await backup(store, tmp_path / "backup", clock())
    blog.papers = [post(1)]
    await read(harness)
    assert len(papers_in(harness.chat)) == 1

    async def settle(tx, made_at) -> None:  # type: ignore[no-untyped-def]
        await restoring.settle(tx, made_at, clock())

    await restore(store, tmp_path / "backup", then=settle)
    await read(harness)
    blog.papers.append(post(2))
    await read(harness)
    assert harness.chat.titles() == [post(1).title, post(2).title]


async def _run_names(harness: BotHarness) -> list[str]:
    async with harness.store.read() as tx:
        return [feed.run_name for feed in await channel_feeds.list_all(tx)]
