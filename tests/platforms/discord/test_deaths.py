"""The process dies between any two steps of a delivery, and what it missed is read back: each message once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.messages import Style
from bot.settings import DigestSettings
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord
from tests.platforms.discord.server import DiscordServer
from tests.platforms.whole_bot import MortalBot, copy_of_store
from tests.support.dying import Death, Fate
from tests.support.harness import demo_papers
from tests.support.voting import resync

CARDS, THREAD = DigestSettings(count=2), DigestSettings(count=1, style=Style.THREAD)
AT_ONCE, LATER = timedelta(), timedelta(minutes=10)
"""A new process starts while Discord still knows the nonces, or when it has forgotten them."""


@contextlib.asynccontextmanager
async def a_due_digest(
    sqlite_url: str, step: int, digest: DigestSettings = CARDS, *, forum: bool = False
) -> AsyncIterator[tuple[MortalBot[DiscordServer], Channel]]:
    """A channel whose digest is due, in a store of its own."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    clock, url = Clock(), copy_of_store(sqlite_url, step)
    async with FakeDiscord(clock) as fake:
        server = DiscordServer(fake, clock, Path(url.removeprefix("sqlite:///")).parent / f"folder-{step}")
        channel = server.lab.forum("papers") if forum else server.ml
        mortal = MortalBot(server, server.place_of(channel), url, digest)
        async with mortal.with_due_digest():
            try:
                yield mortal, channel
            finally:
                for platform in mortal.platforms:
                    await platform.rest.close()


@pytest.mark.parametrize("gap", [AT_ONCE, LATER], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("digest", "forum"), [(CARDS, False), (THREAD, False), (CARDS, True)], ids=["cards", "thread", "forum"]
)
async def test_each_message_is_posted_once_wherever_a_delivery_dies(
    sqlite_url: str, digest: DigestSettings, forum: bool, gap: timedelta
) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, digest, forum=forum) as (mortal, channel):
            deaths += await mortal.die_twice(step, gap)
            await mortal.recover()
            posts = await mortal.posts()
            expected = [PostState.SENT] * (1 + digest.count + 1)  # a header, the cards, and the titles that are left
            assert [post.state for post in posts] == expected, f"died at step {step}"
            threads = [f"{thread.id}/{each.id}" for thread in channel.threads for each in thread.visible]
            visible = [each.id for each in channel.visible] + threads
            assert visible == [post.message for post in posts], f"died at step {step}"
    assert step > 6, "there were that many places to die"


async def test_reactions_during_downtime_are_read_back(sqlite_url: str) -> None:
    async with a_due_digest(sqlite_url, 0) as (mortal, _):
        server = mortal.team
        await mortal.harness.beat()
        _, first, second, _ = await mortal.posts()
        await server.start()
        await server.ada.reacts(server.message(str(first.message)), "👍")
        await server.fake.until(lambda: server.fake.calls)
        await server.stop()
        await server.ada.unreacts(server.message(str(first.message)), "👍")
        await server.bo.reacts(server.message(str(first.message)), "👎")
        await server.bo.reacts(server.message(str(second.message)), "🔥", burst=True)
        server.clock.advance(LATER)
        harness = mortal.begin(Fate())
        await resync(harness.app.reactions, harness.store, server.platform, server.now() - timedelta(days=7))
        assert await mortal.votes() == {(first.paper_id, server.bo.id): -1.0, (second.paper_id, server.bo.id): 1.0}


