"""What is true of the store itself."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import facts, insert_new

READ_BACK_AT = "reactions_read_back_at"
"""The fact that says when reactions were last read back; without it they soon are again."""


async def get(tx: AsyncConnection, name: str) -> str | None:
    """The value of a fact, None when nobody has set it."""
    return (await tx.execute(sa.select(facts.c.value).where(facts.c.name == name))).scalar_one_or_none()


async def put(tx: AsyncConnection, name: str, value: str) -> None:
    """Set a fact."""
    new = await tx.execute(insert_new(tx, facts).values(name=name, value=value))
    if not new.rowcount:
        await tx.execute(sa.update(facts).where(facts.c.name == name).values(value=value))


async def forget(tx: AsyncConnection, name: str) -> None:
    """Unset a fact."""
    await tx.execute(sa.delete(facts).where(facts.c.name == name))


async def store_id(tx: AsyncConnection) -> str:
    """What tells this store from any other, and from itself after a backup was restored. Needs a write transaction."""
    known = await get(tx, "store_id")
    if known is None:
        await tx.execute(insert_new(tx, facts).values(name="store_id", value=uuid4().hex))
        known = await get(tx, "store_id")
        assert known is not None
    return known


async def lock_papers(tx: AsyncConnection) -> None:
    """Until commit nobody else records papers: two processes that hear of the same paper do so one after the other."""
    await tx.execute(insert_new(tx, facts).values(name="revision", value="0"))
    await tx.execute(sa.select(facts.c.value).where(facts.c.name == "revision").with_for_update())


async def revision(tx: AsyncConnection) -> int:
    """The count of changes to the papers so far."""
    return int(await get(tx, "revision") or 0)


async def next_revision(tx: AsyncConnection) -> int:
    """Count one more change to the papers; needs `lock_papers`, so counts become visible in order."""
    changed = await tx.execute(
        sa.update(facts)
        .where(facts.c.name == "revision")
        .values(value=sa.cast(sa.cast(facts.c.value, sa.BigInteger) + 1, sa.Text))
        .returning(facts.c.value)
    )
    return int(changed.scalar_one())
