"""Workspaces that the bot is or was installed in. Tokens come and go encrypted: nothing here can decrypt them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import inbox
from bot.store.contributions import delete_orphans
from bot.store.tables import channels, insert_new, installations, saved

_ACTIVE = (installations.c.revoked_at.is_(None), installations.c.uninstalled_at.is_(None))


def _there(platform: str, workspace: str) -> tuple[sa.ColumnElement[bool], ...]:
    return installations.c.platform == platform, installations.c.workspace == workspace


async def get(tx: AsyncConnection, platform: str, workspace: str) -> dict[str, Any] | None:
    """The row of a workspace."""
    rows = await tx.execute(sa.select(installations).where(*_there(platform, workspace)))
    row = rows.mappings().one_or_none()
    return dict(row) if row else None


async def put(tx: AsyncConnection, platform: str, workspace: str, **values: Any) -> None:
    """Insert or replace a workspace's row; the values are all other columns."""
    new = await tx.execute(insert_new(tx, installations).values(platform=platform, workspace=workspace, **values))
    if not new.rowcount:
        await tx.execute(sa.update(installations).where(*_there(platform, workspace)).values(**values))


async def renew(tx: AsyncConnection, platform: str, workspace: str, known_end: datetime, **values: Any) -> bool:
    """Set columns of an active row whose token still has the known expiry; False if it has another."""
    same = installations.c.expires_at == known_end
    changed = await tx.execute(
        sa.update(installations).where(*_there(platform, workspace), *_ACTIVE, same).values(**values)
    )
    return bool(changed.rowcount)


async def revoke(
    tx: AsyncConnection, platform: str, workspace: str, at: datetime, installed_until: datetime, *, uninstalled: bool
) -> bool:
    """Note when its token died, or the bot was removed, if it was not installed after another moment; the first word
    stands. The tokens go: nothing is left to be stolen. False for a workspace unknown, or installed later."""
    column = installations.c.uninstalled_at if uninstalled else installations.c.revoked_at
    ended = await tx.execute(
        sa.update(installations)
        .where(*_there(platform, workspace), installations.c.installed_at <= installed_until)
        .values({column.name: sa.func.coalesce(column, at), "token": "", "refresh_token": "", "expires_at": None})
    )
    return bool(ended.rowcount)


async def has_ended(tx: AsyncConnection, platform: str, workspace: str) -> bool:
    """Whether a workspace removed the bot, or its token was revoked; False for an unknown workspace."""
    row = await get(tx, platform, workspace)
    return row is not None and (row["uninstalled_at"] is not None or row["revoked_at"] is not None)


async def active(tx: AsyncConnection, platform: str, expiring_before: datetime | None = None) -> list[str]:
    """The workspaces that the bot may act in; only those whose tokens end before a moment, where one is given."""
    query = sa.select(installations.c.workspace).where(installations.c.platform == platform, *_ACTIVE)
    if expiring_before is not None:
        query = query.where(installations.c.expires_at < expiring_before)
    return list((await tx.execute(query.order_by(installations.c.workspace))).scalars())


async def sealed(tx: AsyncConnection) -> list[tuple[str, str, str, str]]:
    """Every installation with tokens: (platform, workspace, token, refresh token), both sealed."""
    held = sa.or_(installations.c.token != "", installations.c.refresh_token != "")
    columns = (installations.c[name] for name in ("platform", "workspace", "token", "refresh_token"))
    return [(*row,) for row in await tx.execute(sa.select(*columns).where(held))]


async def seal_anew(tx: AsyncConnection, platform: str, workspace: str, **values: str) -> None:
    """Put newly sealed tokens in the place of the same tokens."""
    await tx.execute(sa.update(installations).where(*_there(platform, workspace)).values(**values))


async def uninstalled_before(tx: AsyncConnection, before: datetime) -> list[tuple[str, str]]:
    """The (platform, workspace)s that removed the bot before a moment."""
    rows = await tx.execute(
        sa.select(installations.c.platform, installations.c.workspace).where(installations.c.uninstalled_at < before)
    )
    return [(row.platform, row.workspace) for row in rows]


async def delete(tx: AsyncConnection, platform: str, workspace: str) -> int:
    """Delete a workspace and all that is known of it: channels with all that hangs on them, what its members saved,
    events not worked off. How many rows went, those that hang on channels not counted."""
    deleted = 0
    for table in (channels, saved, installations):
        of_it = sa.delete(table).where(table.c.platform == platform, table.c.workspace == workspace)
        deleted += (await tx.execute(of_it)).rowcount
    await delete_orphans(tx)
    return deleted + await inbox.forget_workspace(tx, platform, workspace)
