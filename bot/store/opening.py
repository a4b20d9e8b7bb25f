"""Opening a store."""

from __future__ import annotations

from bot.store.database import Store, make_engine
from bot.store.upgrade import revisions, upgrade


async def open_store(
    url: str, *, busy_seconds: float = 10.0, connections: int = 15, application: str = "paperboy"
) -> Store:
    """Open the store at an SQLAlchemy URL and bring its tables up to date. `connections` is the most that it opens to
    PostgreSQL, `application` their name in pg_stat_activity. Raises a `StoreError` subclass."""
    store = Store(make_engine(url, busy_seconds, connections, application))
    try:
        await upgrade(store)
        store.revision = revisions()[-1]
    except BaseException:
        await store.close()
        raise
    return store
