"""The secret links to channels' pages. Whoever has the address of such a page may read it.

A channel has at most one link that works: a new one replaces it. Only the hash of a link's secret is stored, so nobody
who reads the store or a backup gets a working link.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import channels, links

_SECRET_BYTES = 32
_MOST_KEPT = 20
"""Links of one channel that are remembered. A revoked link that is forgotten is answered as any wrong address."""


@dataclass(frozen=True, slots=True)
class ChannelLink:
    """A link to a channel's page, without its secret. It works until `revoked_at`."""

    channel_id: int
    made_by: str
    made_at: datetime
    revoked_at: datetime | None

    @property
    def works(self) -> bool:
        """Whether the link was neither revoked nor replaced."""
        return self.revoked_at is None


async def make(tx: AsyncConnection, channel_id: int, made_by: str, now: datetime) -> str | None:
    """Make a link to a channel's page, and revoke the one that it had. Returns the secret (43 characters of base64url),
    None if the channel is gone."""
    # The lock makes two makers take turns, so that only one of their links works.
    channel = sa.select(channels.c.id).where(channels.c.id == channel_id).with_for_update(key_share=True)
    if (await tx.execute(channel)).one_or_none() is None:
        return None
    await revoke(tx, channel_id, now)
    token = secrets.token_urlsafe(_SECRET_BYTES)
    row = {"token_hash": token_hash(token), "channel_id": channel_id, "made_by": made_by, "made_at": now}
    await tx.execute(sa.insert(links).values(row))
    latest = sa.select(links.c.token_hash).where(links.c.channel_id == channel_id)
    latest = latest.order_by(links.c.revoked_at.is_(None).desc(), links.c.made_at.desc()).limit(_MOST_KEPT)
    is_old = links.c.channel_id == channel_id, links.c.token_hash.not_in(latest)
    await tx.execute(sa.delete(links).where(*is_old))
    return token


async def find(tx: AsyncConnection, token: str) -> ChannelLink | None:
    """The link with this secret, also if it was revoked; None if there is none."""
    return await with_hash(tx, token_hash(token))


async def with_hash(tx: AsyncConnection, secret_hash: str) -> ChannelLink | None:
    """The link whose secret has this hash, also if it was revoked; None if there is none."""
    row = (await tx.execute(sa.select(links).where(links.c.token_hash == secret_hash))).one_or_none()
    return _link(row) if row else None


async def standing(tx: AsyncConnection, channel_id: int) -> ChannelLink | None:
    """The link to a channel's page that works; None if there is none."""
    return next((link for link in await for_channel(tx, channel_id) if link.works), None)


async def for_channel(tx: AsyncConnection, channel_id: int) -> list[ChannelLink]:
    """The links of a channel, the oldest first."""
    query = sa.select(links).where(links.c.channel_id == channel_id)
    rows = await tx.execute(query.order_by(links.c.made_at, links.c.token_hash))
    return [_link(row) for row in rows]


async def revoke(tx: AsyncConnection, channel_id: int, now: datetime) -> bool:
    """End the link to a channel's page at once; False if it has none that works."""
    is_standing = links.c.channel_id == channel_id, links.c.revoked_at.is_(None)
    revoked = await tx.execute(sa.update(links).where(*is_standing).values(revoked_at=now))
    return bool(revoked.rowcount)


async def revoked(tx: AsyncConnection) -> dict[str, datetime]:
    """When each link was revoked that works no more, by the hash of its secret."""
    rows = await tx.execute(sa.select(links.c.token_hash, links.c.revoked_at).where(links.c.revoked_at.is_not(None)))
    return {row.token_hash: row.revoked_at for row in rows}


async def revoke_again(tx: AsyncConnection, revoked_at: Mapping[str, datetime]) -> int:
    """Revoke links by the hashes of their secrets, in a store that was restored from a time when they worked. Returns
    their number."""
    count = 0
    for secret_hash, at in revoked_at.items():
        works = links.c.token_hash == secret_hash, links.c.revoked_at.is_(None)
        count += (await tx.execute(sa.update(links).where(*works).values(revoked_at=at))).rowcount
    return count


async def count_standing(tx: AsyncConnection) -> int:
    """The number of links that work, of all channels."""
    query = sa.select(sa.func.count()).select_from(links).where(links.c.revoked_at.is_(None))
    return int((await tx.execute(query)).scalar_one())


def token_hash(token: str) -> str:
    """The hash under which the store knows a link's secret."""
    return sha256(token.encode(errors="replace")).hexdigest()


def _link(row: Any) -> ChannelLink:
    return ChannelLink(row.channel_id, row.made_by, row.made_at, row.revoked_at)
