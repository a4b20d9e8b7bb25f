"""Papers that members saved for themselves."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import insert_new, saved


async def put(tx: AsyncConnection, platform: str, workspace: str, member: str, paper_id: str, now: datetime) -> bool:
    """Keep a paper for a member; False when they had it already."""
    new = await tx.execute(
        insert_new(tx, saved).values(platform=platform, workspace=workspace, member=member, paper_id=paper_id, at=now)
    )
    return bool(new.rowcount)


async def remove(tx: AsyncConnection, platform: str, workspace: str, member: str, paper_id: str) -> bool:
    """Drop a saved paper; False when it was not saved."""
    gone = await tx.execute(
        sa.delete(saved).where(
            saved.c.platform == platform,
            saved.c.workspace == workspace,
            saved.c.member == member,
            saved.c.paper_id == paper_id,
        )
    )
    return bool(gone.rowcount)


async def of(tx: AsyncConnection, platform: str, workspace: str, member: str) -> list[tuple[str, datetime]]:
    """A member's saved papers with the time of saving, the latest first."""
    rows = await tx.execute(
        sa.select(saved.c.paper_id, saved.c.at)
        .where(saved.c.platform == platform, saved.c.workspace == workspace, saved.c.member == member)
        .order_by(saved.c.at.desc(), saved.c.paper_id)
    )
    return [(row.paper_id, row.at) for row in rows]
