"""The store's encryption key: all processes that share a store must have it, and the store knows its public name."""

from __future__ import annotations

from bot.installations.encryption import TokenCipher, TokensUnreadable
from bot.store import metadata
from bot.store.database import Store

STORE_KEY = "encryption_key"
"""The metadata key for the public name of the key that encrypts."""


async def agree(store: Store, cipher: TokenCipher) -> None:
    """Agree with the other processes on the key. The first process names it, and a process that has it among its keys
    may put another one in front. Raises TokensUnreadable for a process without it.

    On SQLite one bot serves the store, and the key that it has is noted for the day on which the store moves.
    """
    names = cipher.names
    async with store.write() as tx:
        agreed = await metadata.put_first(tx, STORE_KEY, names[0])
        if agreed not in names and not store.is_sqlite:
            raise TokensUnreadable(_other_key(agreed, names))
        if agreed != names[0]:
            await metadata.put(tx, STORE_KEY, names[0])


async def check(store: Store, cipher: TokenCipher) -> str:
    """The public name of the key that the processes agreed on, or would. Raises TokensUnreadable for a process that has
    none or another one."""
    names = cipher.names
    async with store.read() as tx:
        agreed = await metadata.get(tx, STORE_KEY) or names[0]
    if agreed not in names:
        raise TokensUnreadable(_other_key(agreed, names))
    return agreed


def _other_key(agreed: str, names: tuple[str, ...]) -> str:
    return (
        f"The secrets in this store are encrypted with the key {agreed}, and PAPERBOY_ENCRYPTION_KEYS names "
        f"{', '.join(names)}: set the key that the other processes have, or add it after the new one."
    )
