"""Key and value pairs about the store itself, in the table `facts`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import facts, insert_new

RESTORED_AT = "restored_at"
"""The key for the time of a restore. It is deleted once the sources have been read since."""


async def get(tx: AsyncConnection, name: str) -> str | None:
    """The value of a key, None if it is not set."""
    return (await tx.execute(sa.select(facts.c.value).where(facts.c.name == name))).scalar_one_or_none()


async def put(tx: AsyncConnection, name: str, value: str) -> None:
    """Set the value of a key."""
    new = await tx.execute(insert_new(tx, facts).values(name=name, value=value))
    if not new.rowcount:
        await tx.execute(sa.update(facts).where(facts.c.name == name).values(value=value))


async def put_first(tx: AsyncConnection, name: str, value: str) -> str:
    """Set the value of a key unless it has one. Returns the value that it has now."""
    await tx.execute(insert_new(tx, facts).values(name=name, value=value))
    existing = await get(tx, name)
    assert existing is not None
    return existing


async def raise_to(tx: AsyncConnection, name: str, value: str, order: Callable[[str], Any]) -> None:
    """Set the value of a key, unless it has a greater one. `order` is what the values are compared by."""
    await tx.execute(insert_new(tx, facts).values(name=name, value=value))
    row = sa.select(facts.c.value).where(facts.c.name == name).with_for_update()
    if order((await tx.execute(row)).scalar_one()) < order(value):
        await put(tx, name, value)


async def forget(tx: AsyncConnection, name: str) -> None:
    """Delete a key."""
    await tx.execute(sa.delete(facts).where(facts.c.name == name))


async def store_id(tx: AsyncConnection) -> str:
    """The id of this store, which changes when a backup is restored. Needs a write transaction."""
    return await get(tx, "store_id") or await put_first(tx, "store_id", uuid4().hex)


async def site_id(tx: AsyncConnection) -> str:
    """The name of this site in the ids of its feeds. It stays the same when a backup is restored. Needs a write
    transaction."""
    return await put_first(tx, "site_id", uuid4().hex)


async def lock_papers(tx: AsyncConnection) -> None:
    """Lock papers until commit: two processes that record the same paper do so one after the other."""
    await tx.execute(insert_new(tx, facts).values(name="revision", value="0"))
    await tx.execute(sa.select(facts.c.value).where(facts.c.name == "revision").with_for_update())


async def revision(tx: AsyncConnection) -> int:
    """The revision of the papers: the count of changes to them so far."""
    return int(await get(tx, "revision") or 0)


async def next_revision(tx: AsyncConnection) -> int:
    """Increment the revision of the papers. Needs `lock_papers`, so that revisions become visible in order."""
    changed = await tx.execute(
        sa.update(facts)
        .where(facts.c.name == "revision")
        .values(value=sa.cast(sa.cast(facts.c.value, sa.BigInteger) + 1, sa.Text))
        .returning(facts.c.value)
    )
    return int(changed.scalar_one())
