"""Two processes serve one store at the same time, and one of them dies or is paused at any step: each message stands
once, each vote counts once, each source is read once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.model.messages import Place
from bot.ports.platform import Capabilities
from bot.settings import DigestSettings
from bot.store import channels
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.dying import Death, Fate, MortalPlatform, MortalStore, Pause, Step
from tests.support.harness import BotHarness, demo_papers, harness_over

LOOKED_UP = Capabilities(max_text=4000, lookup=True, reads_reactions=True, threads=True, numbers=10)
KEYED = Capabilities(max_text=4000, lookup=True, reads_reactions=True, threads=True, numbers=10, idempotent_for=300.0)
MESSAGES = 2
"""The header and a card."""
LONG_AFTER = timedelta(minutes=5)
"""Later than the end of any lease, and than any message may still appear."""


@dataclass
class Processes:
    """Processes over one store and one chat. Each round has a channel of its own whose digest is due."""

    url: str
    clock: Clock
    chat: FakeChat
    stores: list[MortalStore] = field(default_factory=list)
    rounds: int = 0

    @property
    def place(self) -> Place:
        return Place("fake", f"c{self.rounds}", name="ml")

    def begin(self, fate: Fate | None = None) -> BotHarness:
        """Start a process; without a fate it lives on."""
        fate = fate or Fate()
        store, platform = MortalStore(self.url, fate), cast("Any", MortalPlatform(self.chat, fate))
        self.stores.append(store)
        name = f"process {len(self.stores)}"
        digest = DigestSettings(count=1, titles=0, bar=0)
        return harness_over(store, self.clock, platform, process=name, digest=digest)

    async def next_round(self, some: BotHarness) -> None:
        self.rounds += 1
        await some.invite(self.place)
        channel = await some.channel(self.place)
        async with some.store.write() as tx:
            await channels.change(tx, channel.id, next_due_at=self.clock(), next_due_on=self.clock().date())

    async def check(self, some: BotHarness, told: str) -> None:
        """Each message of the digest stands there once."""
        posts, shown = await some.posts(self.place), self.chat.shown[self.place.address]
        assert [message.key for message in shown] == [post.key for post in posts], told
        assert [post.message for post in posts] == [message.id for message in shown], told
        assert [post.state for post in posts] == [PostState.SENT] * MESSAGES, told


@contextlib.asynccontextmanager
async def processes(url: str, clock: Clock, capabilities: Capabilities = LOOKED_UP) -> AsyncIterator[Processes]:
    made = Processes(url, clock, FakeChat(capabilities, clock=clock))
    first = made.begin()
    await first.list_papers(demo_papers()[:6])
    try:
        yield made
    finally:
        for store in made.stores:
            await store.close()


Meanwhile = Callable[[BotHarness], Awaitable[None]]


async def pause_at_every_step(made: Processes, meanwhile: Meanwhile, but: tuple[Step, ...] = ()) -> list[Step]:
    """Let one process after another be paused at one step of planning and delivering a digest, at a later step each,
    while another does something. Returns those steps."""
    met: list[Step] = []
    for at in itertools.count(1):
        other = made.begin()
        await made.next_round(other)

        async def pause(step: Step, other: BotHarness = other) -> None:
            met.append(step)
            if step not in but:
                await meanwhile(other)

        fate = Pause(meanwhile=pause)
        paused = made.begin(fate)
        await paused.app.paper_index.sync()
        fate.at, fate.steps = at, 0
        await paused.beat()
        await paused.beat_until_settled(40)
        await other.beat_until_settled(40)
        await made.check(other, f"paused at step {at}: {met[-1:]}")
        if len(met) < at:
            return met
    raise AssertionError


async def test_another_process_beats_while_one_waits_at_any_step(store_url: str, clock: Clock) -> None:
    """The answer of the platform takes long, or the process is slow: the other may not take the post for lost."""
    async with processes(store_url, clock) as made:
        met = await pause_at_every_step(made, BotHarness.beat)
    assert met.count(Step.SENDING) == met.count(Step.POSTED) == MESSAGES
    assert met.count(Step.COMMITTED) > 2 * MESSAGES


@pytest.mark.parametrize("capabilities", [LOOKED_UP, KEYED], ids=["looked up", "keyed"])
async def test_a_process_is_paused_at_any_step_until_another_has_done_its_work(
    store_url: str, clock: Clock, capabilities: Capabilities
) -> None:
    """A post that waits in front of the network card cannot be called back: only a key makes that one safe."""
    but = () if capabilities.idempotent_for else (Step.SENDING,)

    async def take_over(other: BotHarness) -> None:
        clock.advance(LONG_AFTER)
        await other.beat_until_settled(40)

    async with processes(store_url, clock, capabilities) as made:
        met = await pause_at_every_step(made, take_over, but)
    assert met.count(Step.POSTED) == MESSAGES


@pytest.mark.parametrize("gap", [timedelta(), LONG_AFTER], ids=["at once", "after its lease"])
async def test_a_process_dies_at_any_step_while_another_lives(store_url: str, clock: Clock, gap: timedelta) -> None:
    async with processes(store_url, clock) as made:
        for at in itertools.count(1):
            other = made.begin()
            await made.next_round(other)
            fate = Fate()
            mortal = made.begin(fate)
            await mortal.app.paper_index.sync()
            fate.at, fate.steps = at, 0
            with contextlib.suppress(Death):
                await mortal.beat_until_settled(40)
            clock.advance(gap)
            await other.beat_until_settled(40)
            clock.advance(LONG_AFTER - gap)
            await other.beat_until_settled(40)
            await made.check(other, f"died at step {at}")
            if not fate.dead:
                break
    assert at > 5 * MESSAGES, "there were that many places to die"
