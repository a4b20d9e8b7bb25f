"""Digests as one message with all of their cards, as mail needs them, and the votes of readers who can't react."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.codec import load_message
from bot.model.messages import Asker, Place, PlaceKind
from bot.model.subscriptions import Content
from bot.ports.platform import Capabilities, NotAccepted
from bot.store import channels, papers, pick_log, subscriptions, topics, votes
from bot.store.database import Store
from bot.store.states import ChannelState, PostState
from bot.store.votes import VoteSignal
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import BotHarness, demo_papers, harness_over

READER = Place("fake", "r1", kind=PlaceKind.DIRECT, private=True)
ME = Asker("r1")
CAN = Capabilities(max_text=20_000, whole_digests=True, interactive=False)


async def reading(store: Store, clock: Clock, chat: FakeChat | None = None) -> BotHarness:
    harness = harness_over(store, clock, chat or FakeChat(CAN))
    await harness.invite(READER, by="")
    return harness


async def test_a_digest_is_one_message_with_all_its_cards(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    await harness.list_papers(demo_papers()[:40])
    await harness.next_morning()
    await harness.beat()
    [shown] = harness.chat.shown["r1"]
    message = shown.message
    assert (len(message.cards), message.card, message.lines) == (5, None, ())
    assert message.title.startswith(f"{clock.now:%a} {clock.now.day} {clock.now:%b}: {message.cards[0].title[:20]}")
    assert message.title.endswith(" + 4 more")
    assert message.text.endswith("Tell me with 👍 or 👎, and the next ones follow your taste.")
    channel = await harness.channel(READER)
    async with store.read() as tx:
        picks = [pick.paper_id for pick in await pick_log.for_channel(tx, channel.id) if pick.place]
    assert picks == [card.paper_id for card in message.cards]


async def test_no_paper_comes_twice_and_a_day_without_papers_brings_no_message(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    await harness.list_papers(demo_papers()[:40])
    for _ in range(3):
        await harness.next_morning()
        await harness.beat()
    ids = [card.paper_id for shown in harness.chat.shown["r1"] for card in shown.message.cards]
    assert len(ids) == len(set(ids))
    assert len(harness.chat.shown["r1"]) == 1
    assert {post.state for post in await harness.posts(READER)} == {PostState.SENT}


async def test_a_vote_is_set_and_not_toggled_and_teaches_the_reader_alone(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    await harness.list_papers(demo_papers()[:40])
    await harness.next_morning()
    await harness.beat()
    paper_id = harness.chat.shown["r1"][0].message.cards[0].paper_id
    service, channel = harness.app.service, await harness.channel(READER)

    async def standing() -> list[str]:
        async with store.read() as tx:
            return [vote.signal for vote in await votes.for_channel(tx, channel.id) if vote.on]

    for value, signal, words in (
        (1, VoteSignal.MORE, "Counted: more like"),
        (-1, VoteSignal.LESS, "Counted: less like"),
    ):
        for _ in range(2):
            clock.advance(timedelta(seconds=1))
            assert (await service.vote(READER, ME, paper_id, value)).text.startswith(words)
            assert await standing() == [signal]
    for _ in range(2):
        clock.advance(timedelta(seconds=1))
        assert (await service.vote(READER, ME, paper_id, 0)).text.startswith("Taken back")
        assert await standing() == []
    assert not (await service.vote(READER, ME, "2999.99999", 1)).ok
    assert not (await service.vote(Place("fake", "gone"), ME, paper_id, 1)).ok


async def test_the_next_message_says_what_it_learned_from_and_why(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    news = demo_papers()
    await harness.list_papers(news[:40])
    await harness.next_morning()
    await harness.beat()
    liked = [card.paper_id for card in harness.chat.shown["r1"][0].message.cards][:2]
    for paper_id in liked:
        assert (await harness.app.service.vote(READER, ME, paper_id, 1)).ok
    await harness.list_papers(news[40:80], clock.now.date() + timedelta(days=1))
    await harness.next_morning()
    await harness.beat()
    message = harness.chat.shown["r1"][-1].message
    assert message.text.endswith("learned from your 2 votes.")
    assert any(card.why.startswith("because you liked") for card in message.cards)


async def test_a_search_brings_its_matches_alone_and_a_weekly_one_the_whole_week(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    channel = await harness.channel(READER)
    async with store.write() as tx:
        await channels.change(tx, channel.id, days="mon", count=10, bar=0.0, bar_learned=False, guess=False)
        values = dict.fromkeys(("address", "address_hash", "platform", "workspace", "member"), "")
        query = {"content": Content.SEARCH, "subject": "robot"}
        await subscriptions.add(tx, channel.id, **values, **query, confirmed_at=clock.now)
        await topics.put(tx, channel.id, "robot", muted=False, alert=False, member="", now=clock.now)
        clock.now += timedelta(days=(7 - clock.now.weekday()) % 7 or 7)
        await channels.change(tx, channel.id, next_due_at=clock.now, next_due_on=clock.now.date())
    news = demo_papers()[:60]
    await harness.list_papers(news, clock.now.date() - timedelta(days=6))
    await harness.beat()
    [shown] = harness.chat.shown["r1"]
    engine = harness.app.paper_index.engine
    matches = [hit.paper_id for hit in engine.matching("robot", [each.id for each in news])]
    assert 1 < len(matches) < 10
    assert {card.paper_id for card in shown.message.cards} == set(matches)
    assert shown.message.text.endswith("about “robot”.")


async def test_a_paper_that_is_withdrawn_before_the_message_leaves_is_marked(store: Store, clock: Clock) -> None:
    refusals = iter([NotAccepted("later", 60.0)])

    def refuse_once(message: object) -> None:
        if error := next(refusals, None):
            raise error

    harness = await reading(store, clock, FakeChat(CAN, before=refuse_once))
    news = demo_papers()[:40]
    await harness.list_papers(news)
    await harness.next_morning()
    await harness.beat()
    [post] = await harness.posts(READER)
    withdrawn_id = load_message(post.body).cards[1].paper_id
    async with store.write() as tx:
        withdrawn = next(each for each in news if each.id == withdrawn_id)
        await papers.record(tx, [replace(withdrawn, withdrawn=True)], clock.now)
    clock.advance(timedelta(minutes=2))
    await harness.beat()
    [shown] = harness.chat.shown["r1"]
    assert shown.message.cards[1].title.startswith("Withdrawn: ")
    assert shown.message.text.startswith("5 papers")


@pytest.mark.parametrize("state", [ChannelState.PAUSED])
async def test_a_vote_counts_also_while_messages_are_paused(store: Store, clock: Clock, state: ChannelState) -> None:
    harness = await reading(store, clock)
    [one, *_] = demo_papers()
    await harness.list_papers([one])
    channel = await harness.channel(READER)
    async with store.write() as tx:
        await channels.change(tx, channel.id, state=state)
    assert (await harness.app.service.vote(READER, ME, one.id, 1)).ok


async def test_what_is_trending_is_the_most_upvoted_until_there_is_a_like(store: Store, clock: Clock) -> None:
    harness = await reading(store, clock)
    channel = await harness.channel(READER)
    async with store.write() as tx:
        values = dict.fromkeys(("address", "address_hash", "platform", "workspace", "member", "subject"), "")
        await subscriptions.add(tx, channel.id, **values, content=Content.TRENDING, confirmed_at=clock.now)
    corpus = [replace(each, upvotes=number % 13) for number, each in enumerate(demo_papers())]
    await harness.next_morning()
    await harness.list_papers(corpus[:40])
    await harness.beat()
    message = harness.chat.shown["r1"][-1].message
    assert [card.upvotes for card in message.cards] == [12, 12, 12, 11, 11]
    assert "the most upvoted first. Tell me with" in message.text
    assert {card.why for card in message.cards} == {"popular with readers of Hugging Face"}
    await harness.app.service.vote(READER, ME, message.cards[0].paper_id, -1)
    await harness.next_morning()
    await harness.list_papers([replace(each, upvotes=0) for each in corpus[40:60]] + corpus[60:62])
    await harness.beat()
    message = harness.chat.shown["r1"][-1].message
    assert len(message.cards) == 5
    assert message.cards[0].upvotes
    assert "the most upvoted first. Tell me with" in message.text
    await harness.app.service.vote(READER, ME, message.cards[0].paper_id, 1)
    await harness.next_morning()
    await harness.list_papers(corpus[62:100])
    await harness.beat()
    assert "learned from your 2 votes." in harness.chat.shown["r1"][-1].message.text
