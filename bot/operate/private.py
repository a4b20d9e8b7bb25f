"""The bot's files are for its own user alone: the store holds what people say and like, also in direct conversations.

`main` sets the umask, so what is made from now on is private. What earlier versions made is put right here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from bot.operate.output import err
from bot.settings import Settings
from bot.store.database import sqlite_file
from bot.store.errors import StoreError

_BESIDE_THE_STORE = ("", "-wal", "-shm", "-journal", ".bot")
_FOLDERS = ("index", "terminal", "discord")
_OTHERS = ("encryption.key",)
"""How the names of further files in the data folder begin. The key's mode is not mended: a key that others could read
may be known to them, so it is refused until somebody has looked at it."""


def keep_private(settings: Settings) -> None:
    """Take the rights of other users from the data folder, the store and what lies beside it, and say so once.

    A folder that also holds files of others stays open; only the bot's own files in it are closed then.
    """
    if sys.platform == "win32":
        return
    store, folder = None, settings.data_dir
    with contextlib.suppress(StoreError):
        file = sqlite_file(settings.store_url)
        store = file.resolve() if file else None
    own = [store.with_name(store.name + ending) for ending in _BESIDE_THE_STORE] if store else []
    closed = [path for path in (*own, *(folder / name for name in _FOLDERS)) if _close(path)]
    if _only_ours(folder, own) and _close(folder):
        closed.append(folder)
    if closed:
        err(f"Other users could read {', '.join(map(str, closed))}. Now only this user can.")


def _only_ours(folder: Path, own: list[Path]) -> bool:
    names = {path.name for path in own}
    try:
        inside = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    return bool(inside) and all(name in names or name.startswith((*_FOLDERS, *_OTHERS)) for name in inside)


def _close(path: Path) -> bool:
    """Whether others had rights on a file or folder of this user's, and have none now."""
    try:
        if path.is_symlink():
            return False
        status = path.stat()
        if not status.st_mode & 0o077 or status.st_uid != os.geteuid():
            return False
        path.chmod(status.st_mode & 0o700)
    except OSError:
        return False
    return True
