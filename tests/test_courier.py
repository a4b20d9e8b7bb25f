"""Every post once: whatever the platform answers, and wherever the process dies."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.channels.values import Message
from bot.platforms.base import AccessLost, Capabilities, NotAccepted, PlatformError, Rejected, Uncertain
from bot.store.database import Store
from bot.store.states import ChannelState, PostState
from tests.fakes.chat import FakeChat
from tests.fakes.clock import Clock
from tests.house import PLACE, House, demo_papers, house_over

DAY = demo_papers()[:8]


class Crash(BaseException):
    """The process dies here: nothing after it runs."""


async def a_due_digest(store: Store, clock: Clock, chat: FakeChat) -> House:
    """A house whose channel's hour has come; nothing is planned yet."""
    house = house_over(store, clock, chat)
    await house.list_papers(DAY)
    await house.invite()
    clock.advance(timedelta(hours=1, minutes=1))
    return house


def on_call(number: int, error: BaseException) -> Callable[[Message], None]:
    """Raise on the nth message only."""
    calls = itertools.count(1)

    def fault(message: Message) -> None:
        if next(calls) == number:
            raise error

    return fault


async def states(house: House) -> list[PostState]:
    return [post.state for post in await house.posts()]


async def test_a_digest_is_a_header_and_one_message_per_paper(store: Store, clock: Clock) -> None:
    house = await a_due_digest(store, clock, FakeChat())
    await house.beat()
    header, *titles = house.chat.titles()
    assert header.startswith("5 papers for Monday, 2 March")
    assert len(titles) == len(set(titles)) == 5
    assert await states(house) == [PostState.SENT] * 6


async def test_a_second_beat_posts_nothing_more(store: Store, clock: Clock) -> None:
    house = await a_due_digest(store, clock, FakeChat())
    for _ in range(3):
        await house.beat()
    assert len(house.chat.shown["c1"]) == 6


async def test_a_post_not_accepted_is_sent_later_in_its_place(store: Store, clock: Clock) -> None:
    chat = FakeChat(before=on_call(3, NotAccepted("slow down", retry_after=30)))
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    assert len(chat.shown["c1"]) == 2, "what comes behind waits, so that the order stays"
    clock.advance(timedelta(seconds=29))
    await house.beat()
    assert len(chat.shown["c1"]) == 2, "the wait that the platform asked for is kept"
    clock.advance(timedelta(seconds=2))
    await house.beat()
    assert [one.key for one in chat.shown["c1"]] == [post.key for post in await house.posts()]


async def test_a_post_never_accepted_is_given_up_and_the_others_go_on(store: Store, clock: Clock) -> None:
    chat = FakeChat()
    house = await a_due_digest(store, clock, chat)
    await house.app.heart.plan_due()
    bad = (await house.posts())[2]

    def refuse(message: Message) -> None:
        if message.card and message.card.paper_id == bad.paper_id:
            raise NotAccepted("slow down")

    chat.before = refuse
    for _ in range(6):
        await house.app.courier.deliver_all()
        clock.advance(timedelta(minutes=20))
    assert (await states(house)).count(PostState.SENT) == 5
    assert (await states(house))[2] is PostState.FAILED


async def test_a_refused_post_fails_alone(store: Store, clock: Clock) -> None:
    chat = FakeChat(before=on_call(3, Rejected("invalid_blocks")))
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    assert len(chat.shown["c1"]) == 5
    assert (await house.posts())[2].reason == "invalid_blocks"


async def test_lost_access_pauses_the_channel_keeps_its_posts_and_tells_its_owner_once(
    store: Store, clock: Clock
) -> None:
    chat = FakeChat(before=on_call(2, AccessLost("not_in_channel")))
    house = await a_due_digest(store, clock, chat)
    for _ in range(3):
        await house.beat()
    assert (await house.channel()).state is ChannelState.LOST
    assert (await states(house))[1:] == [PostState.PLANNED] * 5
    assert [member for member, _ in chat.told] == ["ada"]
    await house.invite()
    await house.beat()
    assert len(chat.shown["c1"]) == 6


@pytest.mark.parametrize("error", [Uncertain("reply lost"), TimeoutError(), ConnectionResetError(), ValueError("odd")])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_uncertain_post_is_looked_up_before_anything_else_is_sent(
    store: Store, clock: Clock, error: Exception, when: str
) -> None:
    chat = FakeChat(**{when: on_call(3, error)})  # type: ignore[arg-type]
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    assert [one.key for one in chat.shown["c1"]] == [post.key for post in await house.posts()]
    assert chat.lookups == 1


async def test_while_nobody_can_be_asked_an_uncertain_post_holds_the_line(store: Store, clock: Clock) -> None:
    chat = FakeChat(after=on_call(2, Uncertain("reply lost")), unable_to_look_up=PlatformError("down"))
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    await house.beat()
    assert len(chat.shown["c1"]) == 2
    chat.unable_to_look_up = None
    await house.beat()
    assert len(chat.shown["c1"]) == 6


async def test_where_nothing_can_be_looked_up_an_uncertain_post_is_rather_lost_than_doubled(
    store: Store, clock: Clock
) -> None:
    chat = FakeChat(Capabilities(max_text=4000), after=on_call(2, Uncertain("reply lost")))
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    assert len(chat.shown["c1"]) == 6
    assert (await states(house))[1] is PostState.FAILED


async def test_a_platform_that_knows_its_keys_is_simply_sent_the_same_again(store: Store, clock: Clock) -> None:
    chat = FakeChat(Capabilities(max_text=4000, idempotent_for=300), after=on_call(2, Uncertain("reply lost")))
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    assert len(chat.shown["c1"]) == 6
    assert await states(house) == [PostState.SENT] * 6


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_a_process_that_dies_while_sending_loses_and_doubles_nothing(
    store: Store, clock: Clock, when: str, number: int
) -> None:
    chat = FakeChat(**{when: on_call(number, Crash())})  # type: ignore[arg-type]
    house = await a_due_digest(store, clock, chat)
    with pytest.raises(Crash):
        await house.beat()
    again = house_over(store, clock, chat)
    await again.app.heart.start()
    await again.beat()
    assert [one.key for one in chat.shown["c1"]] == [post.key for post in await again.posts()]
    assert await states(again) == [PostState.SENT] * 6


async def test_posts_that_are_too_late_to_be_news_are_dropped_and_their_papers_may_come_again(
    store: Store, clock: Clock
) -> None:
    chat = FakeChat()
    house = await a_due_digest(store, clock, chat)
    await house.app.heart.plan_due()
    clock.advance(timedelta(hours=13))
    await house.app.courier.deliver_all()
    assert chat.shown["c1"] == []
    assert await states(house) == [PostState.DROPPED] * 6
    reply = await house.say(f"submit {DAY[0].id}")
    assert reply.ok, reply.text
    assert len(chat.shown["c1"]) == 1


async def test_one_bad_channel_delays_no_other(store: Store, clock: Clock) -> None:
    def break_first(message: Message) -> None:
        raise NotAccepted("overloaded", retry_after=3600)

    chat = FakeChat(before=break_first)
    house = await a_due_digest(store, clock, chat)
    await house.beat()
    chat.before = None
    other = PLACE.__class__("fake", "c2", name="other")
    await house.invite(other)
    await house.say("schedule 09:02", place=other)
    clock.advance(timedelta(minutes=2))
    await house.beat()
    assert chat.shown["c1"] == []
    assert len(chat.shown["c2"]) == 6
