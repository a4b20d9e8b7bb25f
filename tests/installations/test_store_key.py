"""Processes that share a store must have one encryption key, also while it is being changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.installations import store_key
from bot.installations.encryption import TokenCipher, TokensUnreadable
from bot.installations.store_backed import StoredInstallations
from bot.operate import store_checks
from bot.operate.run import prepared
from bot.ports.installations import Installation
from bot.settings import load
from bot.store import installations
from bot.store.database import Store
from bot.store.leases import Leases
from bot.store.opening import open_store
from tests.fakes.clock import Clock
from tests.fakes.postgres import Postgres

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def cipher(*keys: str, file: Path = Path("unused")) -> TokenCipher:
    return TokenCipher(keys, file, shared=True)


@pytest.fixture
def backend() -> str:
    """Several processes share PostgreSQL alone."""
    return "postgresql"


async def test_a_process_with_another_key_is_refused(store: Store) -> None:
    await store_key.agree(store, cipher(OLD))
    await store_key.agree(store, cipher(OLD))
    with pytest.raises(TokensUnreadable, match=r"set the key that the other processes have") as caught:
        await store_key.agree(store, cipher(OTHER))
    [name], [other] = cipher(OLD).names, cipher(OTHER).names
    assert name in str(caught.value)
    assert other in str(caught.value)
    assert not any(key in str(caught.value) for key in (OLD, OTHER)), "a key is shown to nobody"
    finding = await store_checks.encryption_key(store, cipher(OTHER))
    assert finding.problem.endswith(f"PAPERBOY_ENCRYPTION_KEYS names {other}.")
    assert finding.mend.startswith("Set the key")
    assert (await store_checks.encryption_key(store, cipher(OLD))).mend.startswith(f"It is the key {name}")


async def test_a_key_is_changed_while_processes_run(store: Store) -> None:
    """First every process gets the new key behind the old one, then before it, and then the old one goes."""
    for keys in ((OLD,), (OLD, NEW), (NEW, OLD), (OLD, NEW), (NEW, OLD), (NEW,)):
        await store_key.agree(store, cipher(*keys))
    with pytest.raises(TokensUnreadable):
        await store_key.agree(store, cipher(OLD))


async def test_the_key_is_not_made_where_processes_share_the_store(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    with pytest.raises(TokensUnreadable, match=r"set PAPERBOY_ENCRYPTION_KEYS to a new one, as `openssl rand"):
        await store_key.agree(store, cipher(file=file))
    assert not file.exists()
    file.write_text(OLD)
    with pytest.raises(TokensUnreadable, match=r"to the one in .*encryption\.key, which an earlier start made"):
        await store_key.agree(store, cipher(file=file))
    finding = await store_checks.encryption_key(store, cipher(file=file))
    assert (finding.problem, finding.mend[:4]) == (
        "Processes that share a PostgreSQL store share one encryption key.",
        "Set ",
    )


async def test_on_sqlite_the_key_is_noted_and_may_be_another_one(sqlite_store: Store, tmp_path: Path) -> None:
    made = TokenCipher((), tmp_path / "encryption.key")
    for each in (made, TokenCipher((NEW,), tmp_path / "unused")):
        await store_key.agree(sqlite_store, each)
        assert await store_key.check(sqlite_store, each) == each.names[0]


async def test_a_token_that_another_process_renews_is_not_replaced_by_the_old_one(store: Store) -> None:
    clock = Clock()
    lab = Installation("T1", clock(), token="xoxb-1", refresh_token="xoxe-1", expires_at=clock() + timedelta(hours=1))
    renewed = replace(lab, token="xoxb-2", refresh_token="xoxe-2", expires_at=clock() + timedelta(hours=12))
    stored = StoredInstallations(store, cipher(OLD), clock, "slack")
    await stored.put(lab)
    async with store.read() as tx:
        [row] = await installations.tokens(tx)
    assert await stored.renew(lab, renewed)
    async with store.write() as tx:
        assert not await installations.replace_tokens(tx, *row, "old", "old")
    assert await stored.get("T1") == renewed
    assert await StoredInstallations(store, cipher(NEW, OLD), clock, "slack").reencrypt() == 1
    assert await StoredInstallations(store, cipher(NEW), clock, "slack").get("T1") == renewed


async def test_run_asks_for_the_key_where_a_platform_keeps_secrets(store: Store, store_url: str) -> None:
    mail = {"PAPERBOY_EMAIL__SMTP_URL": "smtp://127.0.0.1:9", "PAPERBOY_WEB__PUBLIC_URL": "https://papers.example.org"}
    with pytest.raises(TokensUnreadable, match="set PAPERBOY_ENCRYPTION_KEYS"):
        await prepared(load(None, mail | {"PAPERBOY_DATABASE_URL": store_url}), store, Leases(store))
    assert await prepared(load(None, {"PAPERBOY_DATABASE_URL": store_url}), store, Leases(store)) == {}


async def test_each_ticket_is_good_for_one_process(store_url: str, postgres: Postgres) -> None:
    stores = [await open_store(store_url) for _ in range(2)]
    try:
        one, other = (StoredInstallations(each, cipher(OLD), Clock(), "slack") for each in stores)
        state = await one.issue_state()
        assert [await other.consume_state(state), await one.consume_state(state)] == [True, False]
    finally:
        for each in stores:
            await each.close()
