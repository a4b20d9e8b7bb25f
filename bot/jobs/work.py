"""Kinds of work, and the queue that hands them out.

The rows of the store are the truth: `due` reads from them what there is to do, and `run` does it only where it still is
due. So a queue may lose a job, repeat it or stop it in the middle: what is still due is put in again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from bot.jobs.scheduler import Job

ALL = ("all",)
"""The keys of work that is not divided."""
MOST_WAITING = 20_000
"""Keys of one kind that wait at most; the others follow when these are done."""


class Lane(StrEnum):
    """Work of one lane waits for no work of another."""

    COMPOSING = "composing"  # takes the processor
    SENDING = "sending"  # waits for platforms
    OTHER = "other"


async def everything() -> Sequence[str]:
    """The keys of work that is due whenever its time has come."""
    return ALL


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work. `due` tells the keys (ids of channels, names of sources) for which it is due by the rows, and
    `run` does it for some keys. `every` is how often that is looked at.

    In one process, nobody waits for work that is `slow`, and `begin` takes the place of `run`, if it is given. Among
    several processes, a job has up to `batch` keys, work of higher `priority` is first in its `lane`, and work that is
    done `once` in a while is not done again before `every` has passed.
    """

    name: str
    run: Callable[[Sequence[str]], Awaitable[object]]
    every: timedelta
    due: Callable[[], Awaitable[Sequence[str]]] = everything
    priority: int = 0
    batch: int = 1
    lane: Lane = Lane.OTHER
    once: bool = False
    slow: bool = False
    begin: Callable[[Sequence[str]], Awaitable[object]] | None = None


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that has failed for good: its kind, the number of its keys, and the reason."""

    kind: str
    keys: int
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The jobs in a queue, by kind: `waiting` and running ones, and those that `failed` for good."""

    waiting: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)


class WorkQueue(Protocol):
    """Hands work out."""

    def add(self, kinds: Sequence[Kind]) -> None:
        """Do the work of these kinds, from the start on."""
        ...

    async def defer(self, kind: Kind, keys: Sequence[str]) -> None:
        """Have a kind of work done for keys, except for those for which it is under way already."""
        ...

    async def clean_up(self) -> None:
        """Do what has to be done for the queue itself once in a while."""
        ...

    async def counts(self) -> Counts:
        """The number of jobs of each kind."""
        ...

    def start(self) -> None:
        """Begin to do what waits."""
        ...

    async def finish(self) -> None:
        """Take no further job, and return once those under way have ended."""
        ...

    async def stop(self) -> None:
        """Cancel the jobs under way."""
        ...


class InProcessQueue:
    """Does all work at once, in this process. A failure is the caller's: the scheduler tries again."""

    def add(self, kinds: Sequence[Kind]) -> None:
        """Every kind of work can be done."""

    async def defer(self, kind: Kind, keys: Sequence[str]) -> None:
        """Do the work for the keys."""
        await (kind.begin or kind.run)(keys)

    async def clean_up(self) -> None:
        """Nothing is kept here."""

    async def counts(self) -> Counts:
        """Nothing waits here."""
        return Counts()

    def start(self) -> None:
        """Nothing waits."""

    async def finish(self) -> None:
        """The scheduler stops what runs."""

    async def stop(self) -> None:
        """The scheduler stops what runs."""


def looking_for(kinds: Sequence[Kind], queue: WorkQueue) -> list[Job]:
    """The periodic jobs that look what is due of each kind, and put it into the queue."""

    def job(kind: Kind) -> Job:
        async def look() -> None:
            if keys := await kind.due():
                await queue.defer(kind, keys[:MOST_WAITING])

        return Job(kind.name, look, kind.every, kind.slow)

    return [job(kind) for kind in kinds if kind.due is not nothing]


def by_id(do: Callable[[Sequence[int]], Awaitable[object]]) -> Callable[[Sequence[str]], Awaitable[object]]:
    """What is done for ids, as the `run` of a kind whose keys are these ids."""

    async def run(keys: Sequence[str]) -> None:
        await do([int(key) for key in keys])

    return run


def undivided(do: Callable[[], Awaitable[object]]) -> Callable[[Sequence[str]], Awaitable[object]]:
    """What is done as a whole, as the `run` of a kind."""

    async def run(keys: Sequence[str]) -> None:
        await do()

    return run


async def nothing() -> Sequence[str]:
    """The keys of work that only other work asks for."""
    return ()
