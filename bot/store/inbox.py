"""Events from platforms: recorded before they are acknowledged, and processed exactly once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.states import InboxState
from bot.store.tables import inbox, insert_new

_BATCH = 500
"""Events that one statement reads or deletes: a few milliseconds."""


async def receive(
    tx: AsyncConnection,
    platform: str,
    event_id: str,
    body: dict[str, Any],
    now: datetime,
    member: str = "",
    *,
    done: bool = False,
) -> bool:
    """Record an event that a member made; False when it is recorded already. If it is `done`, this transaction also
    processes it, and its body is not stored."""
    row = {
        "platform": platform,
        "event_id": event_id,
        "state": InboxState.DONE if done else InboxState.RECEIVED,
        "body": {} if done else body,
        "attempts": 0,
        "reason": "",
        "received_at": now,
        "member_hash": _hashed(platform, member),
    }
    new = await tx.execute(insert_new(tx, inbox), row)
    return bool(new.rowcount)


async def unfinished(
    tx: AsyncConnection, limit: int = 1_000, *, untried: bool = False
) -> list[tuple[str, str, dict[str, Any]]]:
    """Events that were not processed to the end, the oldest first: (platform, event id, body). With `untried`, without
    those that failed before."""
    are_wanted = [inbox.c.state == InboxState.RECEIVED, *([inbox.c.attempts == 0] if untried else [])]
    rows = await tx.execute(
        sa.select(inbox.c.platform, inbox.c.event_id, inbox.c.body)
        .where(*are_wanted)
        .order_by(inbox.c.received_at, inbox.c.event_id)
        .limit(limit)
    )
    return [(row.platform, row.event_id, row.body) for row in rows]


async def waiting(tx: AsyncConnection, platform: str, event_id: str) -> dict[str, Any] | None:
    """The body of an event that is not processed yet; None if it is done, or was deleted."""
    is_received = (inbox.c.platform == platform, inbox.c.event_id == event_id, inbox.c.state == InboxState.RECEIVED)
    body: dict[str, Any] | None = (await tx.execute(sa.select(inbox.c.body).where(*is_received))).scalar_one_or_none()
    return body


async def reopen(tx: AsyncConnection, platform: str, event_id: str, body: dict[str, Any]) -> None:
    """Mark an event that was recorded as done as unprocessed, with the body to process it from."""
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
        .values(state=InboxState.RECEIVED, body=body)
    )


async def finish(tx: AsyncConnection, platform: str, event_id: str) -> None:
    """Mark an event as processed, in the transaction that processes it. Its body is no longer needed."""
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
        .values(state=InboxState.DONE, body={})
    )


async def record_failure(tx: AsyncConnection, platform: str, event_id: str, reason: str, tries: int) -> bool:
    """Record that processing an event failed; True if that was the last of so many attempts."""
    row = (
        await tx.execute(
            sa.update(inbox)
            .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
            .values(attempts=inbox.c.attempts + 1, reason=reason)
            .returning(inbox.c.attempts)
        )
    ).one_or_none()
    if row is None:  # deleted in the meantime, with all events of its member
        return True
    if row.attempts < tries:
        return False
    await tx.execute(
        sa.update(inbox)
        .where(inbox.c.platform == platform, inbox.c.event_id == event_id)
        .values(state=InboxState.FAILED)
    )
    return True


async def purge(tx: AsyncConnection, done_before: datetime, failed_before: datetime) -> bool:
    """Delete some finished events that no platform repeats any more, and some that failed long ago; False when none are
    left."""
    is_old = sa.or_(
        sa.and_(inbox.c.state == InboxState.DONE, inbox.c.received_at < done_before),
        sa.and_(inbox.c.state == InboxState.FAILED, inbox.c.received_at < failed_before),
    )
    key = sa.tuple_(inbox.c.platform, inbox.c.event_id)
    batch = sa.select(inbox.c.platform, inbox.c.event_id).where(is_old).limit(_BATCH)
    return bool((await tx.execute(sa.delete(inbox).where(key.in_(batch)))).rowcount)


async def forget(tx: AsyncConnection, platform: str, member: str) -> int:
    """Delete the events that a member made, and unprocessed events that name the member. Returns their number."""
    by_member = inbox.c.member_hash == _hashed(platform, member)
    deleted = (await tx.execute(sa.delete(inbox).where(inbox.c.platform == platform, by_member))).rowcount
    pattern = re.compile(rf"(?<!\w){re.escape(json.dumps(member, ensure_ascii=False)[1:-1])}(?!\w)")

    def names_member(event_id: str, body: dict[str, Any]) -> bool:
        return bool(pattern.search(event_id) or pattern.search(json.dumps(body, ensure_ascii=False)))

    return int(deleted) + await _forget_unfinished(tx, platform, names_member)


async def forget_workspace(tx: AsyncConnection, platform: str, workspace: str) -> int:
    """Delete the unprocessed events of a workspace. Returns their number."""
    return await _forget_unfinished(
        tx, platform, lambda _, body: (body.get("place") or {}).get("workspace") == workspace
    )


async def _forget_unfinished(tx: AsyncConnection, platform: str, matches: Callable[[str, dict[str, Any]], bool]) -> int:
    """Delete the matching events that are not finished; of a finished event only the id is stored. They are few, but
    are read in batches, since a transaction lets the loop turn between two statements."""
    deleted, after = 0, ""
    while True:
        events = (
            await tx.execute(
                sa.select(inbox.c.event_id, inbox.c.body)
                .where(inbox.c.platform == platform, inbox.c.event_id > after)
                .where(inbox.c.state.in_([InboxState.RECEIVED, InboxState.FAILED]))
                .order_by(inbox.c.event_id)
                .limit(_BATCH)
            )
        ).all()
        if not events:
            return deleted
        after = events[-1].event_id
        for event in events:
            if matches(event.event_id, event.body):
                deletion = sa.delete(inbox).where(inbox.c.platform == platform, inbox.c.event_id == event.event_id)
                deleted += (await tx.execute(deletion)).rowcount


def _hashed(platform: str, member: str) -> str | None:
    """A hash of a member: their events can be found, and the row names nobody. None if there is no member."""
    return sha256(f"{platform}:{member}".encode(errors="replace")).hexdigest() if member else None
