"""What was forgotten stays forgotten when an earlier backup is restored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model.messages import PlaceKind
from bot.store import channels, forgotten, installations, links, members, papers, saved, subscriptions, topics, votes
from bot.store.backup import backup, restore
from bot.store.database import Store
from bot.store.forgotten import Forgotten
from bot.store.votes import Vote
from recommender import Paper
from tests.store.whole import START, add_channel, dump

LATER = START + timedelta(hours=1)


async def with_members(store: Store) -> None:
    """Two members with something of each kind, in a channel of W and in direct conversations."""
    async with store.write() as tx:
        await papers.record(tx, [Paper("P", "Tides")], START)
        channel = await add_channel(tx, "C1", workspace="W", owner="ada")
        for member in ("ada", "ben"):
            await votes.put(tx, Vote(channel.id, "P", member, "👍", True, START))
            await topics.put(
                tx, channel.id, f"topic of {member[0]}", muted=False, alert=False, member=member, now=START
            )
            await saved.put(tx, "slack", "W", member, "P", START)
            await add_channel(tx, member, workspace="W", kind=PlaceKind.DIRECT, owner=member)
        await links.make(tx, channel.id, "ada", START)


async def restored(store: Store, file: Path, known: Sequence[Forgotten] | None = None) -> int:
    """Restore a backup as the command does. Returns how much was forgotten again."""
    async with store.read() as tx:
        known = await forgotten.every(tx) if known is None else known
    again = []

    async def then(tx: AsyncConnection, made_at: datetime | None) -> None:
        again.append(await members.forget_again(tx, known, made_at))

    await restore(store, file, then=then)
    return again[0]


async def test_a_member_who_was_forgotten_since_is_forgotten_again(store: Store, tmp_path: Path) -> None:
    await with_members(store)
    await backup(store, tmp_path / "backup", START)
    async with store.write() as tx:
        await members.forget(tx, "slack", "W", "ada", LATER)
    kept = await dump(store)
    assert await restored(store, tmp_path / "backup") == 1
    after = await dump(store)
    assert "'ada'" not in repr(after)
    assert "'ben'" in repr(after)
    assert {name: rows for name, rows in after.items() if name != "facts"} == {
        name: rows for name, rows in kept.items() if name != "facts"
    }


async def test_a_member_who_was_forgotten_before_and_came_back_is_kept(store: Store, tmp_path: Path) -> None:
    await with_members(store)
    async with store.write() as tx:
        await members.forget(tx, "slack", "W", "ada", START)
        [channel, *_] = await channels.list_all(tx)
        await votes.put(tx, Vote(channel.id, "P", "ada", "👍", True, LATER))
    await backup(store, tmp_path / "backup", LATER)
    assert await restored(store, tmp_path / "backup") == 0
    assert "'ada'" in repr(await dump(store))


async def test_a_member_of_another_workspace_is_somebody_else(store: Store, tmp_path: Path) -> None:
    await with_members(store)
    await backup(store, tmp_path / "backup", START)
    async with store.write() as tx:
        await forgotten.record(tx, "slack", "X", "ada", LATER)
        await forgotten.record(tx, "discord", None, "ada", LATER)
    assert await restored(store, tmp_path / "backup") == 0
    async with store.write() as tx:
        await forgotten.record(tx, "slack", None, "ada", LATER)
    assert await restored(store, tmp_path / "backup") == 1


async def test_a_workspace_and_a_mail_subscription_that_were_deleted_stay_so(store: Store, tmp_path: Path) -> None:
    await with_members(store)
    async with store.write() as tx:
        mail = await add_channel(tx, "a1b2", platform="mail", workspace="", kind=PlaceKind.DIRECT)
    await backup(store, tmp_path / "backup", START)
    async with store.write() as tx:
        await installations.delete(tx, "slack", "W", LATER)
        assert await subscriptions.delete(tx, [mail.id], LATER) == 1
    assert await restored(store, tmp_path / "backup") == 2
    async with store.read() as tx:
        assert await channels.list_all(tx) == []


async def test_the_newest_backup_tells_an_older_one_who_was_forgotten(
    store: Store, sqlite_store: Store, tmp_path: Path
) -> None:
    await with_members(store)
    await backup(store, tmp_path / "old", START)
    async with store.write() as tx:
        await members.forget(tx, "slack", "W", "ada", LATER)
    await backup(store, tmp_path / "new", LATER)
    assert await restored(sqlite_store, tmp_path / "new", known=()) == 0
    assert await restored(sqlite_store, tmp_path / "old") == 1
    assert "'ada'" not in repr(await dump(sqlite_store))


async def test_a_member_is_remembered_once_by_a_hash_and_for_a_year(sqlite_store: Store) -> None:
    await with_members(sqlite_store)
    for _ in range(3):
        async with sqlite_store.write() as tx:
            [channel, *_] = await channels.list_all(tx)
            await votes.put(tx, Vote(channel.id, "P", "ada", "👍", True, START))
            await members.forget(tx, "slack", "W", "ada", LATER)
            await members.forget(tx, "slack", "W", "nobody", LATER)
    async with sqlite_store.write() as tx:
        [row] = await forgotten.every(tx)
        assert row.matches("slack", "W", "ada")
        assert not row.matches("slack", "W", "ben")
        assert "'ada'" not in repr(row)
        assert await forgotten.purge(tx, LATER + forgotten.KEPT) == 0
        assert await forgotten.purge(tx, LATER + forgotten.KEPT + timedelta(seconds=1)) == 1


@pytest.mark.parametrize("made_at", [None, START])
async def test_a_backup_that_does_not_say_when_it_was_made_loses_all_that_was_ever_forgotten(
    sqlite_store: Store, made_at: datetime | None
) -> None:
    await with_members(sqlite_store)
    async with sqlite_store.write() as tx:
        await forgotten.record(tx, "slack", "W", "ada", START - timedelta(days=1))
        assert await members.forget_again(tx, (), made_at) == (made_at is None)


async def test_a_revoked_link_stays_revoked(sqlite_store: Store) -> None:
    await with_members(sqlite_store)
    async with sqlite_store.write() as tx:
        [channel, *_] = await channels.list_all(tx)
        [link] = await links.for_channel(tx, channel.id)
        assert link.works
        assert await links.revoked(tx) == {}
        token = await links.make(tx, channel.id, "ada", LATER)
        [was] = await links.revoked(tx)
        assert token
        assert await links.revoke_again(tx, {was: LATER, links.token_hash(token): LATER, "unknown": LATER}) == 1
        assert await links.count_standing(tx) == 0
