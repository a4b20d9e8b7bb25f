"""The port by which a platform shares its work with the other processes on the same store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Leases(Protocol):
    """What only one process may do at a time, by name. A lease of a process that dies ends after a while."""

    @property
    def holder(self) -> str:
        """The name of this process."""
        ...

    async def take(self, *names: str) -> set[str]:
        """Take leases that are free or have ended. Returns the names of those that this process holds now."""
        ...

    async def release(self, *names: str) -> None:
        """Give leases back."""
        ...

    def holding(self, *names: str) -> AbstractAsyncContextManager[set[str]]:
        """Take leases for the time of a block. Yields the names of those that this process holds."""
        ...

    async def taken(self, prefix: str) -> dict[str, str]:
        """The leases that any process holds now and whose names begin like this, each with its holder."""
        ...


class Facts(Protocol):
    """Values that all processes on a store know, by name."""

    async def get(self, name: str) -> str | None:
        """The value of a name, None if it has none."""
        ...

    async def agree(self, name: str, value: str) -> str:
        """Set a value unless there is one. Returns the value that there is now."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Set a value."""
        ...


class OnlyProcess:
    """Implements both for a process that shares its work with no other: every lease is free."""

    holder = "the only process"

    def __init__(self) -> None:
        self._held, self._facts = set[str](), dict[str, str]()

    async def take(self, *names: str) -> set[str]:
        """Take leases."""
        self._held.update(names)
        return set(names)

    async def release(self, *names: str) -> None:
        """Give leases back."""
        self._held.difference_update(names)

    @asynccontextmanager
    async def holding(self, *names: str) -> AsyncIterator[set[str]]:
        """Take leases for the time of a block."""
        yield set(names)

    async def taken(self, prefix: str) -> dict[str, str]:
        """The leases that this process holds and whose names begin like this."""
        return {name: self.holder for name in self._held if name.startswith(prefix)}

    async def get(self, name: str) -> str | None:
        """The value of a name, None if it has none."""
        return self._facts.get(name)

    async def agree(self, name: str, value: str) -> str:
        """Set a value unless there is one. Returns the value that there is now."""
        return self._facts.setdefault(name, value)

    async def put(self, name: str, value: str) -> None:
        """Set a value."""
        self._facts[name] = value
