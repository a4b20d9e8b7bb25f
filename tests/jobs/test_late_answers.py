"""A post whose answer is late, lost or cut off stands there once, whatever the platform holds back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.model.messages import Message, Place, PlaceKind, Reaction
from bot.ports.platform import Capabilities, NotAccepted, Rejected, Uncertain
from bot.store.database import Store
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.jobs.test_delivery import a_due_digest, states
from tests.support.chat import FakeChat, Shown
from tests.support.harness import PLACE, BotHarness, comes_true, demo_papers, harness_over
from tests.support.voting import values

TIMEOUT = 30.0
SLACK = Capabilities(max_text=4000, lookup=True, threads=True)
DISCORD = Capabilities(max_text=4000, lookup=True, threads=True, idempotent_for=120)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class LateChat(FakeChat):
    """A chat that carries some messages out late: `late` says by the number of the send, counted from 1, how many
    seconds that takes, and `hidden` for how many seconds what is there can't be found yet. A process that `dies` does
    so while it waits for the answer."""

    late: dict[int, float] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    hidden: float = 0.0
    dies: bool = False
    sends: int = 0
    coming: list[tuple[datetime, Place, Message, str]] = field(default_factory=list)
    since: dict[str, datetime] = field(default_factory=dict)
    afters: list[str] = field(default_factory=list)

    async def send(self, place: Place, message: Message, key: str) -> str:
        self.arrive()
        self.sends += 1
        if self.sends in self.lost:
            raise Uncertain("the request was lost")
        if (seconds := self.late.get(self.sends)) is None:
            posted = await super().send(place, message, key)
            self.since.setdefault(posted, self.now())
            return posted
        self.coming.append((self.now() + timedelta(seconds=seconds), place, message, key))
        if self.dies:
            raise Crash
        assert isinstance(self.clock, Clock)
        self.clock.advance(timedelta(seconds=min(seconds, TIMEOUT)))
        if seconds < TIMEOUT:
            raise Uncertain("the answer was lost")
        raise TimeoutError

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        self.arrive()
        self.afters.append(after)
        found = await super().find(place, key, since, thread, after)
        if found and (self.now() - self.since[found]).total_seconds() < self.hidden:
            return None
        return found

    def now(self) -> datetime:
        assert self.clock
        return self.clock()

    def arrive(self) -> None:
        """What was held back until now is carried out."""
        for one in [each for each in self.coming if each[0] <= self.now()]:
            self.coming.remove(one)
            at, place, message, key = one
            known_for = at - self._posted_at[key] if key in self._posted_at else timedelta.max
            if known_for >= timedelta(seconds=self.capabilities.idempotent_for):
                made = Shown(f"m{next(self._ids)}", key, message)
                self._posted_at[key] = self.since[made.id] = at
                self.shown[place.address].append(made)


def all_late(seconds: float) -> dict[int, float]:
    return dict.fromkeys(range(1, 100), seconds)


async def once_each(harness: BotHarness, chat: LateChat) -> None:
    await harness.beat_until_settled(2, most=1_000)
    harness.clock.advance(timedelta(minutes=10))
    chat.arrive()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await harness.posts()]
    assert set(await states(harness)) == {PostState.SENT}


@pytest.mark.parametrize("capabilities", [SLACK, DISCORD], ids=["looks up", "knows keys"])
@pytest.mark.parametrize("seconds", [2.0, 20.0, 33.0, 60.0, 100.0, 119.0])
async def test_a_slow_platform_shows_each_post_once(
    sqlite_store: Store, clock: Clock, seconds: float, capabilities: Capabilities
) -> None:
    chat = LateChat(capabilities, clock=clock, late=all_late(seconds))
    harness = await a_due_digest(sqlite_store, clock, chat)
    await once_each(harness, chat)
    assert len(chat.shown["c1"]) == 6


@pytest.mark.parametrize("seconds", [2.0, 20.0])
async def test_a_history_that_lags_shows_each_post_once(sqlite_store: Store, clock: Clock, seconds: float) -> None:
    chat = LateChat(SLACK, clock=clock, late=all_late(0.5), hidden=seconds)
    harness = await a_due_digest(sqlite_store, clock, chat)
    await once_each(harness, chat)
    assert len(chat.shown["c1"]) == 6


@pytest.mark.parametrize("gap", [0.0, 6.0, 20.0])
@pytest.mark.parametrize("number", range(1, 7))
async def test_a_process_that_dies_before_a_slow_platform_posts_doubles_nothing(
    sqlite_store: Store, clock: Clock, number: int, gap: float
) -> None:
    chat = LateChat(SLACK, clock=clock, late={number: 15.0}, dies=True)
    harness = await a_due_digest(sqlite_store, clock, chat)
    with pytest.raises(Crash):
        await harness.beat()
    clock.advance(timedelta(seconds=gap))
    again = harness_over(sqlite_store, clock, chat)
    await again.app.scheduler.recover()
    await once_each(again, chat)
    assert len(chat.shown["c1"]) == 6


async def test_a_send_that_is_cancelled_is_looked_for_until_it_can_not_arrive(store: Store, clock: Clock) -> None:
    class Hanging(LateChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            if self.sends == 0:
                self.sends += 1
                self.coming.append((self.now() + timedelta(seconds=15), place, message, key))
                await asyncio.Event().wait()
            return await super().send(place, message, key)

    chat = Hanging(SLACK, clock=clock)
    harness = await a_due_digest(store, clock, chat)
    await harness.app.planner.plan_due()
    channel = await harness.channel()
    delivering = asyncio.create_task(harness.app.delivery_worker.deliver(channel.id))

    async def is_sending() -> bool:
        return bool(chat.coming)

    await comes_true(is_sending)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await once_each(harness, chat)


async def test_a_request_that_was_lost_is_sent_again_when_it_can_not_arrive_any_more(
    store: Store, clock: Clock
) -> None:
    chat = LateChat(SLACK, clock=clock, lost=frozenset({2}))
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    began = clock.now
    looks = chat.lookups
    while len(chat.shown["c1"]) < 2:
        clock.advance(timedelta(seconds=1))
        await harness.beat()
    assert timedelta(seconds=120) <= clock.now - began <= timedelta(seconds=122)
    assert 5 < chat.lookups - looks < 12, "looked for with growing waits"
    await once_each(harness, chat)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(seconds=119), -timedelta(hours=1), -timedelta(days=2)])
@pytest.mark.parametrize("capabilities", [SLACK, DISCORD], ids=["looks up", "knows keys"])
async def test_a_clock_that_is_set_makes_no_post_believed_lost(
    sqlite_store: Store, clock: Clock, jump: timedelta, capabilities: Capabilities
) -> None:
    steady = Clock()
    chat = LateChat(capabilities, clock=steady, late={2: 60.0})
    harness = await a_due_digest(sqlite_store, clock, chat)
    harness = harness_over(sqlite_store, clock, chat, seconds=steady.seconds)
    await harness.beat()
    clock.advance(jump)
    for _ in range(200):
        await harness.beat()
        clock.advance(timedelta(seconds=2))
        steady.advance(timedelta(seconds=2))
    clock.advance(abs(jump))
    await harness.beat()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await harness.posts()]


@pytest.mark.parametrize("capabilities", [SLACK, DISCORD], ids=["looks up", "knows keys"])
async def test_a_clock_that_was_set_back_over_a_restart_makes_no_post_believed_lost(
    sqlite_store: Store, clock: Clock, capabilities: Capabilities
) -> None:
    steady = Clock()
    chat = LateChat(capabilities, clock=steady, late={2: 60.0}, dies=True)
    harness = await a_due_digest(sqlite_store, clock, chat)
    with pytest.raises(Crash):
        await harness.beat()
    clock.advance(-timedelta(minutes=50))
    again = harness_over(sqlite_store, clock, chat, seconds=steady.seconds)
    for _ in range(100):
        await again.beat()
        clock.advance(timedelta(seconds=2))
        steady.advance(timedelta(seconds=2))
    clock.advance(timedelta(minutes=50))
    await again.beat()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await again.posts()]


@pytest.mark.parametrize("real", [610.0, 5.0], ids=["set back", "set forward"])
@pytest.mark.parametrize("capabilities", [SLACK, DISCORD], ids=["looks up", "knows keys"])
async def test_a_clock_that_was_set_over_a_restart_doubles_nothing(
    sqlite_store: Store, clock: Clock, capabilities: Capabilities, real: float
) -> None:
    """By the clock of the day the process was away for a little more than a minute, or for an hour."""
    steady = Clock()
    chat = LateChat(capabilities, clock=steady, late={2: 60.0}, dies=True)
    harness = await a_due_digest(sqlite_store, clock, chat)
    with pytest.raises(Crash):
        await harness.beat()
    clock.advance(timedelta(seconds=70 if real > 70 else 3_600))
    steady.advance(timedelta(seconds=real))
    chat.arrive()
    again = harness_over(sqlite_store, clock, chat, seconds=steady.seconds)
    for _ in range(100):
        await again.beat()
        clock.advance(timedelta(seconds=3))
        steady.advance(timedelta(seconds=3))
    chat.arrive()
    assert [message.key for message in chat.shown["c1"]] == [post.key for post in await again.posts()]


async def test_a_machine_that_sleeps_while_a_post_is_sent_doubles_nothing(sqlite_store: Store, clock: Clock) -> None:
    """The steady clock stands still while a machine sleeps, and the platform forgets the key."""
    steady = Clock()

    class Asleep(LateChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            try:
                return await super().send(place, message, key)
            except Uncertain:
                clock.advance(timedelta(hours=2))
                self.arrive()
                raise

    chat = Asleep(DISCORD, clock=clock, late={2: 1.0})
    await a_due_digest(sqlite_store, clock, chat)
    harness = harness_over(sqlite_store, clock, chat, seconds=steady.seconds)
    for _ in range(20):
        await harness.beat()
        clock.advance(timedelta(seconds=5))
        steady.advance(timedelta(seconds=5))
    await once_each(harness, chat)


@pytest.mark.parametrize("stands", [True, False], ids=["stands there", "never came"])
async def test_a_post_that_is_uncertain_for_longer_than_it_is_news_is_looked_for_once_more(
    sqlite_store: Store, clock: Clock, *, stands: bool
) -> None:
    chat = LateChat(SLACK, clock=clock, late={2: 1.0 if stands else 1e9}, dies=True)
    harness = await a_due_digest(sqlite_store, clock, chat)
    with pytest.raises(Crash):
        await harness.beat()
    clock.advance(timedelta(hours=13))
    chat.arrive()
    again = harness_over(sqlite_store, clock, chat)
    await again.beat_until_settled()
    seen = PostState.SENT if stands else PostState.DROPPED
    assert await states(again) == [PostState.SENT, seen] + [PostState.DROPPED] * 4
    assert len(chat.shown["c1"]) == 1 + stands


async def test_a_post_is_looked_for_behind_the_last_one_that_is_known(store: Store, clock: Clock) -> None:
    chat = LateChat(SLACK, clock=clock, late={1: 1.0, 4: 1.0})
    harness = await a_due_digest(store, clock, chat)
    await harness.beat_until_settled(1)
    assert list(dict.fromkeys(chat.afters)) == ["", chat.shown["c1"][2].id]


async def test_a_refusal_of_the_second_try_says_nothing_of_the_first(store: Store, clock: Clock) -> None:
    """The first try was accepted and its answer lost; then the platform asks for a longer wait than it knows keys."""

    class Busy(LateChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            if self.sends == 2 and not refused:
                refused.append(key)
                raise NotAccepted("slow down", retry_after=600)
            return await super().send(place, message, key)

    refused: list[str] = []
    chat = Busy(DISCORD, clock=clock, late={2: 0.5})
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    assert refused
    assert (await states(harness))[1] is PostState.UNCERTAIN
    await once_each(harness, chat)
    assert chat.lookups > 0


async def test_a_process_that_dies_before_the_same_key_is_sent_again_does_not_forget_the_first_try(
    store: Store, clock: Clock
) -> None:
    chat = LateChat(DISCORD, clock=clock, late={2: 0.5, 3: 0.5})
    harness = await a_due_digest(store, clock, chat)
    await harness.beat()
    clock.advance(timedelta(hours=1))  # whatever state it died in, the key is forgotten when it is back
    await once_each(harness_over(store, clock, chat), chat)


async def test_a_post_refused_after_an_uncertain_try_is_looked_for(store: Store, clock: Clock) -> None:
    class Choosy(LateChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            if self.sends == 2:
                self.sends += 1
                raise Rejected("not to my liking")
            return await super().send(place, message, key)

    chat = Choosy(DISCORD, clock=clock, late={2: 0.5})
    harness = await a_due_digest(store, clock, chat)
    await once_each(harness, chat)


async def test_a_post_of_a_forum_is_looked_for_although_the_platform_knows_keys_elsewhere(
    store: Store, clock: Clock
) -> None:
    forum = replace(PLACE, address="f1", kind=PlaceKind.FORUM)

    class Forum(LateChat):
        def _remembers(self, key: str) -> bool:
            return False

    chat = Forum(DISCORD, clock=clock, late={1: 33.0})
    harness = harness_over(store, clock, chat)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite(forum)
    clock.advance(timedelta(hours=1, minutes=1))
    await harness.beat_until_settled(2, most=1_000)
    clock.advance(timedelta(minutes=10))
    chat.arrive()
    assert [message.key for message in chat.shown["f1"]] == [post.key for post in await harness.posts(forum)]


async def test_while_a_post_is_uncertain_what_is_submitted_waits_and_other_channels_go_on(
    store: Store, clock: Clock
) -> None:
    chat = LateChat(SLACK, clock=clock, late={2: 40.0})
    harness = await a_due_digest(store, clock, chat)
    other = Place("fake", "c2", name="other")
    await harness.beat()
    await harness.invite(other)
    free = demo_papers()[8]
    await harness.list_papers([free])
    assert (await harness.say(f"submit {free.id}")).text == "It is on its way."
    assert (await harness.say(f"submit {free.id}", place=other)).text == "Posted."
    assert len(chat.shown["c1"]) == 1
    await once_each(harness, chat)
    assert len(chat.shown["c1"]) == 7


# -- votes on a card whose answer is late


@dataclass
class VotingChat(LateChat):
    """A chat where a member reacts to a card before its answer comes back; `told` says whether the bot hears of it."""

    hears: Callable[[Reaction], Awaitable[None]] | None = None
    emoji: str = "👍"

    async def send(self, place: Place, message: Message, key: str) -> str:
        posted = await super().send(place, message, key)
        if message.card or message.numbered:
            await self.votes(place, posted)
        return posted

    async def votes(self, place: Place, posted: str) -> None:
        self.standing[posted].add(("ada", self.emoji))
        if self.hears:
            await self.hears(Reaction(place, posted, "ada", self.emoji, True, self.now()))


async def voted(harness: BotHarness) -> int:
    return len(await values(harness))


@pytest.mark.parametrize("style", ["cards", "compact", "thread"])
async def test_a_vote_that_is_told_before_the_answer_counts_with_it(store: Store, clock: Clock, style: str) -> None:
    chat = VotingChat(replace(SLACK, numbers=10), clock=clock, emoji="2️⃣" if style == "compact" else "👍")
    harness = await a_due_digest(store, clock, chat, style)
    chat.hears = harness.app.service.react
    await harness.beat()
    assert await voted(harness) == (1 if style == "compact" else 5)


async def test_a_vote_counts_though_the_answer_was_lost_and_then_refused(store: Store, clock: Clock) -> None:
    """As 502 after acceptance, and then 429 for eight seconds, while a member reacts."""

    class IssueKind(VotingChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            if self.sends == 2 and not refused:
                refused.append(key)
                raise NotAccepted("slow down", retry_after=8)
            posted = await super().send(place, message, key)
            if self.sends == 2:
                raise Uncertain("502")
            return posted

    refused: list[str] = []
    chat = IssueKind(replace(DISCORD, reads_reactions=False), clock=clock)
    harness = await a_due_digest(store, clock, chat)
    chat.hears = harness.app.service.react
    await harness.beat()
    assert await voted(harness) == 0
    await harness.beat_until_settled(2)
    assert await voted(harness) == 5
    await once_each(harness, chat)


async def test_a_vote_that_was_put_on_while_the_process_was_dead_counts(store: Store, clock: Clock) -> None:
    class Dying(VotingChat):
        async def send(self, place: Place, message: Message, key: str) -> str:
            posted = await super().send(place, message, key)
            if self.sends == 2:
                raise Crash
            return posted

    chat = Dying(replace(DISCORD, reads_reactions=True), clock=clock)
    harness = await a_due_digest(store, clock, chat)
    with pytest.raises(Crash):
        await harness.beat()
    again = harness_over(store, clock, chat)
    await again.app.scheduler.recover()
    await again.beat_until_settled(2)
    await again.settle()
    assert (await again.posts())[1].paper_id in {paper_id for paper_id, _ in await values(again)}
