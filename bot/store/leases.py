"""Leases: what only one process may do at a time, such as posting in a channel or reading a source.

A lease has a name, a holder and an end. Its process renews it. When a process dies, is paused or loses the database,
its leases end, and another process takes them over. On PostgreSQL the clock of the database decides, so the clocks of
the processes may differ.

A process that was paused does not know that its leases have ended. So it asks `may_send` before each send: the lease
must have been renewed so recently that the send ends before the lease does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.database import Store
from bot.store.errors import StoreError
from bot.store.tables import Instant, leases

log = structlog.get_logger(__name__)
_AT_ONCE = 1_000
"""Leases that one statement takes or gives back: SQLite allows 32,766 parameters."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long leases last, in seconds.

    A lease ends `length` seconds after it was renewed. A send may begin up to `fence` seconds after that, so `length`
    must be greater than `fence` and the longest send together.
    """

    length: float = 90.0
    fence: float = 45.0

    @classmethod
    def of(cls, longest_send: float, takeover: float) -> LeaseTimes:
        """The times for sends that take up to `longest_send` seconds, if another process may take over `takeover`
        seconds after that."""
        return cls(longest_send + takeover, takeover * 0.75)

    @property
    def renew_every(self) -> float:
        """Seconds between two renewals: two of them may fail before the fence closes."""
        return self.fence / 3


class Leases:
    """The leases of this process.

    Two tasks of the process may hold the same lease: it keeps out other processes, and no task of this one. `clock`
    replaces the clock of the database in tests. `seconds` is a clock that only runs forward. `holder` names the
    process; by default the name is random.
    """

    def __init__(
        self,
        store: Store,
        times: LeaseTimes = LeaseTimes(),
        *,
        clock: Callable[[], datetime] | None = None,
        seconds: Callable[[], float] = time.monotonic,
        holder: str = "",
    ) -> None:
        self.holder, self.times = holder or uuid4().hex, times
        self._store, self._clock, self._seconds = store, clock, seconds
        self._renewed: dict[str, float] = {}
        self._users: Counter[str] = Counter()

    async def take(self, *names: str) -> set[str]:
        """Take leases that are free or have ended. Returns the names of those that this process holds now."""
        held: set[str] = set()
        wanted = sorted(set(names))  # in one order, so that two processes do not wait for each other
        for start in range(0, len(wanted), _AT_ONCE):
            held |= await self._take(wanted[start : start + _AT_ONCE])
        return held

    async def _take(self, names: list[str]) -> set[str]:
        began = self._seconds()
        insert = sqlite.insert(leases) if self._store.is_sqlite else postgresql.insert(leases)
        rows = [{"name": name, "holder": self.holder, "until": self._end()} for name in names]
        new = insert.values(rows)
        taken = new.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": new.excluded.holder, "until": new.excluded.until},
            where=sa.or_(leases.c.holder == self.holder, leases.c.until <= self._now()),
        ).returning(leases.c.name)
        async with self._store.write() as tx:
            held = set((await tx.execute(taken)).scalars())
        for name in names:
            if name in held:
                self._renewed[name] = began
            else:
                self._renewed.pop(name, None)
        return held

    async def release(self, *names: str) -> None:
        """Give leases back. If the store does not answer, they end by themselves."""
        for name in names:
            self._renewed.pop(name, None)
        try:
            for some in self._own(names):
                async with self._store.write() as tx:
                    await tx.execute(sa.delete(leases).where(some))
        except StoreError as error:
            log.warning("Leases could not be given back; they end by themselves.", why=str(error))

    @contextlib.asynccontextmanager
    async def holding(self, *names: str) -> AsyncIterator[set[str]]:
        """Take leases, and give them back once no block of this process uses them any more. Yields the names of those
        that this process holds."""
        held = {name for name in names if self._users[name] and self.may_send(name)}
        self._users.update(names)
        try:
            yield held | await self.take(*(name for name in names if name not in held))
        finally:
            self._users.subtract(names)
            unused = {name for name in names if not self._users[name]}
            for name in unused:
                del self._users[name]
            await self.release(*unused)

    async def renew(self) -> None:
        """Renew every lease of this process. One that another process has taken over meanwhile is lost."""
        before = list(self._renewed)
        if not before:
            return
        began, renewed = self._seconds(), set[str]()
        for some in self._own(before):
            renewal = sa.update(leases).where(some).values(until=self._end()).returning(leases.c.name)
            async with self._store.write() as tx:
                renewed.update((await tx.execute(renewal)).scalars())
        lost = [name for name in before if name not in renewed and self._renewed.pop(name, None) is not None]
        self._renewed.update((name, began) for name in before if name in self._renewed)
        if lost:
            log.warning("Another process has taken over what this one held.", leases=sorted(lost)[:10], count=len(lost))

    @contextlib.asynccontextmanager
    async def renewing(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncIterator[None]:
        """Renew the leases until the block ends, for a command that has no scheduler."""

        async def renew() -> None:
            while True:
                await sleep(self.times.renew_every)
                with contextlib.suppress(StoreError):  # the next time may do
                    await self.renew()

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def may_send(self, name: str) -> bool:
        """Whether this process holds a lease for certain, long enough for one send."""
        renewed = self._renewed.get(name)
        return renewed is not None and self._seconds() - renewed <= self.times.fence

    async def release_all(self) -> None:
        """Give back every lease of this process, at its end."""
        await self.release(*self._renewed)

    async def end_others(self) -> None:
        """End the leases of all other processes. Only for a process that knows that it is alone."""
        async with self._store.write() as tx:
            await tx.execute(sa.delete(leases).where(leases.c.holder != self.holder))

    async def holders(self) -> set[str]:
        """The processes that hold any lease now."""
        async with self._store.read() as tx:
            rows = await tx.execute(sa.select(leases.c.holder).distinct().where(leases.c.until > self._now()))
            return set(rows.scalars())

    async def taken(self, prefix: str) -> dict[str, str]:
        """The leases that any process holds now and whose names begin like this, each with its holder."""
        is_held = leases.c.name.startswith(prefix, autoescape=True), leases.c.until > self._now()
        async with self._store.read() as tx:
            return {row.name: row.holder for row in await tx.execute(sa.select(leases).where(*is_held))}

    def _own(self, names: Iterable[str]) -> Iterator[sa.ColumnElement[bool]]:
        """Conditions for the rows of this process under these names, for one statement each. The rows are locked in the
        order of their names, so that two processes do not wait for each other."""
        ordered = sorted(set(names))
        for start in range(0, len(ordered), _AT_ONCE):
            is_own = leases.c.name.in_(ordered[start : start + _AT_ONCE]), leases.c.holder == self.holder
            locked = sa.select(leases.c.name).where(*is_own).order_by(leases.c.name).with_for_update()
            yield leases.c.name.in_(locked)

    def _now(self) -> sa.ColumnElement[Any]:
        """The time now: of the database on PostgreSQL, of this machine on SQLite, which only one machine uses."""
        if self._clock or self._store.is_sqlite:
            return sa.literal(self._clock() if self._clock else datetime.now(UTC), Instant)
        return sa.func.clock_timestamp()

    def _end(self) -> sa.ColumnElement[Any]:
        length = timedelta(seconds=self.times.length)
        if self._clock or self._store.is_sqlite:
            return sa.literal((self._clock() if self._clock else datetime.now(UTC)) + length, Instant)
        return sa.func.clock_timestamp() + sa.literal(length, sa.Interval)


def channel_leases(channel_ids: Iterable[int]) -> list[str]:
    """The names of the leases on channels: one process at a time plans and delivers for a channel."""
    return [channel_lease(channel_id) for channel_id in channel_ids]


SOURCE = "source "
"""The beginning of the names of the leases on sources: one process at a time reads a source."""


def channel_lease(channel_id: int) -> str:
    """The name of the lease on a channel."""
    return f"channel {channel_id}"