@pytest.mark.parametrize("gap", [AT_ONCE, LATER], ids=["at once", "later"])
async def test_vote_on_a_card_counts_after_a_crash_before_its_id_was_stored(sqlite_url: str, gap: timedelta) -> None:
    step = voted = 0
    dead = True
    while dead:
        step += 1
        async with a_due_digest(sqlite_url, step) as (mortal, channel):
            mortal.begin(Fate(step))
            with contextlib.suppress(Death):
                await mortal.harness.beat()
            dead = mortal.fate.dead
            known = {post.message for post in await mortal.posts()} if dead else set()
            unknown = [message for message in channel.visible if dead and message.id not in known]
            for message in unknown:
                await mortal.team.bo.reacts(message, "👍")
            mortal.team.clock.advance(gap)
            await mortal.begin(Fate(), mortal.team.clock.sleep).app.scheduler.recover()
            await mortal.harness.beat_until_settled(40)
            cards = [post for post in await mortal.posts() if post.message in {message.id for message in unknown}]
            liked: dict[tuple[str | None, str], float] = {
                (post.paper_id, mortal.team.bo.id): 1.0 for post in cards if post.paper_id
            }
            await mortal.votes_become(liked)
            await mortal.harness.app.scheduler.stop()
            voted += len(liked)
    assert voted >= 2, "cards were posted whose answers were cut off"


@pytest.mark.parametrize("style", [Style.CARDS, Style.THREAD])
async def test_forum_digest_is_one_post_a_day_and_a_deleted_one_hides_no_other(sqlite_url: str, style: Style) -> None:
    async with a_due_digest(sqlite_url, 0, DigestSettings(count=2, style=style), forum=True) as (mortal, channel):
        server, forum = mortal.team, channel
        await mortal.harness.beat()
        server.clock.advance(timedelta(days=1))
        await mortal.harness.list_papers(demo_papers()[4:8])
        await mortal.harness.beat()
        yesterday, today = forum.threads
        assert [len(day.visible) for day in forum.threads] == [4, 4]  # the header, two cards, and the titles
        assert yesterday.name.startswith("2 papers for Monday, 2 March")
        assert "thread" not in yesterday.visible[0].words
        await server.bo.reacts(today.visible[1], "👍")
        await server.ada.deletes(yesterday)
        server.clock.advance(LATER)
        await resync(
            mortal.harness.app.reactions, mortal.harness.store, server.platform, server.now() - timedelta(days=7)
        )
        assert list((await mortal.votes()).values()) == [1.0]


async def test_cleared_reactions_take_every_vote_back(sqlite_url: str) -> None:
    async with a_due_digest(sqlite_url, 0) as (mortal, _), contextlib.AsyncExitStack() as stack:
        server = mortal.team
        await mortal.harness.beat()
        _, first, *_ = await mortal.posts()
        card = server.message(str(first.message))
        await server.start()
        stack.push_async_callback(server.stop)
        for emoji in ("👍", "🔥"):
            await server.bo.reacts(card, emoji)
        await server.ada.reacts(card, "👎")
        await mortal.votes_become({(first.paper_id, server.bo.id): 1.0, (first.paper_id, server.ada.id): -1.0})
        server.clock.advance(LATER)
        await server.ada.clears_emoji(card, "👎")
        await mortal.votes_become({(first.paper_id, server.bo.id): 1.0})
        await server.ada.clears(card)
        await mortal.votes_become({})


@pytest.mark.parametrize("first", [True, False], ids=["the burst first", "the burst last"])
async def test_an_emoji_put_on_in_both_ways_counts_until_both_are_off(sqlite_url: str, first: bool) -> None:
    async with a_due_digest(sqlite_url, 0) as (mortal, _), contextlib.AsyncExitStack() as stack:
        server = mortal.team
        await mortal.harness.beat()
        _, liked, *_ = await mortal.posts()
        card, vote = server.message(str(liked.message)), {(liked.paper_id, server.bo.id): 1.0}
        await server.start()
        stack.push_async_callback(server.stop)
        for burst in (False, True):
            await server.bo.reacts(card, "👍", burst=burst)
        await mortal.votes_become(vote)
        await server.bo.unreacts(card, "👍", burst=first)
        await server.ada.reacts(card, "👎")  # once that is known, all before it is
        await mortal.votes_become(vote | {(liked.paper_id, server.ada.id): -1.0})
        await resync(
            mortal.harness.app.reactions, mortal.harness.store, server.platform, server.now() - timedelta(days=7)
        )
        await mortal.votes_become(vote | {(liked.paper_id, server.ada.id): -1.0})
        await server.bo.unreacts(card, "👍", burst=not first)
        await mortal.votes_become({(liked.paper_id, server.ada.id): -1.0})
