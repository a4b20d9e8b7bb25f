"""What is true of the store itself."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import facts


async def get(tx: AsyncConnection, name: str) -> str | None:
    """The value of a fact, None when nobody has set it."""
    return (await tx.execute(sa.select(facts.c.value).where(facts.c.name == name))).scalar_one_or_none()


async def put(tx: AsyncConnection, name: str, value: str) -> None:
    """Set a fact."""
    changed = await tx.execute(sa.update(facts).where(facts.c.name == name).values(value=value))
    if not changed.rowcount:
        await tx.execute(sa.insert(facts).values(name=name, value=value))


async def store_id(tx: AsyncConnection) -> str:
    """What tells this store from any other, and from itself after a backup was restored. Needs a write transaction."""
    known = await get(tx, "store_id")
    if known is None:
        known = uuid4().hex
        await put(tx, "store_id", known)
    return known


async def next_revision(tx: AsyncConnection) -> int:
    """Count one more change to the papers. The row stays locked until commit, so counts become visible in order."""
    changed = await tx.execute(
        sa.update(facts)
        .where(facts.c.name == "revision")
        .values(value=sa.cast(sa.cast(facts.c.value, sa.BigInteger) + 1, sa.Text))
        .returning(facts.c.value)
    )
    value = changed.scalar_one_or_none()
    if value is None:
        await put(tx, "revision", "1")
        return 1
    return int(value)
