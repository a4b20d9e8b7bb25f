"""Feeds that managers add for their channel: their papers are that channel's alone, and change no other paper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.messages import Asker, Place
from bot.sources.base import BadAddress, ListingKind, Refused
from bot.sources.feed import Feed, feed_name
from bot.sources.fetch import Fetcher
from bot.store import channel_feeds, common_feeds, installations, papers, runs
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.blog import HOME, ROOM, URL, Blog, harness_of, post
from tests.support.harness import ADA, BEN, PLACE, harness_over, paper


async def test_a_feed_is_added_listed_and_dropped(store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.papers = [post(1), post(2)]
    harness = await harness_of(store, clock, blog)
    assert "has no feeds of its own" in (await harness.say("feeds", place=HOME)).text
    added = await harness.say(f"feeds add {URL}", place=HOME)
    assert added.ok
    assert "It lists 2 papers now" in added.text
    assert "secret" not in added.text
    listed = (await harness.say("feeds", BEN, place=HOME)).text
    assert f"• {feed_name(URL)}: read just now." in listed
    assert "• shelf: not read yet." in listed
    assert "secret" not in listed
    assert not (await harness.say(f"feeds add {URL}", place=HOME)).ok
    assert not (await harness.say("feeds drop nothing.example", place=HOME)).ok
    assert (await harness.say("feeds drop blog.example", place=HOME)).text.startswith("Dropped feed blog.example.org")
    assert not (await harness.say("search federated averaging", place=HOME)).lines
    async with store.read() as tx:
        assert await channel_feeds.list_all(tx) == []


async def test_only_managers_change_feeds(sqlite_store: Store, clock: Clock) -> None:
    harness = await harness_of(sqlite_store, clock, Blog())
    assert not (await harness.say(f"feeds add {URL}", BEN, place=HOME)).ok
    async with sqlite_store.read() as tx:
        assert await channel_feeds.list_all(tx) == []


async def test_papers_of_a_channels_feed_are_found_and_picked_there_alone(store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.papers = [post(n) for n in range(1, 6)]
    harness = await harness_of(store, clock, blog)
    await harness.say("settings bar 0", place=HOME)
    await harness.say("subscribe federated averaging", place=HOME)
    await harness.say(f"feeds add {URL}", place=HOME)
    home = await harness.say("search federated averaging", place=HOME)
    assert len(home.lines) == 5
    assert not (await harness.say("search federated averaging", place=ROOM)).lines
    named = await harness.say("abstract https://blog.example.org/post/3", place=HOME)
    assert named.cards[0].title == post(3).title
    today = await harness.say("today", place=HOME)
    assert {card.title for card in today.cards} <= {one.title for one in blog.papers}
    assert today.cards
    assert not (await harness.say("today", place=ROOM)).cards
    harness.clock.now = harness.clock.now.replace(hour=9, minute=1)
    await harness.beat_until_settled()
    shown = [message.message.card.title for message in harness.chat.shown["c1"] if message.message.card]
    assert shown
    assert set(shown) <= {one.title for one in blog.papers}


async def test_a_feed_of_a_member_changes_no_paper_of_a_source(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await harness_of(sqlite_store, clock, blog)
    await harness.list_papers([paper(1)])
    blog.papers = [Paper("2603.00001", "Bought cheap", "Spam " * 500, url="https://evil.example/1")]
    await harness.say(f"feeds add {URL}", place=HOME)
    async with sqlite_store.read() as tx:
        assert await papers.get(tx, "2603.00001") == paper(1)
        assert await papers.count(tx) == 1


async def test_undated_and_old_posts_are_no_news_when_a_feed_is_added(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.kind, blog.papers = ListingKind.UNDATED, [post(1), post(2)]
    harness = await harness_of(sqlite_store, clock, blog)
    await harness.say(f"feeds add {URL}", place=HOME)
    home = await harness.channel(HOME)
    async with sqlite_store.read() as tx:
        assert await channel_feeds.came_after(tx, home.id, clock.now - timedelta(days=3)) == []
    blog.papers.append(post(3))
    clock.advance(timedelta(hours=1))
    await harness.app.source_reading.read()
    async with sqlite_store.read() as tx:
        (new_id,) = await channel_feeds.came_after(tx, home.id, clock.now - timedelta(days=3))
        stored = await papers.get(tx, new_id)
    assert stored is not None
    assert stored.title == post(3).title


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            Refused("blog.example.org has no such page (404).", 404),
            "I did not add it: blog.example.org has no such page",
        ),
        (
            BadAddress("10.0.0.1 is inside a private network."),
            "I did not add it: its address leads into a private network",
        ),
        (ValueError("odd"), "I did not add it: It failed in an unexpected way"),
    ],
)
async def test_a_feed_that_cannot_be_read_is_not_added(
    sqlite_store: Store, clock: Clock, error: Exception, text: str
) -> None:
    blog = Blog()
    blog.fails = error
    harness = await harness_of(sqlite_store, clock, blog)
    answer = await harness.say(f"feeds add {URL}", place=HOME)
    assert (answer.ok, answer.text.startswith(text)) == (False, True), answer.text
    async with sqlite_store.read() as tx:
        assert await channel_feeds.list_all(tx) == []


async def test_a_failing_feed_costs_no_other_and_its_list_says_why(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await harness_of(sqlite_store, clock, blog)
    await harness.say(f"feeds add {URL}", place=HOME)
    blog.fails = Refused("blog.example.org refused (503).", 503)
    clock.advance(timedelta(hours=3))
    await harness.app.source_reading.read()
    text = (await harness.say("feeds", place=HOME)).text
    assert "could not be read just now (blog.example.org refused (503))." in text
    assert "blog" not in (await harness.say("sources", place=ROOM)).text
    async with sqlite_store.read() as tx:
        assert await runs.latest_finished(tx, "shelf"), "the other sources were read"


@pytest.mark.parametrize(
    "text", ["", "notaurl", "ftp://x.example/f", "https://", "https://a b", "https://" + "a" * 3000]
)
async def test_a_text_that_is_no_address_is_refused(sqlite_store: Store, clock: Clock, text: str) -> None:
    harness = await harness_of(sqlite_store, clock, Blog())
    answer = await harness.say(f"feeds add {text}", place=HOME)
    assert (answer.ok, "whole address" in answer.text) == (False, True)


async def test_a_channel_has_ten_feeds_at_most_and_they_go_with_it(store: Store, clock: Clock) -> None:
    blog = Blog()
    harness = await harness_of(store, clock, blog)
    for number in range(10):
        blog.papers = [post(number)]
        assert (await harness.say(f"feeds add https://x.example/{number}", place=HOME)).ok
    refused = await harness.say("feeds add https://x.example/10", place=HOME)
    assert "10 feeds, which is as many as I read" in refused.text
    async with store.write() as tx:
        await installations.delete(tx, "fake", "T1", harness.clock())
    async with store.read() as tx:
        assert await channel_feeds.list_all(tx) == []


async def test_a_strangers_feed_in_a_private_network_is_refused(sqlite_store: Store, clock: Clock) -> None:
    async with Fetcher() as fetcher:
        harness = harness_over(sqlite_store, clock, open_feed=lambda url, name: Feed(fetcher, url, name=name))
        await harness.invite(PLACE)
        answer = await harness.say("feeds add http://127.0.0.1:9/feed.xml", ADA, PLACE)
    assert not answer.ok
    assert "its address leads into a private network" in answer.text
    assert "127.0.0.1" not in answer.text


OPERATOR = {"operators": ["fake:T1/ada", "fake:T2/ben"]}


async def test_an_operator_adds_and_drops_a_feed_for_all_channels(store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.papers = [post(1), post(2)]
    harness = await harness_of(store, clock, blog, **OPERATOR)
    added = await harness.say(f"feeds add <{URL}> for all", place=HOME)
    assert added.ok, added.text
    assert "It lists 2 papers now" in added.text
    assert "secret" not in added.text
    for place in (HOME, ROOM):
        assert len((await harness.say("search federated averaging", place=place)).lines) == 2
        assert f"• {feed_name(URL)}: read just now." in (await harness.say("feeds", place=place)).text
    async with store.read() as tx:
        assert await papers.count(tx) == 2
    assert "already" in (await harness.say(f"feeds add {URL} for all", place=HOME)).text
    assert "already" in (await harness.say(f"feeds add {URL}", place=ROOM)).text
    blog.papers.append(post(3))
    clock.advance(timedelta(hours=2))
    await harness.app.source_reading.read_if_due()
    assert len((await harness.say("search federated averaging", place=ROOM)).lines) == 3
    blog.fails = Refused("blog.example.org refused (503).", 503)
    clock.advance(timedelta(hours=2))
    await harness.app.source_reading.read_if_due()
    assert "blog.example.org (42ea28): could not be read" in (await harness.say("sources", place=ROOM)).text
    dropped = await harness.say("feeds drop blog.example for everyone", place=HOME)
    assert dropped.text == f"Dropped {feed_name(URL)} for all channels. Its papers stay."
    assert "blog" not in (await harness.say("sources", place=ROOM)).text, "nobody is blamed any more"
    assert not (await harness.say("feeds drop blog for all", place=HOME)).ok


@pytest.mark.parametrize("asker", [ADA, BEN, Asker("", manager=True), Asker("ada/", manager=True)])
@pytest.mark.parametrize("line", ["feeds add https://x.example/1 for all", "Feeds drop blog for ALL"])
async def test_nobody_else_adds_or_drops_a_feed_for_all(
    sqlite_store: Store, clock: Clock, asker: Asker, line: str
) -> None:
    harness = await harness_of(sqlite_store, clock, Blog())
    refused = await harness.say(line, asker, HOME)
    assert not refused.ok
    in_settings = await harness_of(sqlite_store, clock, Blog(), **OPERATOR)
    elsewhere = Place("fake", "c9", "T3", "ml")
    refused = await in_settings.say(line, asker, elsewhere)
    assert not refused.ok, "a member of another workspace may have the same id"
    async with sqlite_store.read() as tx:
        assert await common_feeds.list_all(tx) == []
        assert await channel_feeds.list_all(tx) == []


async def test_a_refused_operator_learns_what_to_set(sqlite_store: Store, clock: Clock) -> None:
    harness = await harness_of(sqlite_store, clock, Blog())
    refused = await harness.say(f"feeds add {URL} for all", place=HOME)
    assert "put `fake:T1/ada` into sources.operators" in refused.text


async def test_whoever_sits_at_the_bots_own_terminal_is_its_operator(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.papers = [post(1)]
    harness = await harness_of(sqlite_store, clock, blog)
    assert (await harness.say(f"feeds add {URL} for all", Asker("zoe", manager=True, operator=True), HOME)).ok


async def test_a_feed_for_all_that_cannot_be_read_is_not_added(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.fails = Refused("blog.example.org refused (503).", 503)
    harness = await harness_of(sqlite_store, clock, blog, **OPERATOR)
    answer = await harness.say(f"feeds add {URL} for all", place=HOME)
    assert (answer.ok, answer.text) == (False, "I did not add it: blog.example.org refused (503).")
    assert "blog" not in (await harness.say("feeds", place=HOME)).text
    async with sqlite_store.read() as tx:
        assert await common_feeds.list_all(tx) == []
        assert await runs.latest(tx, feed_name(URL)) is None


async def test_feeds_for_all_are_sources_after_a_restart(sqlite_store: Store, clock: Clock) -> None:
    blog = Blog()
    blog.papers = [post(1)]
    harness = await harness_of(sqlite_store, clock, blog, **OPERATOR)
    await harness.say(f"feeds add {URL} for all", place=HOME)
    again = harness_over(sqlite_store, clock, harness.chat, open_feed=blog.open)
    assert [source.name for source in await again.app.ingest.all_sources()] == ["shelf", feed_name(URL)]
    assert feed_name(URL) in again.app.source_names
