from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bot.installations.encryption import TokenCipher, TokensUnreadable
from bot.installations.store_backed import StoredInstallations
from bot.platforms.slack.setup import check_keys
from bot.ports.installations import Installation
from bot.store.backup import backup, restore
from bot.store.database import Store
from bot.store.members import forget
from bot.store.opening import open_store
from bot.store.tables import inbox
from bot.store.tables import installations as table
from tests.fakes.clock import Clock

NOW = Clock().now
TOKEN, REFRESH = "xoxe.xoxb-hunter2", "xoxe-1-hunter3"
LAB = Installation(
    "T1", NOW, "lab", "UBOT", "BBOT", "ada", ("chat:write", "commands"), TOKEN, REFRESH, NOW + timedelta(hours=12)
)


def installations_in(store: Store, folder: Path, clock: Clock | None = None) -> StoredInstallations:
    return StoredInstallations(store, TokenCipher((), folder / "encryption.key"), clock or Clock(), "slack")


async def test_an_installation_is_stored_and_replaced_by_a_later_one(store: Store, tmp_path: Path) -> None:
    installations = installations_in(store, tmp_path)
    assert await installations.get("T1") is None
    await installations.put(LAB)
    assert await installations_in(store, tmp_path).get("T1") == LAB
    again = replace(LAB, installed_at=NOW + timedelta(days=1), token="xoxb-2", refresh_token="", expires_at=None)
    await installations.put(again)
    assert await installations.get("T1") == again


async def test_no_token_is_readable_in_the_database_a_backup_or_a_repr(store: Store, tmp_path: Path) -> None:
    await installations_in(store, tmp_path).put(LAB)
    async with store.read() as tx:
        assert "hunter" not in str((await tx.execute(sa.select(table))).all())
    await backup(store, tmp_path / "backup.gz", NOW)
    import gzip

    assert b"hunter" not in gzip.decompress((tmp_path / "backup.gz").read_bytes())
    assert "hunter" not in repr(LAB)


