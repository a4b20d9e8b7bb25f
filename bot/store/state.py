"""The state of the store, for caches: as long as it is the same, every answer about papers is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import facts, source_runs


@dataclass(frozen=True, slots=True)
class StoreState:
    """The id of the store, the revision of its papers, and the time at which a source was last read, None if none
    was."""

    store_id: str
    revision: int
    read_at: datetime | None


def _fact(name: str) -> sa.ScalarSelect[str]:
    return sa.select(facts.c.value).where(facts.c.name == name).scalar_subquery()


_LAST_RUN = (
    sa.select(source_runs.c.finished_at)
    .where(source_runs.c.finished_at.is_not(None))
    .order_by(source_runs.c.id.desc())
    .limit(1)
)
_STATE = sa.select(
    _fact("store_id").label("store_id"),
    _fact("revision").label("revision"),
    _LAST_RUN.scalar_subquery().label("read_at"),
)


async def current(tx: AsyncConnection) -> StoreState:
    """The state of the store now."""
    row = (await tx.execute(_STATE)).one()
    return StoreState(row.store_id or "", int(row.revision or 0), row.read_at)
