"""Old messages lose the texts of their papers, and all that reads old messages answers as before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.digests.past_messages import lacks_papers
from bot.jobs.clean_up import CLEAN_UP, shorten_old_messages
from bot.model.codec import dump_message, load_message
from bot.model.messages import Card, Line, Message, Reaction
from bot.reports import channel_days, news_items
from bot.reports.channel_view import ChannelView
from bot.service import message_papers
from bot.settings import DigestSettings
from bot.store import papers, votes
from bot.store.database import Store
from bot.store.states import PostState
from bot.store.tables import posts
from tests.fakes.clock import Clock
from tests.jobs.test_vote_counts import Board
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over
from tests.support.voting import read_back

KEEP = timedelta(days=14)


async def with_digests(store: Store, clock: Clock, *, days: int = 3) -> BotHarness:
    """A channel with a digest of cards and numbered titles on each of some days, and votes on both."""
    digest = DigestSettings(count=2, titles=3)
    harness = harness_over(store, clock, Board(), digest=digest)
    await harness.invite()
    every = demo_papers()
    for day in range(days):
        await harness.list_papers(every[day * 8 : day * 8 + 8])
        await harness.next_morning()
        await harness.beat_until_settled()
    return harness


async def shorten(harness: BotHarness) -> int:
    return await shorten_old_messages(harness.store, harness.app.leases, harness.clock, KEEP)


async def seen(harness: BotHarness) -> dict[str, Any]:
    """What the reports tell of the channel's messages."""
    channel = await harness.channel()
    app = harness.app
    view = ChannelView(channel, app.store, app.paper_index, app.digests, app.emoji, harness.clock())
    async with harness.store.read() as tx:
        return {
            "days": await channel_days.of_channel(tx, view, 10),
            "feed": await news_items.of_channel(tx, channel.id),
            "votes": await votes.for_channel(tx, channel.id),
        }


async def whole_messages(harness: BotHarness) -> list[bool]:
    """For each sent message with papers, whether it has their texts."""
    messages = [load_message(post.body) for post in await harness.posts() if post.state is PostState.SENT]
    return [not lacks_papers(each) for each in messages if each.card or each.lines]


async def test_the_texts_of_old_messages_go_and_all_that_reads_them_stays(store: Store, clock: Clock) -> None:
    harness = await with_digests(store, clock)
    for post in await harness.posts():
        if post.paper_id:
            await harness.say(f"more {post.paper_id}", BEN)
    await harness.settle()
    listed = next(post for post in await harness.posts() if load_message(post.body).lines)
    first = load_message(listed.body).lines[0]
    harness.chat.standing[listed.message or ""].add(("ada", "1️⃣"))
    assert await read_back(harness) == 1
    before, size = await seen(harness), len(json.dumps([post.body for post in await harness.posts()]))
    clock.advance(KEEP - timedelta(days=1))
    assert await shorten(harness) == 3
    assert await whole_messages(harness) == [False] * 3 + [True] * 6
    clock.advance(timedelta(days=2))
    assert await shorten(harness) == 6
    assert len(json.dumps([post.body for post in await harness.posts()])) < size / 2
    after = await seen(harness)
    assert after == before
    assert await shorten(harness) == 0

    assert await read_back(harness, days=40) == 0
    harness.chat.standing[listed.message or ""].clear()
    assert await read_back(harness, days=40) == 1
    clock.advance(timedelta(minutes=1))
    await harness.app.service.react(Reaction(PLACE, listed.message or "", "ada", "1️⃣", True, clock()))
    undone = await harness.say("undo", ADA)
    assert first.title[:40] in undone.text
    assert "1️⃣" in undone.text
    assert (await harness.say(f"why {first.paper_id}")).ok
    assert [line.paper_id for line in await papers_of(harness, listed.message or "")][:1] == [first.paper_id]
    assert '"row": "post"' in (await harness.say("export")).attachment.content  # type: ignore[union-attr]


def card(harness: BotHarness, message: str | None) -> Card:
    [found] = [each.message.card for each in harness.chat.shown["c1"] if each.id == message]
    assert found
    return found


async def papers_of(harness: BotHarness, message: str) -> tuple[Line, ...]:
    return await message_papers.papers_in(harness.app.service._services, PLACE, message, "")


async def test_an_old_card_still_shows_the_votes_by_button(store: Store, clock: Clock) -> None:
    harness = await with_digests(store, clock, days=1)
    card_post = next(post for post in await harness.posts() if post.paper_id)
    assert card_post.paper_id
    before = card(harness, card_post.message)
    clock.advance(KEEP + timedelta(days=1))
    assert await shorten(harness) > 0
    await harness.say(f"more {card_post.paper_id}", BEN)
    await harness.settle()
    after = card(harness, card_post.message)
    assert after.tally == "By button: 👍 1"
    assert replace(after, tally="") == before


async def test_a_card_of_a_paper_that_is_gone_is_not_edited(store: Store, clock: Clock) -> None:
    harness = await with_digests(store, clock, days=1)
    card_post = next(post for post in await harness.posts() if post.paper_id)
    clock.advance(KEEP + timedelta(days=1))
    await shorten(harness)
    short = Message(card=Card("2511.99999", ""), lines=(Line("2511.99998", ""),))
    async with store.write() as tx:
        await tx.execute(sa.update(posts).where(posts.c.id == card_post.id).values(body=dump_message(short)))
    await harness.say(f"more {card_post.paper_id}", BEN)
    await harness.settle()
    assert isinstance(harness.chat, Board)
    assert harness.chat.edits == []


async def test_a_paper_that_became_another_one_comes_back_into_its_old_list(store: Store, clock: Clock) -> None:
    harness = await with_digests(store, clock, days=1)
    listed = next(post for post in await harness.posts() if load_message(post.body).lines)
    ids = [line.paper_id for line in load_message(listed.body).lines]
    clock.advance(KEEP + timedelta(days=1))
    await shorten(harness)
    async with store.write() as tx:
        old = await papers.get(tx, ids[1])
        assert old
        await papers.record(tx, [replace(old, id="10.1234/journal", doi="10.1234/journal")], clock())
        await papers.record(tx, [replace(old, doi="10.1234/journal")], clock())
    await harness.say(f"more {ids[0]}", BEN)
    await harness.settle()
    [message] = [each.message for each in harness.chat.shown["c1"] if each.id == listed.message]
    assert [bool(line.title) for line in message.lines] == [True] * 3


async def test_many_messages_are_shortened_in_several_transactions_once(store: Store, clock: Clock) -> None:
    harness = await with_digests(store, clock, days=1)
    [card_post, *_] = [post for post in await harness.posts() if post.paper_id]
    async with store.write() as tx:
        row = (await tx.execute(sa.select(posts).where(posts.c.id == card_post.id))).mappings().one()
        copies = [
            {**row, "id": 1000 + number, "key": f"k{number}", "paper_id": None, "message": f"m{number}"}
            for number in range(250)
        ]
        await tx.execute(sa.insert(posts), copies)
        await tx.execute(sa.update(posts).where(posts.c.id == 1100).values(body={"card": "none", "lines": 7}))
    clock.advance(KEEP + timedelta(days=1))
    other = harness_over(store, clock, process="another")
    async with other.app.leases.holding(CLEAN_UP):
        assert await shorten(harness) == 0
    assert await shorten(harness) == 249 + sum(1 for post in await harness.posts() if post.id < 1000 and has(post.body))
    assert await shorten(other) == 0


def has(body: dict[str, Any]) -> bool:
    return bool(body.get("card") or body.get("lines"))
