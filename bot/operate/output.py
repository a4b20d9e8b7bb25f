"""The output of commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.formats import Problem

_MOST_PROBLEMS_TOLD = 20
_WORTH_TELLING = 10_000
Tick = Callable[[int, int], None]
"""Called with how much is done, and how much there is in all: 0 when nobody knows."""


class CommandError(Exception):
    """A command failed; the text is the one line that the operator reads."""


class UsageError(Exception):
    """A command was called with wrong arguments; the text says how it is used."""


def out(text: str) -> None:
    """A line of the result."""
    print(text)  # noqa: T201


def err(text: str) -> None:
    """A line about the work."""
    print(text, file=sys.stderr)  # noqa: T201


class Problems:
    """Counts the lines of a file that can't be read, and prints the first of them."""

    def __init__(self) -> None:
        self.count = 0

    def tell(self, file: Path, problem: Problem) -> None:
        """Count one line, and print it if it is among the first."""
        self.count += 1
        if self.count <= _MOST_PROBLEMS_TOLD:
            err(f"{file}: {problem}")

    def sum_up(self) -> int:
        """Print how many lines were not printed. Returns the exit code: 1 when there was any."""
        if self.count > _MOST_PROBLEMS_TOLD:
            err(f"… and {self.count - _MOST_PROBLEMS_TOLD:,} more lines that can't be read.")
        return 1 if self.count else 0


@contextlib.contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A progress bar where stderr is a terminal; elsewhere a line now and then, and none for work that is over soon."""
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
    """A line for each quarter of work of known size, and for each doubling of work of unknown size."""
    due = 0

    def tell(done: int, total: int) -> None:
        nonlocal due
        due = due or max(_WORTH_TELLING, total // 4)
        if done >= due:
            due = due + max(_WORTH_TELLING, total // 4) if total else due * 2
            err(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))

    return tell
