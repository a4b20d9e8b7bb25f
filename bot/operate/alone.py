"""One bot to a store: two that served the same channels from one SQLite file would both answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bot.operate.saying import Failure
from bot.settings import Settings
from recommender.locks import try_lock


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only bot on an SQLite store, until the end or the death of this process; Failure when there is another.

    Searches, imports and backups need no turn. On PostgreSQL several processes may serve.
    """
    url = sa.make_url(settings.store_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    file = Path(f"{url.database}.bot")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held = file.open("ab")
    except OSError as error:
        raise Failure(f"{file} can't be written: {error.strerror}.") from error
    with held:
        if not try_lock(held.fileno()):
            raise Failure(
                f"Another Paperboy serves {url.database} already. Leave that one first, or give this one a store of "
                "its own with PAPERBOY_DATA_DIR. `paperboy search` and the like work beside it."
            )
        yield
