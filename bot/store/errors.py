"""What can go wrong with the store.

StoreError
├── StoreBusy       somebody else kept it locked for longer than the time-out
├── StoreFull       the disk is full
├── StoreNewer      it was written by a newer Paperboy
├── StoreDamaged    the file is not a store, or is broken
└── StoreMissing    it can't be opened: the folder can't be made, the password is wrong, …
    └── StoreAway   nobody answers now; a server that is just starting, or a cut connection, may answer later
"""

from __future__ import annotations


class StoreError(Exception):
    """Something is wrong with the store; the text says what, and how to mend it."""


class StoreBusy(StoreError):
    """Locked for longer than the time-out."""


class StoreFull(StoreError):
    """No room on the disk."""


class StoreNewer(StoreError):
    """Written by a newer Paperboy."""


class StoreDamaged(StoreError):
    """Not a store, or a broken one."""


class StoreMissing(StoreError):
    """Not to be reached."""


class StoreAway(StoreMissing):
    """The server does not answer now. It may answer later: it is starting, or the connection was cut."""
