"""The process dies between any two steps of a delivery, and what it missed is read back: each message once."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.commands.registry import COMMANDS
from bot.digests import feedback
from bot.model.messages import Style
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import Sleep
from bot.settings import DigestSettings
from bot.store.deliveries import Post
from bot.store.states import PostState
from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord
from tests.platforms.discord.server import DiscordServer
from tests.support.dying import Death, Fate, MortalPlatform, MortalStore
from tests.support.harness import BotHarness, comes_true, demo_papers, harness_over, no_sleep

DAY = demo_papers()[:4]
CARDS, THREAD = DigestSettings(count=2), DigestSettings(count=1, style=Style.THREAD)
AT_ONCE, LATER = timedelta(), timedelta(minutes=10)
"""A new process starts while Discord still knows the nonces, or when it has forgotten them."""


class Life:
    """A server, and the process that serves it: one after the other over the same store."""

    def __init__(self, server: DiscordServer, url: str, digest: DigestSettings, channel: Channel) -> None:
        self.server, self._url, self._digest, self.channel = server, url, digest, channel
        self.place = server.place_of(channel)
        self.fate, self.stores, self.platforms = Fate(), list[MortalStore](), list[DiscordPlatform]()
        self.harness = self.begin(Fate())

    def begin(self, fate: Fate, sleep: Sleep = no_sleep) -> BotHarness:
        """Another process."""
        self.fate, store, fake = fate, MortalStore(self._url, fate), self.server.fake
        self.stores.append(store)
        platform = DiscordPlatform(
            fake.token,
            self.server.clock,
            self.server.folder,
            COMMANDS,
            api_url=fake.api,
            gateway_url=fake.gateway_url,
            sleep=no_sleep,
        )
        self.server.platform, mortal = platform, MortalPlatform(platform, fate)
        self.platforms.append(platform)
        self.harness = harness_over(store, self.server.clock, cast("Any", mortal), sleep, digest=self._digest)
        self.server.speaks_to = self.harness.app.service
        return self.harness

    async def posts(self) -> list[Post]:
        return await self.harness.posts(self.place)

    async def votes(self) -> dict[tuple[str, str | None], float]:
        channel = await self.harness.channel(self.place)
        async with self.harness.store.read() as tx:
            told = await feedback.of_channel(tx, channel.id, self.harness.app.digests._emoji)
        return {(each.paper_id, each.member): each.value for each in told if each.member}

    async def comes_to(self, expected: Mapping[tuple[str | None, str], float]) -> None:
        """Wait until these are the votes: Discord's events are worked off beside whoever caused them."""

        async def there() -> bool:
            return await self.votes() == expected

        await comes_true(there)


