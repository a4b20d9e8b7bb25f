"""The process dies between any two steps of a delivery and of an intake: each card once, each vote once."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.digests import feedback
from bot.model.messages import Style
from bot.settings import DigestSettings
from bot.store.database import Store, make_engine
from bot.store.deliveries import Post
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.slack.http_team import HttpTeam
from tests.platforms.slack.team import SlackTeam, buttons
from tests.support.dying import Death, Fate, MortalPlatform, MortalStore
from tests.support.harness import BotHarness, comes_true, demo_papers, harness_over

DAY = demo_papers()[:4]
CARDS, THREAD, COMPACT = (
    DigestSettings(count=2),
    DigestSettings(count=1, style=Style.THREAD),
    DigestSettings(count=2, style=Style.COMPACT),
)
MESSAGES = {Style.CARDS: 4, Style.THREAD: 3, Style.COMPACT: 2}
"""What each brings of DAY: the last message are the titles that are left."""


class Life:
    """A team, and the process that serves it: one after the other over the same store."""

    def __init__(self, team: SlackTeam, url: str, digest: DigestSettings) -> None:
        self.team, self._url, self._digest = team, url, digest
        self.fate, self.stores = Fate(), list[MortalStore]()
        self.harness = self.begin(Fate())

    def begin(self, fate: Fate) -> BotHarness:
        """Another process."""
        self.fate, store = fate, MortalStore(self._url, fate)
        self.stores.append(store)
        team = self.team
        team.platform = team.new()
        mortal = MortalPlatform(team.platform, fate)
        self.harness = harness_over(store, team.clock, cast("Any", mortal), digest=self._digest)
        team.speaks_to = self.harness.app.service
        return self.harness

    async def posts(self) -> list[Post]:
        return await self.harness.posts(self.team.place)

    async def votes(self) -> dict[tuple[str, str | None], float]:
        channel = await self.harness.channel(self.team.place)
        async with self.harness.store.read() as tx:
            told = await feedback.of_channel(tx, channel.id, self.harness.app.digests._emoji)
        return {(each.paper_id, each.member): each.value for each in told if each.member}


@contextlib.asynccontextmanager
async def a_due_digest(
    sqlite_url: str, step: int, digest: DigestSettings = CARDS, *, http: bool = False
) -> AsyncIterator[Life]:
    """A channel whose hour has come, in a store of its own."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    clock, url = Clock(), f"sqlite:///{shutil.copy(file, file.with_stem(f'died-at-{step}'))}"
    async with FakeSlack(clock, ack_within=1.5, retries=0) as slack:
        tokens = Store(make_engine(url, 10))
        if http:
            team: SlackTeam = (over_http := HttpTeam(slack, clock, tokens, file.with_name("encryption.key")))
            await over_http.install(team.lab)
        else:
            team = SlackTeam(slack, clock)
        life = Life(team, url, digest)
        try:
            await life.harness.list_papers(DAY)
            await life.harness.invite(life.team.place)
            clock.advance(timedelta(hours=1, minutes=1))
            yield life
        finally:
            for store in (*life.stores, tokens):
                await store.close()


@pytest.mark.parametrize("digest", [CARDS, THREAD, COMPACT], ids=lambda digest: digest.style)
async def test_wherever_a_delivery_dies_each_message_stands_there_once(sqlite_url: str, digest: DigestSettings) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, digest) as life:
            for at in (step, 2 * step):  # and dies once more while it clears up
                life.begin(Fate(at))
                with contextlib.suppress(Death):
                    await life.harness.app.scheduler.recover()
                    await life.harness.beat_until_settled(40)
                deaths += life.fate.dead and at == step
            await life.begin(Fate()).app.scheduler.recover()
            await life.harness.beat_until_settled(40)
            keys = [str((said.metadata or {})["event_payload"]["key"]) for said in life.team.ml.visible]
            posts = await life.posts()
            assert keys == [post.key for post in posts], f"died at step {step}"
            assert [post.state for post in posts] == [PostState.SENT] * MESSAGES[digest.style]
            assert [post.message for post in posts] == [said.ts for said in life.team.ml.visible]
            header, *cards, titles = life.team.ml.visible
            assert {said.thread_ts for said in cards} <= {header.ts if digest is THREAD else None}
            assert titles.thread_ts == header.ts
            assert "Also today" in titles.text
    assert step > 3 * MESSAGES[digest.style], "there were that many places to die"


