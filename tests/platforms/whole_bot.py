"""The whole bot over a platform under test: with today's digest posted, or as processes that die and start again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from bot.digests import feedback
from bot.model.messages import Place
from bot.ports.platform import BotApi, Sleep
from bot.settings import DigestSettings
from bot.store.database import Store
from bot.store.deliveries import Post
from tests.fakes.clock import Clock
from tests.support.dying import Death, Fate, MortalPlatform, MortalStore
from tests.support.harness import BotHarness, comes_true, demo_papers, harness_over, no_sleep

FOUR_PAPERS = demo_papers()[:4]


class Team(Protocol):
    """Members on a fake platform, and the real platform code that serves them."""

    clock: Clock
    place: Place
    platform: Any
    speaks_to: BotApi

    def new(self) -> Any: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


TeamT = TypeVar("TeamT", bound=Team)


@contextlib.asynccontextmanager
async def digest_posted(store: Store, team: Team, digest: DigestSettings) -> AsyncIterator[BotHarness]:
    """The running bot, which has just posted today's digest in the team's channel."""
    harness = harness_over(store, team.clock, cast("Any", team.platform), digest=digest)
    team.speaks_to = harness.app.service
    await harness.invite(team.place)  # a channel that is unknown when the bot starts would be greeted
    await team.start()
    try:
        await harness.list_papers(demo_papers()[:20])
        team.clock.advance(timedelta(hours=1, minutes=1))
        await harness.beat()
        team.clock.advance(timedelta(minutes=1))
        yield harness
    finally:
        await team.stop()


class MortalBot(Generic[TeamT]):
    """The bot as one process after another over the same store. Each process dies where its fate says."""

    def __init__(self, team: TeamT, place: Place, url: str, digest: DigestSettings) -> None:
        self.team, self.place, self._url, self._digest = team, place, url, digest
        self.fate, self._stores = Fate(), list[MortalStore]()
        self.platforms: list[Any] = []
        self.harness = self.begin(Fate())

    def begin(self, fate: Fate, sleep: Sleep = no_sleep) -> BotHarness:
        """Start another process."""
        self.fate, store = fate, MortalStore(self._url, fate)
        self._stores.append(store)
        self.team.platform = self.team.new()
        self.platforms.append(self.team.platform)
        platform = cast("Any", MortalPlatform(self.team.platform, fate))
        self.harness = harness_over(store, self.team.clock, platform, sleep, digest=self._digest)
        self.team.speaks_to = self.harness.app.service
        return self.harness

    async def recover(self) -> None:
        """Start a process that lives, and let it do the work that is left."""
        await self.begin(Fate()).app.scheduler.recover()
        await self.harness.beat_until_settled(40)

    async def die_twice(self, step: int, gap: timedelta = timedelta()) -> bool:
        """Let a process die at this step, and the next one while it recovers, `gap` later. Returns whether the first
        one died."""
        deaths = list[bool]()
        for at in (step, 2 * step):
            self.begin(Fate(at))
            with contextlib.suppress(Death):
                await self.harness.app.scheduler.recover()
                await self.harness.beat_until_settled(40)
            deaths.append(self.fate.dead)
            self.team.clock.advance(gap)
        return deaths[0]

    async def posts(self) -> list[Post]:
        return await self.harness.posts(self.place)

    async def votes(self) -> dict[tuple[str, str | None], float]:
        channel = await self.harness.channel(self.place)
        async with self.harness.store.read() as tx:
            entries = await feedback.of_channel(tx, channel.id, self.harness.app.digests._emoji)
        return {(entry.paper_id, entry.member): entry.value for entry in entries if entry.member}

    async def votes_become(self, expected: Mapping[tuple[str | None, str], float]) -> None:
        """Wait until these are the votes: platforms handle events beside the member's action."""

        async def are_equal() -> bool:
            return await self.votes() == expected

        await comes_true(are_equal)

    @contextlib.asynccontextmanager
    async def with_due_digest(self) -> AsyncIterator[None]:
        """A digest is due in the bot's channel."""
        try:
            await self.harness.list_papers(FOUR_PAPERS)
            await self.harness.invite(self.place)
            self.team.clock.advance(timedelta(hours=1, minutes=1))
            yield
        finally:
            for store in self._stores:
                await store.close()


def copy_of_store(sqlite_url: str, step: int) -> str:
    """The URL of a copy of an SQLite store."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    return f"sqlite:///{shutil.copy(file, file.with_stem(f'died-at-{step}'))}"
