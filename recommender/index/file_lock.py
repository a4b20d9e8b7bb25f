"""One holder at a time, also across processes."""

from __future__ import annotations

import os
import struct
import sys

_FAR_BEYOND = 2**62
"""A byte that no file reaches. SQLite's own locks begin at byte 2**30 and end 512 bytes later."""

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock an open file, until it is closed or the process dies; False when somebody else holds it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def try_lock_database(descriptor: int) -> bool:
        """Windows has no lock that SQLite is not disturbed by; there a lock file can't be deleted while it is open."""
        return True
else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file, until it is closed or the process dies; False when somebody else holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def try_lock_database(descriptor: int) -> bool:
        """Lock an SQLite database's own open file, under whatever name it was opened, until it is closed or the
        process dies; False when somebody else holds it. SQLite is not disturbed: it locks other bytes.

        Only Linux has a lock that belongs to the open file (fcntl(2), open file description locks). An ordinary one
        would be lost as soon as SQLite closes the same file in this process. Elsewhere nothing is locked.
        """
        if not hasattr(fcntl, "F_OFD_SETLK"):
            return True
        # struct flock: type, whence, start, length, pid.
        wanted = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, _FAR_BEYOND, 1, 0)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the file system likes
            return False
        return True
