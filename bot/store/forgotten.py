"""What was deleted for good, so that a restored backup of an earlier time does not bring it back.

Members, mail subscriptions and workspaces that were forgotten are remembered as salted hashes for a year. Whoever holds
the store can test a guess, and reads no name.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import forgotten, insert_new

KEPT = timedelta(days=366)
"""How long it is remembered that something was forgotten. Older backups must not be kept."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One member who was forgotten, or a whole workspace (`member` is ""). Without a workspace the member was forgotten
    in all of them."""

    platform: str
    workspace: str | None
    salt: str
    member_hash: str
    at: datetime

    def matches(self, platform: str, workspace: str, member: str) -> bool:
        """Whether this is the member of the workspace."""
        is_there = self.platform == platform and self.workspace in (None, workspace)
        return is_there and hmac.compare_digest(self.member_hash, _hash(self.salt, member))


async def record(tx: AsyncConnection, platform: str, workspace: str | None, member: str, now: datetime) -> None:
    """Remember that a member was forgotten, or (with the member "") a workspace. An earlier time is replaced."""
    for each in await every(tx):
        if each.workspace == workspace and each.matches(platform, workspace or "", member):
            await tx.execute(sa.delete(forgotten).where(forgotten.c.member_hash == each.member_hash))
    salt = secrets.token_hex(16)
    await put(tx, [Forgotten(platform, workspace, salt, _hash(salt, member), now)])


async def put(tx: AsyncConnection, rows: Iterable[Forgotten]) -> None:
    """Store rows that are not stored yet."""
    for row in rows:
        values = {column.name: getattr(row, column.name) for column in forgotten.c}
        await tx.execute(insert_new(tx, forgotten).values(values))


async def every(tx: AsyncConnection) -> list[Forgotten]:
    """All that was forgotten, the earliest first."""
    rows = await tx.execute(sa.select(forgotten).order_by(forgotten.c.at, forgotten.c.member_hash))
    return [_forgotten(row) for row in rows]


async def purge(tx: AsyncConnection, now: datetime) -> int:
    """Delete what was remembered for long enough. Returns the number of rows."""
    return int((await tx.execute(sa.delete(forgotten).where(forgotten.c.at < now - KEPT))).rowcount)


def _hash(salt: str, member: str) -> str:
    return sha256(f"{salt} {member}".encode(errors="replace")).hexdigest()


def _forgotten(row: Any) -> Forgotten:
    return Forgotten(row.platform, row.workspace, row.salt, row.member_hash, row.at)
