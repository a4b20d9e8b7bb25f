"""The runs of each source, with their results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.states import RunState
from bot.store.tables import source_runs

ABANDONED = "its process ended before the run did"
"""The reason of a run that was closed later."""
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a source, for the days from `since` to `until`."""

    id: int
    source: str
    state: RunState
    since: date
    until: date
    started_at: datetime
    finished_at: datetime | None
    listed: int
    added: int
    reason: str
    notes: tuple[str, ...]
    memory: dict[str, str]


async def start(tx: AsyncConnection, source: str, since: date, until: date, now: datetime) -> int:
    """Record the start of a run. Returns its id."""
    result = await tx.execute(
        sa.insert(source_runs)
        .values(
            source=source,
            state=RunState.RUNNING,
            since=since,
            until=until,
            started_at=now,
            listed=0,
            added=0,
            reason="",
            notes=[],
            memory={},
        )
        .returning(source_runs.c.id)
    )
    return int(result.scalar_one())


async def begin(
    tx: AsyncConnection, source: str, since: date, until: date, now: datetime, every: timedelta | None = None
) -> int | None:
    """Record the start of a run, and close those whose process ended. Returns its id, None if the source was tried
    within `every`. Needs the lease on the source."""
    if every is not None and not is_due(await latest(tx, source), every, now):
        return None
    abandoned = source_runs.c.source == source, source_runs.c.state == RunState.RUNNING
    closed = {"state": RunState.FAILED, "finished_at": now, "reason": ABANDONED}
    await tx.execute(sa.update(source_runs).where(*abandoned).values(closed))
    return await start(tx, source, since, until, now)


def is_due(last_run: Run | None, every: timedelta, now: datetime) -> bool:
    """Whether a source was last tried longer ago than `every`. A run in the future was made while the clock was wrong;
    the clocks of two processes may differ by minutes."""
    return last_run is None or not now - every < last_run.started_at <= now + _CLOCKS_DIFFER


async def done(
    tx: AsyncConnection,
    run_id: int,
    *,
    listed: int,
    added: int,
    notes: Sequence[str],
    memory: dict[str, str],
    now: datetime,
) -> None:
    """Record that a run succeeded, in the transaction that stores its papers."""
    await tx.execute(
        sa.update(source_runs)
        .where(source_runs.c.id == run_id)
        .values(state=RunState.DONE, finished_at=now, listed=listed, added=added, notes=list(notes), memory=memory)
    )


async def fail(tx: AsyncConnection, run_id: int, reason: str, now: datetime) -> None:
    """Record that a run failed. The next run covers the same days again."""
    await tx.execute(
        sa.update(source_runs)
        .where(source_runs.c.id == run_id)
        .values(state=RunState.FAILED, finished_at=now, reason=reason)
    )


async def latest(tx: AsyncConnection, source: str, state: RunState | None = None) -> Run | None:
    """The last run of a source, or its last run in a state."""
    query = sa.select(source_runs).where(source_runs.c.source == source)
    if state is not None:
        query = query.where(source_runs.c.state == state)
    row = (await tx.execute(query.order_by(source_runs.c.id.desc()).limit(1))).one_or_none()
    return _run(row) if row else None


async def tried_within(tx: AsyncConnection, sources: Sequence[str], every: timedelta, now: datetime) -> set[str]:
    """Those of the sources that are not due, as `is_due` says."""
    in_time = source_runs.c.started_at > now - every, source_runs.c.started_at <= now + _CLOCKS_DIFFER
    rows = await tx.execute(sa.select(source_runs.c.source).distinct().where(*in_time))
    return set(rows.scalars()) & set(sources)


async def latest_finished(tx: AsyncConnection, source: str) -> Run | None:
    """The last run of a source that is over, done or failed."""
    query = sa.select(source_runs).where(source_runs.c.source == source, source_runs.c.state != RunState.RUNNING)
    row = (await tx.execute(query.order_by(source_runs.c.id.desc()).limit(1))).one_or_none()
    return _run(row) if row else None


async def failing(tx: AsyncConnection, sources: Collection[str] | None = None) -> list[Run]:
    """The last finished run of every source, if it failed; with `sources`, of these alone."""
    last = sa.select(sa.func.max(source_runs.c.id)).where(source_runs.c.state != RunState.RUNNING)
    rows = await tx.execute(
        sa.select(source_runs)
        .where(source_runs.c.id.in_(last.group_by(source_runs.c.source)), source_runs.c.state == RunState.FAILED)
        .order_by(source_runs.c.source)
    )
    return [_run(row) for row in rows if sources is None or row.source in sources]


async def last_of_each(tx: AsyncConnection, since: timedelta = timedelta(days=7)) -> list[Run]:
    """The last finished run of every source that was read in the week before the newest run. A source that was
    switched off long ago is not among them."""
    last = sa.select(sa.func.max(source_runs.c.id)).where(source_runs.c.state != RunState.RUNNING)
    rows = await tx.execute(
        sa.select(source_runs)
        .where(source_runs.c.id.in_(last.group_by(source_runs.c.source)))
        .order_by(source_runs.c.source)
    )
    last_runs = [_run(row) for row in rows]
    newest = max((run.started_at for run in last_runs), default=None)
    return [run for run in last_runs if newest and run.started_at >= newest - since]


async def first_started(tx: AsyncConnection, after: datetime, until: datetime) -> tuple[datetime | None, bool]:
    """The start of the first run that began after a moment and not later than another, by clocks that may differ, None
    if none did; and whether any of these runs has not ended."""
    is_running = sa.func.max(sa.case((source_runs.c.state == RunState.RUNNING, 1), else_=0))
    query = sa.select(sa.func.min(source_runs.c.started_at), is_running)
    row = (
        await tx.execute(
            query.where(source_runs.c.started_at > after, source_runs.c.started_at <= until + _CLOCKS_DIFFER)
        )
    ).one()
    return row[0], bool(row[1])


async def last_finished(tx: AsyncConnection, before: datetime | None = None) -> datetime | None:
    """The time at which a run last ended, done or failed; of those that began `before` a moment, if it is given. None
    if none has."""
    query = sa.select(source_runs.c.finished_at).where(source_runs.c.finished_at.is_not(None))
    if before is not None:
        query = query.where(source_runs.c.started_at < before)
    return (await tx.execute(query.order_by(source_runs.c.id.desc()).limit(1))).scalar_one_or_none()


async def notes_of_last(tx: AsyncConnection, sources: Collection[str] | None = None) -> list[str]:
    """The notes of the sources' last successful runs, for the line on a quiet day; with `sources`, of these alone."""
    last = sa.select(sa.func.max(source_runs.c.id)).where(source_runs.c.state == RunState.DONE)
    rows = await tx.execute(
        sa.select(source_runs.c.source, source_runs.c.notes)
        .where(source_runs.c.id.in_(last.group_by(source_runs.c.source)))
        .order_by(source_runs.c.source)
    )
    return [note for row in rows if sources is None or row.source in sources for note in row.notes]


def _run(row: Any) -> Run:
    return Run(
        row.id,
        row.source,
        RunState(row.state),
        row.since,
        row.until,
        row.started_at,
        row.finished_at,
        row.listed,
        row.added,
        row.reason,
        tuple(row.notes),
        dict(row.memory),
    )
