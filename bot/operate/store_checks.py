"""The checks of `paperboy check` that read the store: late digests, what was given up, and PostgreSQL's connections."""

from __future__ import annotations

from datetime import timedelta

from bot.model.text import count
from bot.ports.platform import Clock, Finding
from bot.settings import Settings
from bot.store import counts
from bot.store.database import Store

_LATE = timedelta(minutes=15)
"""A digest may be late by so much where many are due at once."""
_GIVEN_UP_WITHIN = timedelta(days=7)


async def deliveries(store: Store, now: Clock) -> Finding:
    """Check that no due digest waits, and tell what was given up in the last week."""
    async with store.read() as tx:
        waiting = await counts.waiting(tx, now())
        failures = await counts.failures(tx, now() - _GIVEN_UP_WITHIN)
    late = now() - waiting.due_since if waiting.due_since else timedelta(0)
    if late > _LATE:
        digests = "1 digest has" if waiting.due == 1 else f"{waiting.due:,} digests have"
        return Finding(
            f"{digests} not been posted, the oldest for {_duration(late)}.",
            "Is `paperboy run` running? If it is, its log says why; if not, start it: what is not too late is posted.",
        )
    notes = []
    if failures.posts:
        notes.append(f"{count(failures.posts, 'post')} failed within a week, the last because: {failures.reason}.")
    if failures.events:
        notes.append(
            f"{count(failures.events, 'event')} of platforms could not be recorded within a week; see the log."
        )
    return Finding(mend=" ".join(notes))


async def connections(store: Store, settings: Settings) -> Finding:
    """Check that PostgreSQL admits as many connections as this process may open."""
    async with store.read() as tx:
        in_use, admitted = await counts.connections(tx)
    needed = settings.database_connections + 1
    if needed > admitted:
        return Finding(
            f"PostgreSQL admits {admitted} connections, and one process of Paperboy may open {needed}.",
            "Set PAPERBOY_DATABASE_CONNECTIONS lower, or max_connections of PostgreSQL higher.",
        )
    return Finding(
        mend=f"PostgreSQL admits {admitted} connections; {in_use} are open, and a process may have {needed}."
    )


def _duration(late: timedelta) -> str:
    hours = int(late.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return count(hours, "hour") if hours else f"{int(late.total_seconds() // 60)} minutes"
