"""An operator looks at the channels, at the digest that one would get, and asks for a member to be forgotten."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from bot.app import opened, system_clock
from bot.installations.encryption import TokenCipher
from bot.model.messages import Asker, Place
from bot.model.subscriptions import Content, Wish
from bot.settings import load
from bot.store import channels, deliveries, papers, votes
from bot.store.opening import open_store
from bot.subscriptions import StoredSubscriptions
from recommender import Paper
from tests.support.chat import FakeChat
from tests.support.operator import Operator

PLACE = Place("fake", "c1", name="ml")
NEWS = [Paper(f"2603.{n:05d}", f"Federated learning, part {n}", "We learn from clients.") for n in range(1, 8)]


async def _use(operator: Operator) -> None:
    settings = load(None, {"PAPERBOY_DATA_DIR": str(operator.home)})
    async with opened(settings, {"fake": FakeChat()}, sources=[]) as app:
        async with app.store.write() as tx:
            await papers.record(tx, NEWS, system_clock(), {paper.id: datetime.now(UTC).date() for paper in NEWS})
        await app.paper_index.sync()
        await app.service.joined(PLACE, "ada")
        for line in ("subscribe federated", f"more {NEWS[0].id}", f"save {NEWS[1].id}", "settings bar 0"):
            assert (await app.service.ask(PLACE, Asker("ada"), line)).ok


async def _state(operator: Operator) -> tuple[int, int, str]:
    """(deliveries, votes, owner) of the channel."""
    settings = load(None, {"PAPERBOY_DATA_DIR": str(operator.home)})
    async with opened(settings, {}, sources=[]) as app, app.store.read() as tx:
        [channel] = await channels.list_all(tx)
        planned = await deliveries.for_channel(tx, channel.id)
        return len(planned), len(await votes.for_channel(tx, channel.id)), channel.owner


def test_channels_are_listed_with_what_they_get(operator: Operator) -> None:
    empty = operator("channels")
    assert (empty.code, empty.out) == (0, "")
    assert "There is no channel yet." in empty.err
    assert json.loads(operator("channels", "--json").out) == []
    asyncio.run(_use(operator))
    ran = operator("channels")
    assert ran.code == 0
    for cell in ("fake", "ml", "active", "09:00", "federated"):
        assert cell in ran.out
    [row] = json.loads(operator("channels", "--json").out)
    assert (row["platform"], row["name"], row["state"], row["votes"], row["topics"]) == (
        "fake",
        "ml",
        "active",
        1,
        ["federated"],
    )
    assert datetime.fromisoformat(row["next_digest"]) > datetime.now(UTC)


def test_a_digest_is_shown_and_neither_posted_nor_recorded(operator: Operator) -> None:
    asyncio.run(_use(operator))
    before = asyncio.run(_state(operator))
    first, second = operator("today", "ml"), operator("today", "fake:c1")
    assert first.code == 0
    assert "nothing is posted or recorded" in first.err
    assert "  1. Federated learning, part" in first.out
    assert first.out == second.out
    assert asyncio.run(_state(operator)) == before
    unknown = operator("today", "nowhere")
    assert (unknown.code, unknown.told) == (1, ["paperboy: There is no channel nowhere. There are: ml."])


def test_a_member_is_forgotten_only_when_that_is_confirmed(operator: Operator) -> None:
    asyncio.run(_use(operator))
    refused = operator("forget", "ada")
    assert (refused.code, refused.out) == (2, "")
    assert "On fake, this deletes 1 vote and 1 saved paper of ada. ada invited me to #ml" in refused.err
    assert "Say --yes" in refused.err
    assert asyncio.run(_state(operator))[1:] == (1, "ada")
    assert operator("forget", "ada", "--yes").out == "Deleted 2 entries about ada.\n"
    assert asyncio.run(_state(operator))[1:] == (0, "")
    assert operator("forget", "ada", "--yes").out == "Nothing is known of ada.\n"


def test_what_a_mail_address_gets_is_forgotten_by_the_address(operator: Operator) -> None:
    settings = load(None, {"PAPERBOY_DATA_DIR": str(operator.home)})

    async def subscribe() -> None:
        store = await open_store(settings.store_url)
        cipher, defaults = TokenCipher((), settings.key_file), settings.digest.channel_defaults()
        mail = StoredSubscriptions(store, cipher, system_clock, "mail", defaults)
        for wish in (Wish("ada@example.org"), Wish("ben@example.org"), Wish("ada@example.org", Content.SEARCH, "x")):
            await mail.confirm(wish)
        await store.close()

    asyncio.run(subscribe())
    refused = operator("forget", "Ada@Example.org")
    assert (refused.code, refused.out) == (2, "")
    assert "This deletes 2 subscriptions of Ada@example.org" in refused.err
    assert operator("forget", "Ada@Example.org", "--yes").out == "Deleted 2 subscriptions of Ada@example.org.\n"
    assert operator("forget", "ada@example.org", "--yes").out == "Nothing is known of ada@example.org.\n"
    assert operator("forget", "ada@", "--yes").code == 2
