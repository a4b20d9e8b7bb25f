from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.testing import capture_logs

from bot.model.messages import Message, Place
from bot.ports.platform import BotApi, Platform, PlatformError, TokenRefused, WorkspaceLost
from bot.serve import Stop, serve
from bot.store.database import Store
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import BotHarness, harness_over, paper


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield
    structlog.reset_defaults()


@dataclass
class Line(FakeChat):
    """A platform whose connection falls as often as it is told, and then holds until it is cancelled."""

    falls: int = 0
    why: Exception = field(default_factory=lambda: ConnectionError("the line is dead"))
    then: Exception | None = None
    """Why it falls each time after the first, where that is another reason."""
    lasts: float = 0.0
    watch: Watch | None = None
    runs: int = 0
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, service: BotApi) -> None:
        self.runs += 1
        if self.watch:
            self.watch.now += self.lasts
        if self.runs <= self.falls:
            raise self.why if self.runs == 1 else self.then or self.why
        self.holding.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise

    @property
    def cancelled(self) -> bool:
        return self.left.is_set()


@dataclass
class Watch:
    """Time that passes only in sleeps, each of which is noted."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    thrice: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self.thrice.set()
        self.now += seconds
        await asyncio.sleep(0)

    def seconds(self) -> float:
        return self.now


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def served(
    harness: BotHarness, *platforms: Platform, watch: Watch, until: str | None = None, stop: Stop | None = None
) -> asyncio.Task[None]:
    named = {platform.name: platform for platform in platforms}
    return asyncio.create_task(
        serve(harness.app, named, until=until, stop=stop, sleep=watch.sleep, seconds=watch.seconds)
    )


async def test_a_platform_that_fails_is_restarted_while_the_others_and_the_scheduler_go_on(
    sqlite_store: Store, clock: Clock
) -> None:
    posted = asyncio.Event()
    chat = FakeChat(after=lambda _: posted.set())
    harness = harness_over(sqlite_store, clock, chat)
    await harness.list_papers([paper(1), paper(2)])
    await harness.invite()
    await harness.next_morning()
    falling, steady, watch = Line(name="falling", falls=4), Line(name="steady"), Watch()
    task = served(harness, falling, steady, watch=watch)
    await asyncio.wait_for(asyncio.gather(falling.holding.wait(), steady.holding.wait()), 30)
    await asyncio.wait_for(posted.wait(), 30)  # the scheduler runs: the digest that is due comes
    assert (falling.runs, steady.runs) == (5, 1)
    assert watch.slept == [1, 2, 4, 8]
    await ended(task)
    assert (falling.cancelled, steady.cancelled) == (True, True)


async def test_the_restart_wait_of_a_platform_grows_to_five_minutes(sqlite_store: Store, clock: Clock) -> None:
    line, watch = Line(name="falling", falls=12), Watch()
    task = served(harness_over(sqlite_store, clock), line, watch=watch)
    await asyncio.wait_for(line.holding.wait(), 30)
    assert watch.slept == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    await ended(task)


async def test_a_connection_that_held_for_long_is_built_up_again_at_once(sqlite_store: Store, clock: Clock) -> None:
    watch = Watch()
    line = Line(name="falling", falls=3, lasts=3600.0, watch=watch)
    task = served(harness_over(sqlite_store, clock), line, watch=watch)
    await asyncio.wait_for(line.holding.wait(), 30)
    assert watch.slept == [1, 1, 1]
    await ended(task)


async def test_a_platform_that_ends_by_itself_is_built_up_again_too(sqlite_store: Store, clock: Clock) -> None:
    quiet, watch = FakeChat(name="quiet"), Watch()
    task = served(harness_over(sqlite_store, clock), quiet, watch=watch)
    await asyncio.wait_for(watch.thrice.wait(), 30)
    await ended(task)
    assert watch.slept[:3] == [1, 2, 4]


async def test_leaving_the_terminal_ends_the_program(sqlite_store: Store, clock: Clock) -> None:
    guest, other = FakeChat(name="guest"), Line(name="other")
    before = asyncio.all_tasks()
    await asyncio.wait_for(served(harness_over(sqlite_store, clock), guest, other, watch=Watch(), until="guest"), 30)
    assert other.runs == 0 or other.cancelled
    assert asyncio.all_tasks() == before


async def test_a_guest_whose_terminal_breaks_ends_it_with_the_reason(sqlite_store: Store, clock: Clock) -> None:
    guest = Line(name="guest", falls=1)
    with pytest.raises(ConnectionError, match="the line is dead"):
        await served(harness_over(sqlite_store, clock), guest, watch=Watch(), until="guest")


async def test_every_platform_finishes_its_clean_up_before_serve_ends(sqlite_store: Store, clock: Clock) -> None:
    class Tidy(Line):
        tidied = False

        async def run(self, service: BotApi) -> None:
            try:
                await super().run(service)
            finally:
                for _ in range(5):
                    await asyncio.sleep(0)
                self.tidied = True

    tidy = Tidy(name="tidy")
    task = served(harness_over(sqlite_store, clock), Line(name="quick"), tidy, watch=Watch())
    await asyncio.wait_for(tidy.holding.wait(), 30)
    await ended(task)
    assert tidy.tidied


@pytest.mark.parametrize("error", [TokenRefused, WorkspaceLost])
async def test_where_no_platform_lets_the_bot_in_it_ends_with_the_reason(
    sqlite_store: Store, clock: Clock, error: type[PlatformError]
) -> None:
    one, other = Line(name="one", falls=9, why=error("no such token")), Line(name="other", falls=9, why=error("none"))
    with pytest.raises(error, match="none"):
        await asyncio.wait_for(served(harness_over(sqlite_store, clock), one, other, watch=Watch()), 30)
    assert other.runs == 1


async def test_where_one_platform_lets_the_bot_in_the_other_is_tried_again(sqlite_store: Store, clock: Clock) -> None:
    shut, open_ = Line(name="shut", falls=3, why=TokenRefused("no such token")), Line(name="open")
    task = served(harness_over(sqlite_store, clock), shut, open_, watch=Watch())
    await asyncio.wait_for(shut.holding.wait(), 30)
    await ended(task)


async def test_a_token_that_was_good_once_is_tried_again(sqlite_store: Store, clock: Clock) -> None:
    line = Line(name="line", falls=2, then=TokenRefused("reset a moment ago"))
    task = served(harness_over(sqlite_store, clock), line, watch=Watch())
    await asyncio.wait_for(line.holding.wait(), 30)
    await ended(task)


async def test_cancelling_in_the_middle_of_a_beat_leaves_nothing_running(sqlite_store: Store, clock: Clock) -> None:
    sending = asyncio.Event()

    class Stuck(Line):
        async def send(self, *_: object) -> str:
            sending.set()
            await asyncio.Event().wait()
            raise AssertionError

    chat = Stuck()
    harness = harness_over(sqlite_store, clock, chat)
    await harness.list_papers([paper(1)])
    await harness.invite()
    await harness.next_morning()
    before = asyncio.all_tasks()
    task = served(harness, chat, watch=Watch())
    await asyncio.wait_for(sending.wait(), 30)
    await ended(task)
    assert asyncio.all_tasks() == before


@dataclass
class Slow(Line):
    """A platform that posts a message only when it is let."""

    sending: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    connected_at_send: bool = False

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        self.connections += 1
        yield
        self.connections -= 1

    async def send(self, place: Place, message: Message, key: str) -> str:
        self.sending.set()
        await self.let.wait()
        self.connected_at_send = bool(self.connections)
        return await super().send(place, message, key)


async def with_a_digest_under_way(
    store: Store, clock: Clock, stop: Stop
) -> tuple[BotHarness, Slow, asyncio.Task[None]]:
    chat = Slow()
    harness = harness_over(store, clock, chat)
    await harness.list_papers([paper(1), paper(2)])
    await harness.invite()
    await harness.next_morning()
    task = served(harness, chat, watch=Watch(), stop=stop)
    await asyncio.wait_for(chat.sending.wait(), 30)
    return harness, chat, task


async def test_a_bot_that_is_asked_to_stop_ends_the_send_under_way_and_begins_no_other(
    sqlite_store: Store, clock: Clock
) -> None:
    stop, before = Stop(), asyncio.all_tasks()
    harness, chat, task = await with_a_digest_under_way(sqlite_store, clock, stop)
    stop.request()
    await asyncio.wait_for(chat.left.wait(), 30)  # it listens no more
    assert not task.done()
    chat.let.set()
    await asyncio.wait_for(task, 30)
    assert [post.state for post in await harness.posts()] == [PostState.SENT, PostState.PLANNED]
    assert (chat.connected_at_send, chat.connections) == (True, 0)
    assert asyncio.all_tasks() == before


async def test_a_send_that_takes_too_long_for_a_stop_is_left_to_the_next_process(
    sqlite_store: Store, clock: Clock
) -> None:
    harness, chat, task = await with_a_digest_under_way(sqlite_store, clock, stop := Stop(seconds=0.01))
    stop.request()
    await asyncio.wait_for(task, 30)
    assert (await harness.posts())[0].state is PostState.SENDING
    again = harness_over(sqlite_store, clock, chat)
    chat.let.set()
    await again.beat_until_settled()
    assert len(chat.shown["c1"]) == 2