async def test_tokens_work_after_a_backup_was_restored_with_their_key(store: Store, tmp_path: Path) -> None:
    await installations_in(store, tmp_path).put(LAB)
    await backup(store, tmp_path / "backup.gz", NOW)
    elsewhere = await open_store(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    try:
        await restore(elsewhere, tmp_path / "backup.gz")
        await installations_in(elsewhere, tmp_path).check()
        assert await installations_in(elsewhere, tmp_path).get("T1") == LAB
        with pytest.raises(TokensUnreadable, match="install again"):
            await installations_in(elsewhere, tmp_path / "without-the-key").check()
    finally:
        await elsewhere.close()


async def test_a_store_without_tokens_needs_no_key(store: Store, tmp_path: Path) -> None:
    await installations_in(store, tmp_path / "nowhere").check()
    assert not (tmp_path / "nowhere").exists()


async def test_renew_replaces_only_the_stored_token(store: Store, tmp_path: Path) -> None:
    installations = installations_in(store, tmp_path)
    await installations.put(LAB)
    first = replace(LAB, token="xoxb-2", expires_at=NOW + timedelta(hours=22))
    assert await installations.renew(LAB, first)
    assert not await installations.renew(LAB, replace(LAB, token="xoxb-3", expires_at=NOW + timedelta(hours=23)))
    assert await installations.get("T1") == first
    await installations.end("T1", NOW + timedelta(hours=1), uninstalled=False)
    assert not await installations.renew(first, replace(first, token="xoxb-4"))


async def test_end_does_not_touch_a_later_installation(store: Store, tmp_path: Path) -> None:
    installations, second = installations_in(store, tmp_path), timedelta(seconds=1)
    await installations.put(LAB)
    assert not await installations.end("T1", NOW - second, uninstalled=True)
    assert not await installations.end("T1", NOW + second, uninstalled=True, installed_until=NOW - second)
    assert not await installations.end("T9", NOW + second, uninstalled=True)
    assert await installations.get("T1") == LAB


async def test_end_keeps_the_first_time_and_deletes_the_tokens(store: Store, tmp_path: Path) -> None:
    installations = installations_in(store, tmp_path)
    await installations.put(LAB)
    for hours in (1, 2):
        assert await installations.end("T1", NOW + timedelta(hours=hours), uninstalled=True)
    await installations.end("T1", NOW + timedelta(hours=3), uninstalled=False)
    installation = await installations.get("T1")
    assert installation
    assert installation.uninstalled_at == NOW + timedelta(hours=1)
    assert installation.revoked_at == NOW + timedelta(hours=3)
    assert not installation.alive
    assert (installation.token, installation.refresh_token, installation.expires_at) == ("", "", None)
    assert await installations.alive() == []


async def test_ending_gives_the_workspaces_whose_tokens_expire_soon(store: Store, tmp_path: Path) -> None:
    installations = installations_in(store, tmp_path)
    await installations.put(LAB)
    await installations.put(replace(LAB, workspace="T2", expires_at=None))
    await installations.put(replace(LAB, workspace="T3", expires_at=NOW + timedelta(hours=1)))
    assert await installations.ending(NOW + timedelta(hours=2)) == ["T3"]
    assert await installations.alive() == ["T1", "T2", "T3"]


async def test_forget_removes_the_name_of_the_installer(store: Store, tmp_path: Path) -> None:
    installations = installations_in(store, tmp_path)
    await installations.put(LAB)
    async with store.write() as tx:
        await forget(tx, "slack", "T1", "ada", NOW)
    installation = await installations.get("T1")
    assert installation
    assert installation.installer == ""


async def test_an_oauth_state_is_accepted_once(sqlite_store: Store, tmp_path: Path) -> None:
    clock = Clock()
    installations = installations_in(sqlite_store, tmp_path, clock)
    state = await installations.issue_state()
    assert await installations.consume_state(state)
    assert not await installations.consume_state(state)
    assert not await installations.consume_state(TokenCipher((), tmp_path / "encryption.key").encrypt(TOKEN, NOW))


async def test_reencrypt_uses_the_first_key_so_that_the_old_key_can_go(store: Store, tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))

    def with_keys(*keys: str) -> StoredInstallations:
        return StoredInstallations(store, TokenCipher(keys, tmp_path / "key"), Clock(), "slack")

    await with_keys(old).put(LAB)
    await with_keys(new, old).put(replace(LAB, workspace="T2", refresh_token="", expires_at=None))
    await with_keys(old).put(replace(LAB, workspace="T3", token="", refresh_token=REFRESH))
    assert await with_keys(new, old).count_old_keys() == 2
    assert (
        "tokens of 2 workspaces still need an older key" in (await check_keys(with_keys(new, old), several=True)).mend
    )
    with pytest.raises(TokensUnreadable):
        await with_keys(new).check()
    assert await with_keys(new, old).reencrypt() == 2
    assert (await with_keys(new, old).count_old_keys(), await with_keys(new, old).reencrypt()) == (0, 0)
    assert "others are no longer needed" in (await check_keys(with_keys(new, old), several=True)).mend
    await with_keys(new).check()
    assert await with_keys(new).get("T1") == LAB
    t3 = await with_keys(new).get("T3")
    assert t3
    assert (t3.token, t3.refresh_token) == ("", REFRESH)


async def test_tokens_that_no_key_opens_are_left_as_they_are(store: Store, tmp_path: Path) -> None:
    lost, new = (Fernet.generate_key().decode() for _ in range(2))
    await StoredInstallations(store, TokenCipher((lost,), tmp_path / "key"), Clock(), "slack").put(LAB)
    with pytest.raises(TokensUnreadable):
        await StoredInstallations(store, TokenCipher((new,), tmp_path / "key"), Clock(), "slack").reencrypt()
    assert await StoredInstallations(store, TokenCipher((lost,), tmp_path / "key"), Clock(), "slack").get("T1") == LAB


async def test_a_state_is_good_for_one_use_also_after_a_restart(store: Store, tmp_path: Path) -> None:
    state = await installations_in(store, tmp_path).issue_state()
    assert await installations_in(store, tmp_path).consume_state(state)
    assert not await installations_in(store, tmp_path).consume_state(state)
    async with store.read() as tx:
        [event_id] = (await tx.execute(sa.select(inbox.c.event_id))).scalars()
    assert state not in event_id


async def test_of_two_who_use_a_state_at_once_one_may(store: Store, tmp_path: Path) -> None:
    state = await installations_in(store, tmp_path).issue_state()
    accepted = await asyncio.gather(*(installations_in(store, tmp_path).consume_state(state) for _ in range(5)))
    assert sorted(accepted) == [False] * 4 + [True]
