"""What was voted by button, on the cards of a Discord server: what is asked of Discord, and what goes wrong there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model.messages import Message
from bot.platforms.discord.render import mark
from bot.ports.platform import AccessLost, NotAccepted, Rejected
from bot.settings import DigestSettings
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.discord import FakeDiscord, Right
from tests.fakes.discord import Message as Shown
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer, server_at_work
from tests.platforms.whole_bot import digest_posted
from tests.support.harness import BotHarness

TALLIED = Message(card=replace(CARD, tally="By button: 👍 3 · 👎 1"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        yield server


@contextlib.asynccontextmanager
async def server_with_digest(store: Store, folder: Path) -> AsyncIterator[tuple[DiscordServer, BotHarness]]:
    """A server in whose channel today's digest has come: three cards, and ten titles."""
    clock = Clock()
    async with FakeDiscord(clock=clock) as fake:
        server = DiscordServer(fake, clock, folder)
        async with digest_posted(store, server, DigestSettings(count=3)) as harness:
            yield server, harness


async def edits(server: DiscordServer, times: int) -> list[Any]:
    """What Discord was asked to write anew, when it was so often."""

    def asked() -> list[Any]:
        return [call.body for call in server.fake.calls if call.name == "edit_message"]

    await server.fake.until(lambda: len(asked()) >= times)
    return asked()


def small(shown: Shown) -> str:
    """The last small line of a card."""
    return [row for row in shown.words.splitlines() if row.startswith("-# ")][-1]


async def test_edit_adds_one_small_line_to_the_post_and_mentions_nobody(server: DiscordServer) -> None:
    card = await server.platform.send(server.place, Message("@everyone", CARD), "key-1")
    [message] = server.ml.visible
    before, ids = message.words, message.custom_ids
    await server.platform.rewrite(server.place, card, replace(TALLIED, text="@everyone"), "key-1")
    [edit] = await edits(server, 1)
    assert edit["allowed_mentions"] == {"parse": []}
    assert edit["flags"] == message.posted["flags"]
    assert edit["components"][0]["id"] == mark("key-1")
    assert message.custom_ids == ids
    assert message.words == before.replace("ml-theory", "ml-theory\n-# By button: 👍 3 · 👎 1")
    assert message.pings == []
    await server.platform.rewrite(server.place, card, Message("@everyone", CARD), "key-1")
    assert message.words == before


async def test_people_see_on_the_card_what_they_pressed(sqlite_store: Store, tmp_path: Path) -> None:
    async with server_with_digest(sqlite_store, tmp_path) as (server, _):
        _, card, *_, titles = server.ml.visible
        before = card.words
        assert "Counted" in await server.press("bo", card.id, "more")
        assert "Counted" in await server.press("ada", card.id, "more")
        await server.fake.until(lambda: small(card) == "-# By button: 👍 2")
        assert "Counted" in await server.press_number("bo", titles.id, 2)
        await server.fake.until(lambda: "-# By button: 👍 1" in titles.words)
        assert titles.words.count("By button") == 1
        for member in ("ada", "bo"):
            assert "Taken back" in await server.press(member, card.id, "more")
        await server.fake.until(lambda: card.words == before)


async def test_vote_by_button_counts_and_is_answered_even_if_the_edit_fails(
    sqlite_store: Store, tmp_path: Path
) -> None:
    async with server_with_digest(sqlite_store, tmp_path) as (server, _):
        card = server.ml.visible[1]
        server.fake.faults.error("edit_message", 50035)
        assert "Counted" in await server.press("bo", card.id, "more")
        await edits(server, 1)
        server.fake.faults.lose_reply("edit_message")
        assert "Counted" in await server.press("ada", card.id, "more")
        await server.fake.until(lambda: small(card) == "-# By button: 👍 2")


async def test_a_card_in_a_thread_and_in_a_forum_is_written_anew_where_it_stands(server: DiscordServer) -> None:
    header = await server.platform.send(server.place, Message("5 papers"), "key-0")
    card = await server.platform.send(server.place, Message(card=CARD, thread=header), "key-1")
    await server.platform.rewrite(server.place, card, TALLIED, "key-1")
    assert small(server.message(card)) == "-# By button: 👍 3 · 👎 1"
    forum = server.place_of(server.lab.forum("papers"))
    post = await server.platform.send(forum, Message(card=CARD), "key-2")
    await server.platform.rewrite(forum, post, TALLIED, "key-2")
    assert small(server.message(post)) == "-# By button: 👍 3 · 👎 1"
    assert await server.platform.find(forum, "key-2", server.now() - timedelta(minutes=1)) == post


async def test_what_was_deleted_or_archived_is_left_in_peace(server: DiscordServer) -> None:
    card = await server.platform.send(server.place, Message(card=CARD), "key-1")
    server.ml.messages.clear()
    await server.platform.rewrite(server.place, card, TALLIED, "key-1")
    header = await server.platform.send(server.place, Message("5 papers"), "key-0")
    card = await server.platform.send(server.place, Message(card=CARD, thread=header), "key-2")
    [thread] = server.ml.threads
    before = server.message(card).words
    thread.archived = True
    await server.platform.rewrite(server.place, card, TALLIED, "key-2")
    assert (thread.archived, server.message(card).words) == (True, before)
    thread.deleted = True
    await server.platform.rewrite(server.place, card, TALLIED, "key-2")


async def test_what_discord_says_of_an_edit_has_its_meaning(server: DiscordServer) -> None:
    card = await server.platform.send(server.place, Message(card=CARD), "key-1")
    server.fake.faults.error("edit_message", 50035)
    with pytest.raises(Rejected):
        await server.platform.rewrite(server.place, card, TALLIED, "key-1")
    server.fake.faults.limit("edit_message", 3_600)
    with pytest.raises(NotAccepted) as caught:
        await server.platform.rewrite(server.place, card, TALLIED, "key-1")
    assert caught.value.retry_after == 3_600
    over = server.ml.overwrite(server.lab.bot_role)
    over.deny |= Right.VIEW_CHANNEL
    with pytest.raises(AccessLost):
        await server.platform.rewrite(server.place, card, TALLIED, "key-1")
