"""The errors of the store.

StoreError
├── StoreBusy       another program kept the store locked for longer than the time-out
├── StoreFull       the disk is full
├── StoreNewer      a newer Paperboy wrote the store
├── StoreOutdated   the tables were changed while this process ran
├── StoreDamaged    the file is not a store, or is broken
└── StoreMissing    the store can't be opened: its folder can't be made, the password is wrong, …
    └── StoreAway   the server does not answer now, but may later: it is starting, or the connection was cut
"""

from __future__ import annotations


class StoreError(Exception):
    """Something is wrong with the store. The text names the problem and how to mend it."""


class StoreBusy(StoreError):
    """Another program kept the store locked for longer than the time-out."""


class StoreFull(StoreError):
    """The disk is full."""


class StoreNewer(StoreError):
    """A newer Paperboy wrote the store."""


class StoreOutdated(StoreError):
    """Another process changed the tables while this one ran."""


class StoreDamaged(StoreError):
    """The file is not a store, or is broken."""


class StoreMissing(StoreError):
    """The store can't be opened."""


class StoreAway(StoreMissing):
    """The server does not answer now. It may answer later: it is starting, or the connection was cut."""
