"""Every post once: whatever the platform answers, and wherever the process dies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.jobs.delivery import DeliveryWorker, RetryPolicy
from bot.model.codec import load_message
from bot.model.messages import Message, Place
from bot.ports.platform import AccessLost, Capabilities, NotAccepted, PlatformError, Rejected, Uncertain
from bot.settings import DigestSettings
from bot.settings.groups import DeliverySettings
from bot.store import deliveries
from bot.store.database import Store
from bot.store.states import ChannelState, PostState
from bot.store.tables import posts
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over

DAY = demo_papers()[:8]


class Crash(BaseException):
    """The process dies here: nothing after it runs."""


async def a_due_digest(store: Store, clock: Clock, chat: FakeChat, style: str = "cards", titles: int = 0) -> BotHarness:
    """A harness with a channel whose digest is due; nothing is planned yet."""
    harness = harness_over(store, clock, chat, digest=DigestSettings(titles=titles))
    await harness.list_papers(DAY)
    await harness.invite()
    await harness.say(f"settings style {style}")
    clock.advance(timedelta(hours=1, minutes=1))
    return harness


def on_call(number: int, error: BaseException) -> Callable[[Message], None]:
    """Raise on the nth message only."""
    calls = itertools.count(1)

    def fault(message: Message) -> None:
        if next(calls) == number:
            raise error

    return fault


async def states(harness: BotHarness) -> list[PostState]:
    return [post.state for post in await harness.posts()]


async def test_a_digest_is_a_header_and_one_message_per_paper(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    await harness.beat()
    header, *titles = harness.chat.titles()
    assert header.startswith("5 papers for Monday, 2 March")
    assert len(titles) == len(set(titles)) == 5
    assert await states(harness) == [PostState.SENT] * 6


async def test_delivering_again_posts_nothing_more(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    for _ in range(3):
        await harness.beat()
    assert len(harness.chat.shown["c1"]) == 6


async def test_a_post_refused_for_now_is_sent_later_in_order(store: Store, clock: Clock) -> None:
    chat = FakeChat(before=on_call(3, NotAccepted("slow down", retry_after=30)))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert len(chat.shown["c1"]) == 2, "what comes behind waits, so that the order stays"
    clock.advance(timedelta(seconds=29))
    await harness.beat()
    assert len(chat.shown["c1"]) == 2, "the wait that the platform asked for is kept"
    clock.advance(timedelta(seconds=2))
    await harness.beat()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await harness.posts()]


async def test_a_post_never_accepted_is_given_up_and_the_others_go_on(store: Store, clock: Clock) -> None:
    chat = FakeChat()
    harness = await a_due_digest(store, clock, chat)
    await harness.app.planner.plan_due()
    bad = (await harness.posts())[2]

    def refuse(message: Message) -> None:
        if message.card and message.card.paper_id == bad.paper_id:
            raise NotAccepted("slow down")

    chat.before = refuse
    for _ in range(6):
        await harness.app.delivery_worker.deliver_all()
        clock.advance(timedelta(minutes=20))
    assert (await states(harness)).count(PostState.SENT) == 5
    assert (await states(harness))[2] is PostState.FAILED


async def test_a_refusal_with_retry_after_uses_up_no_attempt(store: Store, clock: Clock) -> None:
    asked = []

    def busy(message: Message) -> None:
        asked.append(clock.now)
        if len(asked) <= 20:
            raise NotAccepted("slow down", retry_after=30)

    harness = await a_due_digest(store, clock, FakeChat(before=busy))
    for _ in range(21):
        await harness.beat()
        clock.advance(timedelta(seconds=30))
    assert await states(harness) == [PostState.SENT] * 6
    assert {later - earlier for earlier, later in itertools.pairwise(asked[:21])} == {timedelta(seconds=30)}


async def test_endless_refusals_with_retry_after_end_when_the_post_is_too_late(
    sqlite_store: Store, clock: Clock
) -> None:
    def busy(message: Message) -> None:
        raise NotAccepted("slow down", retry_after=1800)

    harness = await a_due_digest(sqlite_store, clock, FakeChat(before=busy))
    for _ in range(26):
        await harness.beat()
        clock.advance(timedelta(seconds=1800))
    assert await states(harness) == [PostState.DROPPED] * 6


async def test_a_workspace_that_hangs_delays_no_other_and_nothing_in_it_is_begun_twice(
    sqlite_store: Store, clock: Clock
) -> None:
    class Hanging(FakeChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            begun.append(place)
            if place.workspace == "hangs":
                await asyncio.Event().wait()
            shown = await super().send(place, message, key)
            if all(len(self.shown[place.address]) == 6 for place in good):
                delivered.set()
            return shown

    begun: list[Place] = []
    delivered = asyncio.Event()
    harness = await a_due_digest(sqlite_store, clock, Hanging())
    clock.advance(timedelta(hours=-1))
    bad = [Place("fake", f"h{n}", "hangs", name=f"h{n}") for n in range(60)]
    good = [Place("fake", f"w{n}", f"w{n}", name=f"w{n}") for n in range(3)]
    for place in [*bad, *good]:
        await harness.invite(place)
    clock.advance(timedelta(hours=1))
    await harness.app.planner.plan_due()
    for _ in range(3):
        await asyncio.wait_for(harness.app.scheduler.tick(), 10)
    await asyncio.wait_for(delivered.wait(), 30)
    hanging = [place for place in begun if place in bad]
    assert len(hanging) == len(set(hanging)) == 10, "a workspace has so many channels sent to at a time, and no more"
    await asyncio.wait_for(harness.app.scheduler.stop(), 10)
    assert {post.state for place in hanging for post in (await harness.posts(place))[:1]} == {PostState.SENDING}


async def test_a_failing_message_to_the_owner_does_not_block_delivery(sqlite_store: Store, clock: Clock) -> None:
    class Deaf(FakeChat):
        async def tell(self, place: Place, member: str, text: str) -> None:
            await asyncio.Event().wait()

    chat = Deaf(before=on_call(1, AccessLost("not_in_channel")))
    harness = await a_due_digest(sqlite_store, clock, chat)
    delivery_worker = DeliveryWorker(
        sqlite_store, {chat.name: chat}, clock, RetryPolicy(timeout=0.05), harness.app.leases
    )
    await harness.app.planner.plan_due()
    await asyncio.wait_for(delivery_worker.deliver_all(), 10)
    assert (await harness.channel()).state is ChannelState.LOST


async def test_a_refused_post_fails_alone(store: Store, clock: Clock) -> None:
    chat = FakeChat(before=on_call(3, Rejected("invalid_blocks")))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert len(chat.shown["c1"]) == 5
    assert (await harness.posts())[2].reason == "invalid_blocks"


async def test_log_lines_of_a_delivery_name_the_key_under_which_the_platform_got_the_post(
    store: Store, clock: Clock
) -> None:
    def refuse_third(message: Message) -> None:
        structlog.get_logger().warning("The platform says something.")
        fault(message)

    fault, chat = on_call(3, Rejected("invalid_blocks")), FakeChat(before=refuse_third)
    house = await a_due_digest(store, clock, chat)
    with capture_logs([merge_contextvars]) as lines:
        await house.beat()
    posts = await house.posts()
    assert [(line["post"], line["paper"]) for line in lines if line["event"] != "A post was refused."] == [
        (post.key, post.paper_id) for post in posts
    ]
    [refused] = [line for line in lines if line["event"] == "A post was refused."]
    assert (refused["post"], refused["paper"], refused["channel"]) == (posts[2].key, posts[2].paper_id, 1)


async def test_lost_access_pauses_the_channel_keeps_its_posts_and_tells_its_owner_once(
    store: Store, clock: Clock
) -> None:
    chat = FakeChat(before=on_call(2, AccessLost("not_in_channel")))
    harness = await a_due_digest(store, clock, chat)
    with capture_logs() as logged:
        for _ in range(3):
            await harness.beat()
    assert [one["event"] for one in logged] == ["The bot has lost access to a channel."]
    assert (await harness.channel()).state is ChannelState.LOST
    assert (await states(harness))[1:] == [PostState.PLANNED] * 5
    assert [member for member, _ in chat.told] == ["ada"]
    await harness.invite()
    await harness.beat()
    assert len(chat.shown["c1"]) == 6


@pytest.mark.parametrize("error", [Uncertain("reply lost"), TimeoutError(), ConnectionResetError(), ValueError("odd")])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_uncertain_post_is_looked_up_before_anything_else_is_sent(
    store: Store, clock: Clock, error: Exception, when: str
) -> None:
    chat = FakeChat(**{when: on_call(3, error)})  # type: ignore[arg-type]
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    if when == "before":
        assert len(chat.shown["c1"]) == 2, "it may still arrive, and what comes behind waits"
        await harness.beat_until_settled()
    else:
        assert chat.lookups == 1
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await harness.posts()]


async def test_an_uncertain_post_blocks_later_posts_while_lookup_fails(store: Store, clock: Clock) -> None:
    chat = FakeChat(after=on_call(2, Uncertain("reply lost")), unable_to_look_up=PlatformError("down"))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    await harness.beat()
    assert len(chat.shown["c1"]) == 2
    chat.unable_to_look_up = None
    clock.advance(timedelta(seconds=10))
    await harness.beat()
    assert len(chat.shown["c1"]) == 6


async def test_an_uncertain_post_fails_where_the_platform_has_no_lookup(store: Store, clock: Clock) -> None:
    chat = FakeChat(Capabilities(max_text=4000), after=on_call(2, Uncertain("reply lost")))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert len(chat.shown["c1"]) == 6
    assert (await states(harness))[1] is PostState.FAILED


async def test_an_uncertain_post_is_resent_under_its_idempotent_key(store: Store, clock: Clock) -> None:
    chat = FakeChat(Capabilities(max_text=4000, idempotent_for=300), after=on_call(2, Uncertain("reply lost")))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert len(chat.shown["c1"]) == 6
    assert await states(harness) == [PostState.SENT] * 6


@pytest.mark.parametrize("style", ["cards", "thread"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 8))
async def test_a_process_that_dies_while_sending_loses_and_doubles_nothing(
    store: Store, clock: Clock, when: str, number: int, style: str
) -> None:
    chat = FakeChat(**{when: on_call(number, Crash())})  # type: ignore[arg-type]
    harness = await a_due_digest(store, clock, chat, style, titles=10)
    with pytest.raises(Crash):
        await harness.beat()
    again = harness_over(store, clock, chat)
    await again.app.scheduler.recover()
    await again.beat_until_settled()
    header, *cards = chat.shown["c1"]
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await again.posts()]
    assert await states(again) == [PostState.SENT] * 7
    assert [card.message.thread for card in cards] == [header.id if style == "thread" else ""] * 6
    assert [len(card.message.lines) for card in cards] == [0] * 5 + [3]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_compact_digest_is_one_message_wherever_its_process_dies(store: Store, clock: Clock, when: str) -> None:
    chat = FakeChat(**{when: on_call(1, Crash())})  # type: ignore[arg-type]
    harness = await a_due_digest(store, clock, chat, "compact")
    with pytest.raises(Crash):
        await harness.beat()
    again = harness_over(store, clock, chat)
    await again.app.scheduler.recover()
    await again.beat_until_settled()
    [one] = chat.shown["c1"]
    assert len(one.message.lines) == 5
    assert await states(again) == [PostState.SENT]


async def test_cards_in_a_thread_wait_for_the_header_post(store: Store, clock: Clock) -> None:
    chat = FakeChat(after=on_call(1, Uncertain("reply lost")), unable_to_look_up=PlatformError("down"))
    harness = await a_due_digest(store, clock, chat, "thread")
    await harness.beat()
    await harness.beat()
    assert len(chat.shown["c1"]) == 1, "nobody knows yet whose thread it is"
    chat.unable_to_look_up = None
    clock.advance(timedelta(seconds=10))
    await harness.beat()
    header, *cards = chat.shown["c1"]
    assert [card.message.thread for card in cards] == [header.id] * 5


@pytest.mark.parametrize("error", [Rejected("invalid_blocks"), Uncertain("reply lost")])
async def test_where_the_header_never_came_the_cards_stand_in_the_channel(
    store: Store, clock: Clock, error: PlatformError
) -> None:
    chat = FakeChat(Capabilities(max_text=4000, threads=True), before=on_call(1, error))
    harness = await a_due_digest(store, clock, chat, "thread")
    await harness.beat()
    assert [message.message.thread for message in chat.shown["c1"]] == [""] * 5
    assert await states(harness) == [PostState.FAILED, *[PostState.SENT] * 5]


async def test_where_the_header_was_deleted_the_cards_stand_in_the_channel(store: Store, clock: Clock) -> None:
    def gone(message: Message) -> None:
        if message.thread and len(chat.shown["c1"]) > 2:
            raise Rejected("thread_not_found")

    chat = FakeChat(before=gone)
    harness = await a_due_digest(store, clock, chat, "thread")
    await harness.beat()
    header, *cards = chat.shown["c1"]
    assert [card.message.thread for card in cards] == [header.id, header.id, "", "", ""]
    assert await states(harness) == [PostState.SENT] * 6


async def test_a_card_refused_in_its_thread_and_in_the_channel_fails_alone(store: Store, clock: Clock) -> None:
    chat = FakeChat()
    harness = await a_due_digest(store, clock, chat, "thread")
    await harness.app.planner.plan_due()
    bad = (await harness.posts())[2]

    def refuse(message: Message) -> None:
        if message.card and message.card.paper_id == bad.paper_id:
            raise Rejected("invalid_blocks")

    chat.before = refuse
    await harness.app.delivery_worker.deliver_all()
    assert (await states(harness)).count(PostState.SENT) == 5
    assert ((await harness.posts())[2].state, (await harness.posts())[2].attempts) == (PostState.FAILED, 2)


async def test_an_uncertain_card_is_looked_for_in_its_thread(store: Store, clock: Clock) -> None:
    chat = FakeChat(after=on_call(4, Uncertain("reply lost")))
    harness = await a_due_digest(store, clock, chat, "thread")
    await harness.beat()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await harness.posts()]
    assert chat.lookups == 1


async def test_a_submission_stands_in_the_channel_whatever_the_digests_style(store: Store, clock: Clock) -> None:
    harness = await a_due_digest(store, clock, FakeChat(), "thread")
    assert (await harness.say(f"submit {DAY[0].id}")).ok
    [one] = harness.chat.shown["c1"]
    assert (one.message.thread, one.message.numbered) == ("", False)
    assert one.message.card


async def test_posts_that_are_too_late_to_be_news_are_dropped_and_their_papers_may_come_again(
    store: Store, clock: Clock
) -> None:
    chat = FakeChat()
    harness = await a_due_digest(store, clock, chat)
    await harness.app.planner.plan_due()
    clock.advance(timedelta(hours=13))
    await harness.app.delivery_worker.deliver_all()
    assert chat.shown["c1"] == []
    assert await states(harness) == [PostState.DROPPED] * 6
    reply = await harness.say(f"submit {DAY[0].id}")
    assert reply.ok, reply.text
    assert len(chat.shown["c1"]) == 1


async def test_a_failing_channel_does_not_delay_other_deliveries(store: Store, clock: Clock) -> None:
    def break_first(message: Message) -> None:
        raise NotAccepted("overloaded", retry_after=3600)

    chat = FakeChat(before=break_first)
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    chat.before = None
    other = PLACE.__class__("fake", "c2", name="other")
    await harness.invite(other)
    await harness.say("schedule 09:02", place=other)
    clock.advance(timedelta(minutes=2))
    await harness.beat()
    assert chat.shown["c1"] == []
    assert len(chat.shown["c2"]) == 6


async def test_a_post_that_never_arrives_is_tried_with_growing_waits_and_then_given_up(
    store: Store, clock: Clock
) -> None:
    tries: list[timedelta] = []
    start = clock.now

    def lost(message: Message) -> None:
        tries.append(clock.now - start)
        raise ValueError("odd")

    chat = FakeChat(before=lost)
    harness = await a_due_digest(store, clock, chat)
    start = clock.now
    for _ in range(200):
        await harness.beat()
        clock.advance(timedelta(seconds=5))
    first = tries[:5]
    waits = [later - earlier for earlier, later in itertools.pairwise(first)]
    assert waits == sorted(waits)
    assert min(waits) >= timedelta(seconds=120), "until then it may still have arrived"
    assert (await harness.posts())[0].state is PostState.FAILED
    assert (await harness.posts())[0].attempts == 5


async def test_the_time_in_which_a_key_is_safe_counts_from_the_first_try(store: Store, clock: Clock) -> None:
    chat = FakeChat(Capabilities(max_text=4000, idempotent_for=60, lookup=True), clock=clock)
    harness = await a_due_digest(store, clock, chat)

    def reply_lost(message: Message) -> None:
        raise Uncertain("reply lost")

    chat.after = reply_lost
    for _ in range(12):
        await harness.beat()
        clock.advance(timedelta(seconds=20))
    assert chat.lookups > 0, "after a minute the key is looked up, however often it was sent since"
    assert [shown.key for shown in chat.shown["c1"]] == list(dict.fromkeys(shown.key for shown in chat.shown["c1"]))


async def test_a_lookup_that_keeps_failing_gives_the_post_up_in_time(store: Store, clock: Clock) -> None:
    chat = FakeChat(after=on_call(2, Uncertain("reply lost")), unable_to_look_up=KeyError("ts"))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert len(chat.shown["c1"]) == 2
    clock.advance(timedelta(hours=12, minutes=1))
    await harness.beat()
    assert (await states(harness))[1] is PostState.FAILED
    clock.now = clock.now.replace(hour=9, minute=1) + timedelta(days=1)
    await harness.list_papers(demo_papers()[30:38])
    await harness.beat()
    assert len(chat.shown["c1"]) > 2, "the next digest comes"


async def test_a_post_that_a_busy_store_could_not_mark_as_sent_is_found_again(store: Store, clock: Clock) -> None:
    chat = FakeChat()
    harness = await a_due_digest(store, clock, chat)
    await harness.app.planner.plan_due()
    first = (await harness.posts())[0]
    async with harness.store.write() as tx:  # as a process that was stopped right after sending leaves it
        await deliveries.move(tx, first, PostState.SENDING, attempts=1, sending_at=clock())
    await chat.send(PLACE, load_message(first.body), first.key)
    await harness.beat()
    assert await states(harness) == [PostState.SENT] * 6
    assert len(chat.shown["c1"]) == 6


async def test_a_post_with_an_unreadable_body_does_not_block_the_channel(store: Store, clock: Clock) -> None:
    chat = FakeChat()
    harness = await a_due_digest(store, clock, chat)
    await harness.app.planner.plan_due()
    async with harness.store.write() as tx:
        await tx.execute(sa.update(posts).where(posts.c.position == 1).values(body={"card": "gone"}))
    await harness.beat()
    assert len(chat.shown["c1"]) == 5
    assert (await states(harness))[1] is PostState.DROPPED


async def test_a_platform_may_take_longer_than_the_others_to_send(sqlite_store: Store, clock: Clock) -> None:
    class SlowChat(FakeChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            await asyncio.sleep(0.1)
            return await super().send(place, message, key)

    for patience, state in ((0.0, PostState.FAILED), (5.0, PostState.SENT)):
        chat = SlowChat(Capabilities(max_text=4000, send_seconds=patience))
        harness = harness_over(sqlite_store, clock, chat, delivery=DeliverySettings(timeout=0.01, margin=0))
        place = Place("fake", f"slow {patience}")
        await harness.invite(place)
        await harness.next_morning()
        await harness.beat_until_settled()
        assert {post.state for post in await harness.posts(place)} == {state}


@pytest.mark.parametrize("pause_at", ["before the post is marked", "after the post is marked"])
async def test_a_process_that_was_paused_sends_nothing_after_another_one_took_its_channel(
    store: Store, clock: Clock, pause_at: str
) -> None:
    harness = await a_due_digest(store, clock, chat := FakeChat())
    await harness.app.planner.plan_due()
    other = harness_over(store, clock, chat, process="another process")
    leases = harness.app.leases
    asks = itertools.count(1)
    may_send = leases.may_send

    def pause(name: str) -> bool:
        if next(asks) == (1 if pause_at.startswith("before") else 2):
            clock.advance(timedelta(seconds=120))
        return may_send(name)

    leases.may_send = pause  # type: ignore[method-assign]
    await harness.app.delivery_worker.deliver_all()
    assert chat.shown["c1"] == []
    await other.beat_until_settled()
    assert len(chat.shown["c1"]) == len({message.key for message in chat.shown["c1"]}) == 6
    assert await states(other) == [PostState.SENT] * 6


async def test_a_channel_is_left_to_the_process_that_delivers_to_it(store: Store, clock: Clock) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(FakeChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            begun.set()
            await go_on.wait()
            return await super().send(place, message, key)

    harness = await a_due_digest(store, clock, chat := Slow())
    other = harness_over(store, clock, chat, process="another process")
    await harness.app.planner.plan_due()
    delivery = asyncio.create_task(harness.app.delivery_worker.deliver_all())
    await begun.wait()
    await other.beat()
    go_on.set()
    await delivery
    assert await states(harness) == [PostState.SENT] * 6
    assert len(chat.shown["c1"]) == 6


async def test_an_answer_that_comes_after_another_try_is_not_taken_for_the_answer_to_that_one(
    store: Store, clock: Clock
) -> None:
    harness = await a_due_digest(store, clock, FakeChat())
    await harness.app.planner.plan_due()
    planned = (await harness.posts())[0]
    tried, tried_again = clock(), clock() + timedelta(minutes=5)
    async with store.write() as tx:
        await deliveries.move(tx, planned, PostState.SENDING, tried_at=tried)
        await tx.execute(sa.update(posts).where(posts.c.id == planned.id).values(tried_at=tried_again))
        late = replace(planned, state=PostState.SENDING, tried_at=tried)
        assert not await deliveries.move(tx, late, PostState.SENT, message="m", sent_at=tried)
        assert await deliveries.move(tx, replace(late, tried_at=tried_again), PostState.SENT, message="m")


async def test_a_message_waits_for_its_turn_before_its_post_is_marked(sqlite_store: Store, clock: Clock) -> None:
    marked: list[PostState] = []

    class PacedChat(FakeChat):
        async def turn(self, place: Place) -> None:
            marked.append((await harness.posts())[len(self.shown[place.address])].state)

    harness = await a_due_digest(sqlite_store, clock, PacedChat())
    await harness.beat()
    assert marked == [PostState.PLANNED] * 6
