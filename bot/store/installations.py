"""The workspaces in which the bot is or was installed. Their tokens are encrypted, and are not decrypted here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import forgotten, inbox
from bot.store.contributions import delete_orphans
from bot.store.tables import channels, insert_new, installations, saved

_ACTIVE = (installations.c.revoked_at.is_(None), installations.c.uninstalled_at.is_(None))


def _is(platform: str, workspace: str) -> tuple[sa.ColumnElement[bool], ...]:
    return installations.c.platform == platform, installations.c.workspace == workspace


async def get(tx: AsyncConnection, platform: str, workspace: str) -> dict[str, Any] | None:
    """The row of a workspace; None if there is none."""
    rows = await tx.execute(sa.select(installations).where(*_is(platform, workspace)))
    row = rows.mappings().one_or_none()
    return dict(row) if row else None


async def put(tx: AsyncConnection, platform: str, workspace: str, **values: Any) -> None:
    """Insert or replace a workspace's row; the values are all other columns."""
    new = await tx.execute(insert_new(tx, installations).values(platform=platform, workspace=workspace, **values))
    if not new.rowcount:
        await tx.execute(sa.update(installations).where(*_is(platform, workspace)).values(**values))


async def renew(tx: AsyncConnection, platform: str, workspace: str, expected: datetime, **values: Any) -> bool:
    """Set columns of an active row whose token still expires at the expected time; False if it is another token."""
    is_same = installations.c.expires_at == expected
    changed = await tx.execute(
        sa.update(installations).where(*_is(platform, workspace), *_ACTIVE, is_same).values(**values)
    )
    return bool(changed.rowcount)


async def roll(tx: AsyncConnection, platform: str, workspace: str, now: datetime, since: datetime) -> bool:
    """Record that the roll of a workspace is called; False if it was since then, or if the bot may not act there."""
    is_due = sa.or_(installations.c.rolled_at.is_(None), installations.c.rolled_at <= since)
    rolled = sa.update(installations).where(*_is(platform, workspace), *_ACTIVE, is_due).values(rolled_at=now)
    return bool((await tx.execute(rolled)).rowcount)


async def forget_roll(tx: AsyncConnection, platform: str, workspace: str) -> None:
    """Record that the roll of a workspace must be called again."""
    await tx.execute(sa.update(installations).where(*_is(platform, workspace)).values(rolled_at=None))


async def revoke(
    tx: AsyncConnection, platform: str, workspace: str, at: datetime, installed_until: datetime, *, uninstalled: bool
) -> bool:
    """Record when the token was revoked, or the bot removed, and delete the tokens. An earlier recorded time stays.

    False for an unknown workspace, and for one in which the bot was installed after `installed_until`."""
    column = installations.c.uninstalled_at if uninstalled else installations.c.revoked_at
    ended = await tx.execute(
        sa.update(installations)
        .where(*_is(platform, workspace), installations.c.installed_at <= installed_until)
        .values({column.name: sa.func.coalesce(column, at), "token": "", "refresh_token": "", "expires_at": None})
    )
    return bool(ended.rowcount)


async def has_ended(tx: AsyncConnection, platform: str, workspace: str) -> bool:
    """Whether a workspace removed the bot, or its token was revoked; False for an unknown workspace."""
    row = await get(tx, platform, workspace)
    return row is not None and (row["uninstalled_at"] is not None or row["revoked_at"] is not None)


async def active(tx: AsyncConnection, platform: str, expiring_before: datetime | None = None) -> list[str]:
    """The workspaces in which the bot may act, or those of them whose tokens expire before a moment."""
    query = sa.select(installations.c.workspace).where(installations.c.platform == platform, *_ACTIVE)
    if expiring_before is not None:
        query = query.where(installations.c.expires_at < expiring_before)
    return list((await tx.execute(query.order_by(installations.c.workspace))).scalars())


async def tokens(tx: AsyncConnection) -> list[tuple[str, str, str, str]]:
    """Every installation with tokens: (platform, workspace, token, refresh token), both encrypted."""
    has_token = sa.or_(installations.c.token != "", installations.c.refresh_token != "")
    columns = (installations.c[name] for name in ("platform", "workspace", "token", "refresh_token"))
    return [(*row,) for row in await tx.execute(sa.select(*columns).where(has_token))]


async def replace_tokens(
    tx: AsyncConnection, platform: str, workspace: str, token: str, refresh_token: str, new_token: str, new_refresh: str
) -> bool:
    """Replace both encrypted tokens; False if another process has put others in their place meanwhile."""
    are_same = installations.c.token == token, installations.c.refresh_token == refresh_token
    values = {"token": new_token, "refresh_token": new_refresh}
    changed = await tx.execute(sa.update(installations).where(*_is(platform, workspace), *are_same).values(**values))
    return bool(changed.rowcount)


async def uninstalled_before(tx: AsyncConnection, before: datetime) -> list[tuple[str, str]]:
    """The workspaces that removed the bot before a moment: (platform, workspace)."""
    rows = await tx.execute(
        sa.select(installations.c.platform, installations.c.workspace).where(installations.c.uninstalled_at < before)
    )
    return [(row.platform, row.workspace) for row in rows]


async def delete(tx: AsyncConnection, platform: str, workspace: str, now: datetime) -> int:
    """`delete_rows`, and remember that, so that a restored backup does not bring them back."""
    await forgotten.record(tx, platform, workspace, "", now)
    return await delete_rows(tx, platform, workspace)


async def delete_rows(tx: AsyncConnection, platform: str, workspace: str) -> int:
    """Delete a workspace with its channels and all of their rows, the saved papers of its members, and its unprocessed
    events. Returns the number of deleted rows; the rows of channels are not counted."""
    deleted = 0
    for table in (channels, saved, installations):
        deletion = sa.delete(table).where(table.c.platform == platform, table.c.workspace == workspace)
        deleted += (await tx.execute(deletion)).rowcount
    await delete_orphans(tx)
    return deleted + await inbox.forget_workspace(tx, platform, workspace)
