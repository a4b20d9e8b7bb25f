"""The output of commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.formats import Problem

_MOST_PROBLEMS_PRINTED = 20
_LEAST_WORK = 10_000
Tick = Callable[[int, int], None]
"""Called with the amount of work done and the total amount, which is 0 if it is not known."""


class CommandError(Exception):
    """A command failed; the text is the one line that the operator reads."""


class UsageError(Exception):
    """A command was called with wrong arguments; the text says how it is used."""


def out(text: str) -> None:
    """Print a line of the result."""
    print(text)  # noqa: T201


def err(text: str) -> None:
    """Print a line about the work."""
    print(text, file=sys.stderr)  # noqa: T201


class Problems:
    """Counts the lines of a file that can't be read, and prints the first of them."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, file: Path, problem: Problem) -> None:
        """Count one line, and print it if it is among the first."""
        self.count += 1
        if self.count <= _MOST_PROBLEMS_PRINTED:
            err(f"{file}: {problem}")

    def sum_up(self) -> int:
        """Print how many lines were not printed. Returns the exit code: 1 when there was any."""
        if self.count > _MOST_PROBLEMS_PRINTED:
            err(f"… and {self.count - _MOST_PROBLEMS_PRINTED:,} more lines that can't be read.")
        return 1 if self.count else 0


@contextlib.contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A progress bar if stderr is a terminal, else a line now and then. Short work prints no line."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _lines(what: str) -> Tick:
    """Prints a line for each quarter of work of known size, and for each doubling of work of unknown size."""
    due = 0

    def tick(done: int, total: int) -> None:
        nonlocal due
        due = due or max(_LEAST_WORK, total // 4)
        if done >= due:
            due = due + max(_LEAST_WORK, total // 4) if total else due * 2
            err(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))

    return tick


def is_full_disk(error: OSError) -> bool:
    """Whether an error means that there is no room left, on the disk or in a quota of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def full_disk(error: OSError) -> str:
    """The sentence for a full disk."""
    where = f" ({error.filename})" if error.filename else ""
    return f"The disk is full{where}. Nothing was lost; make room and try again."
