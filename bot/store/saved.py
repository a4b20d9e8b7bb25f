"""Papers that members saved for themselves."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import insert_new, saved


async def put(tx: AsyncConnection, platform: str, workspace: str, member: str, paper_id: str, now: datetime) -> bool:
    """Save a paper for a member; False when it is saved already."""
    new = await tx.execute(
        insert_new(tx, saved).values(platform=platform, workspace=workspace, member=member, paper_id=paper_id, at=now)
    )
    return bool(new.rowcount)


async def remove(tx: AsyncConnection, platform: str, workspace: str | None, member: str, paper_id: str) -> bool:
    """Delete a saved paper, in all workspaces if none is given; False when it was not saved."""
    of_member = _of_member(platform, workspace, member)
    result = await tx.execute(sa.delete(saved).where(*of_member, saved.c.paper_id == paper_id))
    return bool(result.rowcount)


async def for_member(
    tx: AsyncConnection, platform: str, workspace: str | None, member: str
) -> list[tuple[str, datetime]]:
    """A member's saved papers with the time of saving, the latest first; in all workspaces if none is given."""
    last = sa.func.max(saved.c.at, type_=saved.c.at.type)
    rows = await tx.execute(
        sa.select(saved.c.paper_id, last.label("at"))
        .where(*_of_member(platform, workspace, member))
        .group_by(saved.c.paper_id)
        .order_by(last.desc(), saved.c.paper_id)
    )
    return [(row.paper_id, row.at) for row in rows]


def _of_member(platform: str, workspace: str | None, member: str) -> list[sa.ColumnElement[bool]]:
    in_workspace = [] if workspace is None else [saved.c.workspace == workspace]
    return [saved.c.platform == platform, *in_workspace, saved.c.member == member]
