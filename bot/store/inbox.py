"""Events from platforms, written down before they are acknowledged and worked off exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.states import InboxState
from bot.store.tables import inbox, insert_new


async def receive(tx: AsyncConnection, platform: str, event_id: str, body: dict[str, Any], now: datetime) -> bool:
    """Write an event down; False when it is known already."""
    new = await tx.execute(
        insert_new(tx, inbox).values(
            platform=platform,
            event_id=event_id,
            state=InboxState.RECEIVED,
            body=body,
            attempts=0,
            reason="",
            received_at=now,
        )
    )
    return bool(new.rowcount)


async def unfinished(tx: AsyncConnection, limit: int = 1_000) -> list[tuple[str, str, dict[str, Any]]]:
    """Events whose work did not finish, the oldest first: (platform, event id, body)."""
    rows = await tx.execute(
        sa.select(inbox.c.platform, inbox.c.event_id, inbox.c.body)
        .where(inbox.c.state == InboxState.RECEIVED)
        .order_by(inbox.c.received_at, inbox.c.event_id)
        .limit(limit)
    )
    return [(row.platform, row.event_id, row.body) for row in rows]


async def waiting(tx: AsyncConnection, platform: str, event_id: str) -> dict[str, Any] | None:
    """The body of an event whose work is still to be done; None when it is done, or was forgotten."""
    there = (inbox.c.platform == platform, inbox.c.event_id == event_id, inbox.c.state == InboxState.RECEIVED)
    body: dict[str, Any] | None = (await tx.execute(sa.select(inbox.c.body).where(*there))).scalar_one_or_none()
    return body


async def finish(tx: AsyncConnection, platform: str, event_id: str) -> None:
    """The event's work is done; goes into the same transaction as the work. The body is no longer needed."""
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
        .values(state=InboxState.DONE, body={})
    )


async def stumble(tx: AsyncConnection, platform: str, event_id: str, reason: str, tries: int) -> bool:
    """The event's work failed; True when that was the last of so many tries, and it is given up."""
    row = (
        await tx.execute(
            sa.update(inbox)
            .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
            .values(attempts=inbox.c.attempts + 1, reason=reason)
            .returning(inbox.c.attempts)
        )
    ).one_or_none()
    if row is None:  # forgotten in the meantime, with the member it was of
        return True
    if row.attempts < tries:
        return False
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
        .values(state=InboxState.FAILED)
    )
    return True


async def sweep(tx: AsyncConnection, before: datetime) -> int:
    """Forget finished events that no platform will repeat any more."""
    gone = await tx.execute(sa.delete(inbox).where(inbox.c.state == InboxState.DONE, inbox.c.received_at < before))
    return int(gone.rowcount)
