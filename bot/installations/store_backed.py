"""Stores the installations of a platform, with encrypted tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from bot.installations.encryption import TokenCipher
from bot.ports.installations import Installation
from bot.ports.platform import Clock
from bot.store import inbox, installations
from bot.store.database import Store

STATE_LIFETIME = timedelta(minutes=10)
_STATE = "ticket "


class StoredInstallations:
    """Implements `bot.ports.installations.Installations` for one platform."""

    def __init__(self, store: Store, cipher: TokenCipher, clock: Clock, platform: str) -> None:
        self._store, self._cipher, self._clock, self._platform = store, cipher, clock, platform

    async def check(self) -> None:
        """Raises TokensUnreadable when a token in the store can't be decrypted."""
        async with self._store.read() as tx:
            rows = await installations.tokens(tx)
        for _, _, *tokens in rows:
            for token in filter(None, tokens):
                self._cipher.decrypt(token)

    async def count_old_keys(self) -> int:
        """The number of workspaces whose tokens were not encrypted with the first key."""
        async with self._store.read() as tx:
            return sum(not self._have_first_key(tokens) for _, _, *tokens in await installations.tokens(tx))

    async def reencrypt(self) -> int:
        """Encrypt all tokens with the first key, so that older keys can go. Returns the number of workspaces changed.

        Raises TokensUnreadable, and then nothing was changed.
        """
        if not await self.count_old_keys():
            return 0
        async with self._store.write() as tx:
            old = [row for row in await installations.tokens(tx) if not self._have_first_key(row[2:])]
            return sum([await installations.replace_tokens(tx, *row, *map(self._rotated, row[2:])) for row in old])

    def _rotated(self, token: str) -> str:
        return self._cipher.rotate(token) if token else ""

    def _have_first_key(self, tokens: Iterable[str]) -> bool:
        return all(self._cipher.uses_first_key(token) for token in tokens if token)

    async def get(self, workspace: str) -> Installation | None:
        """The installation of a workspace; None if the bot was never there. Raises TokensUnreadable."""
        async with self._store.read() as tx:
            row = await installations.get(tx, self._platform, workspace)
        if row is None:
            return None
        values = {name: value for name, value in row.items() if name not in ("platform", "rolled_at")}
        secrets = {name: self._cipher.decrypt(row[name]) if row[name] else "" for name in ("token", "refresh_token")}
        return Installation(**{**values, **secrets, "scopes": tuple(row["scopes"])})

    async def put(self, installation: Installation) -> None:
        """Store an installation. It replaces an earlier one of the same workspace."""
        values = {name: getattr(installation, name) for name in Installation.__slots__ if name != "workspace"}
        async with self._store.write() as tx:
            values |= {**self._encrypted(installation), "rolled_at": None}
            await installations.put(tx, self._platform, installation.workspace, **values)

    async def renew(self, old: Installation, renewed: Installation) -> bool:
        """Replace the old token with the renewed one; False if the old token is no longer the stored one."""
        if old.expires_at is None:
            return False
        values = {"expires_at": renewed.expires_at, **self._encrypted(renewed)}
        async with self._store.write() as tx:
            return await installations.renew(tx, self._platform, old.workspace, old.expires_at, **values)

    async def end(
        self, workspace: str, at: datetime, *, uninstalled: bool, installed_until: datetime | None = None
    ) -> bool:
        """Record that the token was revoked or the bot removed. False if the bot was installed again after that time,
        or after `installed_until`."""
        until = installed_until or at
        async with self._store.write() as tx:
            return await installations.revoke(tx, self._platform, workspace, at, until, uninstalled=uninstalled)

    async def alive(self) -> list[str]:
        """The workspaces in which the bot may act."""
        async with self._store.read() as tx:
            return await installations.active(tx, self._platform)

    async def ending(self, before: datetime) -> list[str]:
        """The workspaces in which the bot may act, and whose tokens expire before a time."""
        async with self._store.read() as tx:
            return await installations.active(tx, self._platform, before)

    async def begin_roll_call(self, workspace: str, since: datetime) -> bool:
        """Begin to list the channels that the bot is in; False if a process has begun that since then, or if the bot
        is not installed there."""
        async with self._store.write() as tx:
            return await installations.roll(tx, self._platform, workspace, self._clock(), since)

    async def end_roll_call(self, workspace: str) -> None:
        """Record that a roll call failed: the next one may begin at once."""
        async with self._store.write() as tx:
            await installations.forget_roll(tx, self._platform, workspace)

    async def issue_state(self) -> str:
        """A new OAuth `state`, valid for ten minutes."""
        return self._cipher.encrypt(_STATE + token_urlsafe(16), self._clock())

    async def consume_state(self, state: str) -> bool:
        """Whether an OAuth `state` was issued here and is unused. Each is good for one use, also after a restart."""
        now = self._clock()
        value = self._cipher.decrypt_fresh(state, now, STATE_LIFETIME)
        if not value.startswith(_STATE):
            return False
        # A used state is remembered like an event: longer than it is valid, and only as a hash.
        used = f"ticket:{sha256(value.encode()).hexdigest()}"
        async with self._store.write() as tx:
            return await inbox.receive(tx, self._platform, used, {}, now, done=True)

    def _encrypted(self, installation: Installation) -> dict[str, Any]:
        now = self._clock()
        secrets = {"token": installation.token, "refresh_token": installation.refresh_token}
        return {name: self._cipher.encrypt(secret, now) if secret else "" for name, secret in secrets.items()}