@contextlib.asynccontextmanager
async def a_due_digest(
    sqlite_url: str, step: int, digest: DigestSettings = CARDS, *, forum: bool = False
) -> AsyncIterator[Life]:
    """A channel whose hour has come, in a store of its own."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    clock, url = Clock(), f"sqlite:///{shutil.copy(file, file.with_stem(f'died-at-{step}'))}"
    async with FakeDiscord(clock) as fake:
        server = DiscordServer(fake, clock, file.parent / f"folder-{step}")
        life = Life(server, url, digest, server.lab.forum("papers") if forum else server.ml)
        try:
            await life.harness.list_papers(DAY)
            await life.harness.invite(life.place)
            clock.advance(timedelta(hours=1, minutes=1))
            yield life
        finally:
            for platform in life.platforms:
                await platform.rest.close()
            for store in life.stores:
                await store.close()


@pytest.mark.parametrize("gap", [AT_ONCE, LATER], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("digest", "forum"), [(CARDS, False), (THREAD, False), (CARDS, True)], ids=["cards", "thread", "forum"]
)
async def test_wherever_a_delivery_dies_each_message_stands_there_once(
    sqlite_url: str, digest: DigestSettings, forum: bool, gap: timedelta
) -> None:
    step = deaths = 0
    while deaths == step:
        step += 1
        async with a_due_digest(sqlite_url, step, digest, forum=forum) as life:
            for at in (step, 2 * step):  # and dies once more while it clears up
                life.begin(Fate(at))
                with contextlib.suppress(Death):
                    await life.harness.app.scheduler.recover()
                    await life.harness.beat_until_settled(40)
                deaths += life.fate.dead and at == step
                life.server.clock.advance(gap)
            await life.begin(Fate()).app.scheduler.recover()
            await life.harness.beat_until_settled(40)
            posts = await life.posts()
            expected = [PostState.SENT] * (1 + digest.count + 1)  # a header, the cards, and the titles that are left
            assert [post.state for post in posts] == expected, f"died at step {step}"
            threads = [f"{thread.id}/{said.id}" for thread in life.channel.threads for said in thread.visible]
            shown = [said.id for said in life.channel.visible] + threads
            assert shown == [post.message for post in posts], f"died at step {step}"
    assert step > 6, "there were that many places to die"


async def test_what_was_reacted_while_nobody_listened_is_read_back(sqlite_url: str) -> None:
    async with a_due_digest(sqlite_url, 0) as life:
        server = life.server
        await life.harness.beat()
        _, first, second, _ = await life.posts()
        await server.start()
        await server.ada.reacts(server.message(str(first.message)), "👍")
        await server.fake.until(lambda: server.fake.calls)
        await server.stop()
        await server.ada.unreacts(server.message(str(first.message)), "👍")
        await server.bo.reacts(server.message(str(first.message)), "👎")
        await server.bo.reacts(server.message(str(second.message)), "🔥", burst=True)
        server.clock.advance(LATER)
        harness = life.begin(Fate())
        await harness.app.reactions.resync({"discord": server.platform}, server.now() - timedelta(days=7))
        assert await life.votes() == {(first.paper_id, server.bo.id): -1.0, (second.paper_id, server.bo.id): 1.0}


@pytest.mark.parametrize("gap", [AT_ONCE, LATER], ids=["at once", "later"])
async def test_a_vote_on_a_card_whose_answer_was_cut_off_by_death_counts_once_the_card_is_known(
    sqlite_url: str, gap: timedelta
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
            unknown = [said for said in life.channel.visible if dead and said.id not in known]
            for said in unknown:
                await life.server.bo.reacts(said, "👍")
            life.server.clock.advance(gap)
            await life.begin(Fate(), life.server.clock.sleep).app.scheduler.recover()
            await life.harness.beat_until_settled(40)
            cards = [post for post in await life.posts() if post.message in {said.id for said in unknown}]
            liked: dict[tuple[str | None, str], float] = {
                (post.paper_id, life.server.bo.id): 1.0 for post in cards if post.paper_id
            }
            await life.comes_to(liked)
            await life.harness.app.scheduler.stop()
            voted += len(liked)
    assert voted >= 2, "cards were posted whose answers were cut off"


@pytest.mark.parametrize("style", [Style.CARDS, Style.THREAD])
async def test_in_a_forum_each_day_is_a_post_and_one_that_was_deleted_hides_no_other(
    sqlite_url: str, style: Style
) -> None:
    async with a_due_digest(sqlite_url, 0, DigestSettings(count=2, style=style), forum=True) as life:
        server, forum = life.server, life.channel
        await life.harness.beat()
        server.clock.advance(timedelta(days=1))
        await life.harness.list_papers(demo_papers()[4:8])
        await life.harness.beat()
        yesterday, today = forum.threads
        assert [len(day.visible) for day in forum.threads] == [4, 4]  # the header, two cards, and the titles
        assert yesterday.name.startswith("2 papers for Monday, 2 March")
        assert "thread" not in yesterday.visible[0].words
        await server.bo.reacts(today.visible[1], "👍")
        await server.ada.deletes(yesterday)
        server.clock.advance(LATER)
        await life.harness.app.reactions.resync({"discord": server.platform}, server.now() - timedelta(days=7))
        assert list((await life.votes()).values()) == [1.0]


async def test_cleared_reactions_take_every_vote_back(sqlite_url: str) -> None:
    async with a_due_digest(sqlite_url, 0) as life, contextlib.AsyncExitStack() as stack:
        server = life.server
        await life.harness.beat()
        _, first, *_ = await life.posts()
        said = server.message(str(first.message))
        await server.start()
        stack.push_async_callback(server.stop)
        for emoji in ("👍", "🔥"):
            await server.bo.reacts(said, emoji)
        await server.ada.reacts(said, "👎")
        await life.comes_to({(first.paper_id, server.bo.id): 1.0, (first.paper_id, server.ada.id): -1.0})
        server.clock.advance(LATER)
        await server.ada.clears_emoji(said, "👎")
        await life.comes_to({(first.paper_id, server.bo.id): 1.0})
        await server.ada.clears(said)
        await life.comes_to({})


@pytest.mark.parametrize("first", [True, False], ids=["the burst first", "the burst last"])
async def test_an_emoji_put_on_in_both_ways_counts_until_both_are_off(sqlite_url: str, first: bool) -> None:
    async with a_due_digest(sqlite_url, 0) as life, contextlib.AsyncExitStack() as stack:
        server = life.server
        await life.harness.beat()
        _, liked, *_ = await life.posts()
        said, vote = server.message(str(liked.message)), {(liked.paper_id, server.bo.id): 1.0}
        await server.start()
        stack.push_async_callback(server.stop)
        for burst in (False, True):
            await server.bo.reacts(said, "👍", burst=burst)
        await life.comes_to(vote)
        await server.bo.unreacts(said, "👍", burst=first)
        await server.ada.reacts(said, "👎")  # once that is known, all before it is
        await life.comes_to(vote | {(liked.paper_id, server.ada.id): -1.0})
        await life.harness.app.reactions.resync({"discord": server.platform}, server.now() - timedelta(days=7))
        await life.comes_to(vote | {(liked.paper_id, server.ada.id): -1.0})
        await server.bo.unreacts(said, "👍", burst=not first)
        await life.comes_to({(liked.paper_id, server.ada.id): -1.0})
