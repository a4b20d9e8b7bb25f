"""A fake Discord with one guild, and the real discord.py that lives in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord, Guild, Member

INTENTS = discord.Intents(guilds=True, guild_reactions=True, guild_messages=True, dm_messages=True, dm_reactions=True)


class Ears(discord.Client):
    """A client that writes down what discord.py made of the events."""

    def __init__(self, intents: discord.Intents = INTENTS, **options: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.02, **options)
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.tree = app_commands.CommandTree(self)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        self.heard.append((event, args))
        super().dispatch(event, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait the five seconds that Discord wants between two IDENTIFYs."""

    def all(self, event: str) -> list[Any]:
        """The first argument of each event of that name, or None where it has none."""
        return [args[0] if args else None for name, args in self.heard if name == event]

    def text(self, channel: Channel) -> discord.TextChannel:
        """That channel, as the client knows it."""
        found = self.get_channel(int(channel.id))
        assert isinstance(found, discord.TextChannel)
        return found


Told = discord.Interaction[Ears]
Answer = Callable[[Told], Awaitable[object]]


async def registered(client: Ears, answer: Answer) -> None:
    """`/papers query:` that answers so, registered."""

    @client.tree.command(description="Search papers")
    async def papers(told: discord.Interaction, query: str) -> None:
        await answer(told)  # type: ignore[arg-type]

    @papers.autocomplete("query")
    async def complete(told: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}erated", value="federated")]

    await client.tree.sync()


@pytest.fixture(autouse=True)
def quiet() -> None:
    """discord.py logs what these tests break on purpose."""
    logging.getLogger("discord").setLevel(logging.CRITICAL)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake(clock: Clock) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(clock, answer_within=2) as server:
        with server.spoken_to():
            yield server


@pytest.fixture
def lab(fake: FakeDiscord) -> Guild:
    return fake.guild("lab")


@pytest.fixture
def ml(lab: Guild) -> Channel:
    return lab.text("ml-papers")


@pytest.fixture
def ada(lab: Guild) -> Member:
    return lab.member("ada", manager=True)


@pytest.fixture
def client() -> Ears:
    return Ears()


@pytest.fixture
async def connected(fake: FakeDiscord, ml: Channel, client: Ears) -> AsyncIterator[Ears]:
    """The client, when it knows its guild."""
    running = asyncio.ensure_future(client.start(fake.token))
    await fake.until(lambda: client.all("ready") or running.done())
    yield client
    await client.close()
    await asyncio.wait({running})