@pytest.mark.parametrize("http", [False, True], ids=["sockets", "http"])
async def test_wherever_an_intake_dies_each_vote_counts_once(sqlite_url: str, http: bool) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, http=http) as life:
            await life.harness.beat()
            first = (await life.posts())[1]
            team = life.team
            life.begin(Fate(step))
            await team.start()
            for who, emoji, on in (
                (team.ada, "+1", True),
                (team.bo, "zzz", True),
                (team.ada, "+1", False),
            ):
                await (who.reacts if on else who.unreacts)(team.ml, str(first.message), emoji)
                if life.fate.dead:
                    deaths += 1
                    await team.stop()
                    await life.begin(Fate()).app.scheduler.recover()
                    await team.start()
                    await team.slack.retry_unacked()
            await team.stop()
            assert await life.votes() == {(first.paper_id, "bo"): -1.0}, f"at {step}"
            assert all(told.acked for told in team.slack.deliveries)
    assert step > 6, "there were that many places to die"


async def test_wherever_a_press_dies_its_vote_counts_once(sqlite_url: str) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step) as life:
            await life.harness.beat()
            first = (await life.posts())[1]
            team, message = life.team, str(first.message)
            life.begin(Fate(step))
            await team.start()
            for command in ("more", "more", "less"):
                [button] = [
                    each for each in buttons(team.ml.message(message).blocks) if f'"{command}"' in each["value"]
                ]
                told = await team.bo.presses(team.ml, message, button["action_id"])
                if life.fate.dead:
                    deaths += 1
                    await team.stop()
                    await life.begin(Fate()).app.scheduler.recover()
                    await team.start()
                async with asyncio.timeout(10):
                    while not told.acked:
                        await team.slack.again(told)
            await team.stop()
            assert await life.votes() == {(first.paper_id, "bo"): -1.0}, f"at {step}"
    assert step > 6, "there were that many places to die"


async def test_a_vote_on_a_card_whose_answer_was_cut_off_by_death_counts_once_the_card_is_known(
    sqlite_url: str,
) -> None:
    step = voted = 0
    dead = True
    while dead:
        step += 1
        async with a_due_digest(sqlite_url, step) as life:
            life.begin(Fate(step))
            with contextlib.suppress(Death):
                await life.harness.beat()
            dead, known = life.fate.dead, {post.message for post in await life.posts()} if life.fate.dead else set()
            unknown = [said for said in life.team.ml.visible if dead and said.ts not in known]
            for said in unknown:
                await life.team.bo.reacts(life.team.ml, said.ts, "+1")
            await life.begin(Fate()).app.scheduler.recover()
            await life.harness.beat_until_settled(40)
            cards = [post for post in await life.posts() if post.message in {said.ts for said in unknown}]
            liked: dict[tuple[str | None, str], float] = {(post.paper_id, "bo"): 1.0 for post in cards if post.paper_id}

            async def counted(liked: dict[tuple[str | None, str], float] = liked, life: Life = life) -> bool:
                return await life.votes() == liked

            await comes_true(counted)
            await life.harness.app.scheduler.stop()
            voted += len(liked)
    assert voted >= 2, "cards were posted whose answers were cut off"


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(days=3), -timedelta(days=3)])
@pytest.mark.parametrize("number", [1, 2])
async def test_a_clock_unlike_slacks_doubles_nothing(sqlite_store: Store, ahead: timedelta, number: int) -> None:
    theirs, ours = Clock(), Clock()
    ours.advance(ahead)
    async with FakeSlack(theirs, ack_within=1.5, retries=0) as slack:
        team = SlackTeam(slack, theirs)
        harness = harness_over(sqlite_store, ours, cast("Any", team.platform), digest=CARDS)
        await harness.list_papers(DAY)
        await harness.invite(team.place)
        ours.advance(timedelta(hours=1, minutes=1))
        slack.faults.late("chat.postMessage", 0, times=number - 1)
        slack.faults.lose_reply("chat.postMessage")
        await harness.beat_until_settled()
        keys = [str((said.metadata or {})["event_payload"]["key"]) for said in team.ml.visible]
        assert keys == [post.key for post in await harness.posts(team.place)]
