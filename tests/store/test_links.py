"""Secret links to channels' pages: one works for each channel, and nothing in the store opens a page."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.members import everything
from bot.model.messages import PlaceKind
from bot.store import channels, installations, links, members
from bot.store.database import Store
from bot.store.opening import open_store
from bot.store.tables import channels as channel_rows
from tests.store.whole import START, add_channel, dump


async def test_a_link_is_found_by_its_secret_alone(store: Store) -> None:
    async with store.write() as tx:
        channel = await add_channel(tx)
        token = await links.make(tx, channel.id, "ada", START)
    assert token
    assert len(token) == 43
    async with store.read() as tx:
        link = await links.find(tx, token)
        assert link == links.ChannelLink(channel.id, "ada", START, None)
        assert link == await links.standing(tx, channel.id)
        for wrong in ("", token[:-1], token + "A", token.swapcase(), "\0", "\ud800", "é" * 5_000):
            assert await links.find(tx, wrong) is None
    assert token not in repr(await dump(store))


async def test_a_new_link_replaces_the_old_and_revoking_ends_it(store: Store) -> None:
    async with store.write() as tx:
        channel, other = await add_channel(tx), await add_channel(tx, "C2")
        first = await links.make(tx, channel.id, "ada", START)
        kept = await links.make(tx, other.id, "ada", START)
        second = await links.make(tx, channel.id, "ben", START + timedelta(hours=1))
    assert first
    assert second
    assert kept
    async with store.write() as tx:
        assert [link.works for link in await links.for_channel(tx, channel.id)] == [False, True]
        old = await links.find(tx, first)
        assert old
        assert old.revoked_at == START + timedelta(hours=1)
        assert await links.revoke(tx, channel.id, START + timedelta(hours=2))
        assert not await links.revoke(tx, channel.id, START + timedelta(hours=3))
        gone = await links.find(tx, second)
        assert gone
        assert not gone.works
        assert await links.standing(tx, channel.id) is None
        assert await links.standing(tx, other.id)
        assert await links.count_standing(tx) == 1


async def test_of_two_links_made_at_once_one_works(store: Store, store_url: str) -> None:
    async with store.write() as tx:
        channel = await add_channel(tx)
    second_process = await open_store(store_url)

    async def make(maker: Store) -> None:
        async with maker.write() as tx:
            await links.make(tx, channel.id, "ada", START)

    try:
        await asyncio.gather(*(make(maker) for maker in (store, second_process) * 4))
    finally:
        await second_process.close()
    async with store.read() as tx:
        assert sum(link.works for link in await links.for_channel(tx, channel.id)) == 1


async def test_revoked_links_are_remembered_up_to_a_bound_and_the_working_one_always(store: Store) -> None:
    async with store.write() as tx:
        channel = await add_channel(tx)
        tokens = [await links.make(tx, channel.id, "ada", START - timedelta(minutes=n)) for n in range(30)]
        kept = await links.for_channel(tx, channel.id)
        assert len(kept) == 20
        assert tokens[-1]
        last = await links.find(tx, tokens[-1])
    assert last
    assert last.works


async def test_no_link_to_a_channel_that_is_gone(store: Store) -> None:
    async with store.write() as tx:
        assert await links.make(tx, 7, "ada", START) is None


async def test_links_go_with_their_channel_and_lose_the_name_of_a_forgotten_member(store: Store) -> None:
    async with store.write() as tx:
        public = await add_channel(tx)
        own = await add_channel(tx, "D1", kind=PlaceKind.DIRECT)
        tokens = {channel.id: await links.make(tx, channel.id, "ada", START) for channel in (public, own)}
    async with store.write() as tx:
        assert [kind for kind, _ in await members.rows_of(tx, "slack", "W", "ada")].count("link") == 2
        assert '"row": "link"' in await everything(tx, public)
        await members.forget(tx, "slack", "W", "ada", START)
        shared = await links.find(tx, tokens[public.id] or "")
        assert shared
        assert shared.works
        assert shared.made_by == ""
        assert await links.find(tx, tokens[own.id] or "") is None
        await installations.delete(tx, "slack", "W", START)
        assert await links.find(tx, tokens[public.id] or "") is None
        assert (await tx.execute(sa.select(channel_rows.c.id))).all() == []
        assert await channels.list_all(tx) == []


@settings(max_examples=200)
@given(st.text())
def test_any_text_has_a_hash_of_the_same_length(token: str) -> None:
    assert len(links.token_hash(token)) == 64
