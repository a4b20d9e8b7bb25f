"""The process dies between any two steps of a delivery and of an intake: each card once, each vote once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.model.messages import Style
from bot.settings import DigestSettings
from bot.store.database import Store, make_engine
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.slack.http_team import HttpTeam
from tests.platforms.slack.team import SlackTeam, buttons
from tests.platforms.whole_bot import FOUR_PAPERS, MortalBot, copy_of_store
from tests.support.dying import Death, Fate
from tests.support.harness import harness_over

CARDS, THREAD, COMPACT = (
    DigestSettings(count=2),
    DigestSettings(count=1, style=Style.THREAD),
    DigestSettings(count=2, style=Style.COMPACT),
)
MESSAGES = {Style.CARDS: 4, Style.THREAD: 3, Style.COMPACT: 2}
"""What each brings of four papers: the last message are the titles that are left."""


@contextlib.asynccontextmanager
async def a_due_digest(
    sqlite_url: str, step: int, digest: DigestSettings = CARDS, *, http: bool = False
) -> AsyncIterator[MortalBot[SlackTeam]]:
    """A channel whose digest is due, in a store of its own."""
    clock, url = Clock(), copy_of_store(sqlite_url, step)
    async with FakeSlack(clock, ack_within=1.5, retries=0) as slack, contextlib.AsyncExitStack() as stack:
        team = SlackTeam(slack, clock)
        if http:
            tokens = Store(make_engine(url, 10))
            stack.push_async_callback(tokens.close)
            key_file = Path(sqlite_url.removeprefix("sqlite:///")).with_name("encryption.key")
            team = http_team = HttpTeam(slack, clock, tokens, key_file)
            await http_team.install(http_team.lab)
        mortal = MortalBot(team, team.place, url, digest)
        async with mortal.with_due_digest():
            yield mortal


@pytest.mark.parametrize("digest", [CARDS, THREAD, COMPACT], ids=lambda digest: digest.style)
async def test_each_message_is_posted_once_wherever_a_delivery_dies(sqlite_url: str, digest: DigestSettings) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, digest) as mortal:
            deaths += await mortal.die_twice(step)
            await mortal.recover()
            keys = [str((message.metadata or {})["event_payload"]["key"]) for message in mortal.team.ml.visible]
            posts = await mortal.posts()
            assert keys == [post.key for post in posts], f"died at step {step}"
            assert [post.state for post in posts] == [PostState.SENT] * MESSAGES[digest.style]
            assert [post.message for post in posts] == [message.ts for message in mortal.team.ml.visible]
            header, *cards, titles = mortal.team.ml.visible
            assert {message.thread_ts for message in cards} <= {header.ts if digest is THREAD else None}
            assert titles.thread_ts == header.ts
            assert "Also today" in titles.text
    assert step > 3 * MESSAGES[digest.style], "there were that many places to die"


@pytest.mark.parametrize("http", [False, True], ids=["sockets", "http"])
async def test_each_vote_counts_once_wherever_a_reactions_handling_dies(sqlite_url: str, http: bool) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, http=http) as mortal:
            await mortal.harness.beat()
            first = (await mortal.posts())[1]
            team = mortal.team
            mortal.begin(Fate(step))
            await team.start()
            for who, emoji, on in (
                (team.ada, "+1", True),
                (team.bo, "zzz", True),
                (team.ada, "+1", False),
            ):
                await (who.reacts if on else who.unreacts)(team.ml, str(first.message), emoji)
                if mortal.fate.dead:
                    deaths += 1
                    await team.stop()
                    await mortal.begin(Fate()).app.scheduler.recover()
                    await team.start()
                    await team.slack.retry_unacked()
            await team.stop()
            assert await mortal.votes() == {(first.paper_id, "bo"): -1.0}, f"at {step}"
            assert all(delivery.acked for delivery in team.slack.deliveries)
    assert step > 6, "there were that many places to die"


async def test_vote_by_button_counts_once_wherever_its_handling_dies(sqlite_url: str) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step) as mortal:
            await mortal.harness.beat()
            first = (await mortal.posts())[1]
            team, message = mortal.team, str(first.message)
            mortal.begin(Fate(step))
            await team.start()
            for command in ("more", "more", "less"):
                [button] = [
                    each for each in buttons(team.ml.message(message).blocks) if f'"{command}"' in each["value"]
                ]
                delivery = await team.bo.presses(team.ml, message, button["action_id"])
                if mortal.fate.dead:
                    deaths += 1
                    await team.stop()
                    await mortal.begin(Fate()).app.scheduler.recover()
                    await team.start()
                async with asyncio.timeout(10):
                    while not delivery.acked:
                        await team.slack.again(delivery)
            await team.stop()
            assert await mortal.votes() == {(first.paper_id, "bo"): -1.0}, f"at {step}"
    assert step > 6, "there were that many places to die"


async def test_vote_on_a_card_counts_after_a_crash_before_its_id_was_stored(
    sqlite_url: str,
) -> None:
    step = voted = 0
    dead = True
    while dead:
        step += 1
        async with a_due_digest(sqlite_url, step) as mortal:
            mortal.begin(Fate(step))
            with contextlib.suppress(Death):
                await mortal.harness.beat()
            dead = mortal.fate.dead
            known = {post.message for post in await mortal.posts()} if dead else set()
            unknown = [message.ts for message in mortal.team.ml.visible if dead and message.ts not in known]
            for ts in unknown:
                await mortal.team.bo.reacts(mortal.team.ml, ts, "+1")
            await mortal.recover()
            cards = [post for post in await mortal.posts() if post.message in unknown]
            liked: dict[tuple[str | None, str], float] = {(post.paper_id, "bo"): 1.0 for post in cards if post.paper_id}
            await mortal.votes_become(liked)
            await mortal.harness.app.scheduler.stop()
            voted += len(liked)
    assert voted >= 2, "cards were posted whose answers were cut off"


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(days=3), -timedelta(days=3)])
@pytest.mark.parametrize("number", [1, 2])
async def test_clock_that_differs_from_slacks_posts_nothing_twice(
    sqlite_store: Store, ahead: timedelta, number: int
) -> None:
    theirs, ours = Clock(), Clock()
    ours.advance(ahead)
    async with FakeSlack(theirs, ack_within=1.5, retries=0) as slack:
        team = SlackTeam(slack, theirs)
        harness = harness_over(sqlite_store, ours, cast("Any", team.platform), digest=CARDS)
        await harness.list_papers(FOUR_PAPERS)
        await harness.invite(team.place)
        ours.advance(timedelta(hours=1, minutes=1))
        slack.faults.late("chat.postMessage", 0, times=number - 1)
        slack.faults.lose_reply("chat.postMessage")
        await harness.beat_until_settled()
        keys = [str((message.metadata or {})["event_payload"]["key"]) for message in team.ml.visible]
        assert keys == [post.key for post in await harness.posts(team.place)]
