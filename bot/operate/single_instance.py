"""Lets only one bot serve an SQLite store: two bots on its file would both post and answer.

Searches, imports and backups may run beside the bot. On PostgreSQL any number of processes share the store, by leases.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bot.operate.output import CommandError
from bot.operate.private import keep_private
from bot.settings import Settings
from bot.store.database import sqlite_file
from recommender.index.file_lock import try_lock, try_lock_database


@contextlib.contextmanager
def single_instance(settings: Settings) -> Iterator[None]:
    """Be the only bot on an SQLite store, until the block ends. Raises CommandError when there is another. PostgreSQL
    admits any number."""
    keep_private(settings)
    database = sqlite_file(settings.store_url)
    if database is None:
        yield
        return
    # The file beside the store is the lock of earlier versions, and of systems without another kind. On Linux the
    # database itself is locked too, so that neither another path to it nor a deleted lock file lets a second bot in.
    file = database.resolve()
    with contextlib.ExitStack() as stack:
        lock_file = _opened(file.with_name(f"{file.name}.bot"), stack)
        if not (try_lock(lock_file) and try_lock_database(_opened(file, stack))):
            raise CommandError(
                f"Another Paperboy serves {database} already. Leave that one first, or give this one a store of "
                "its own with PAPERBOY_DATA_DIR. Several processes share a store in PostgreSQL: `paperboy db move URL`."
            )
        yield


def _opened(file: Path, stack: contextlib.ExitStack) -> int:
    """The descriptor of a file, which is created if it is missing, until the stack closes it. Raises CommandError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}.") from error
    stack.callback(os.close, descriptor)
    return descriptor
