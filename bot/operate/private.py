"""Keeps the bot's files private to its own user: the store holds members' words and votes, also of direct
conversations.

`main` sets the umask, so new files are private. This module corrects the files of earlier versions.
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
"""The beginnings of further file names in the data folder. The key's mode is not corrected: others may have read the
key, so it is refused until the operator has looked at it."""


def keep_private(settings: Settings) -> None:
    """Take the rights of other users from the data folder, the store and the files beside it, and say so once.

    A folder that also holds other files stays open; then only the bot's own files in it are closed.
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
        contents = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    return bool(contents) and all(name in names or name.startswith((*_FOLDERS, *_OTHERS)) for name in contents)


def _close(path: Path) -> bool:
    """Take the rights of others from a file or folder of this user. Returns whether there were any."""
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
