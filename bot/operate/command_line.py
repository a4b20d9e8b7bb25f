"""Shared by all commands: the order of arguments, the streams, errors in one line, and signals."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Coroutine, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.operate.output import err, full_disk, is_full_disk

if TYPE_CHECKING:
    from bot.serve import Stop

_MOST_SECONDS_TO_END = 9.0
"""Seconds after a signal. Docker kills a process after 10, other service managers later."""
_MOST_SECONDS_TO_STOP = 19.0
"""The same for a bot, which first ends what it is sending."""
_GENERAL = ("--config", "--env-file")
"""Options of every command that take a value."""


def arrange_arguments(words: Sequence[str]) -> list[str]:
    """The arguments in the order that the option parser understands: people put options anywhere."""
    general, rest, last = list[str](), list[str](), list[str]()
    remaining = iter(words)
    for word in remaining:
        if word == "--":
            last += remaining
        elif word in _GENERAL:
            general += [word, *islice(remaining, 1)]
        elif word == "--debug" or word.startswith(tuple(f"{option}=" for option in _GENERAL)):
            general.append(word)
        elif rest[:1] == ["search"] and re.match("-[^-]", word):
            last.append(word)  # `-survey` excludes a word; searching has no short options
        else:
            rest.append(word)
    if rest[:1] == ["replay"]:
        rest = _each_named(rest, "--papers")
    return [*general, *rest, *(["--", *last] if last else [])]


def _each_named(words: Sequence[str], option: str) -> list[str]:
    """`--papers a b` as `--papers a --papers b`, the form in which the option parser takes several values."""
    named, within, first = list[str](), False, False
    for word in words:
        if word.startswith("-"):
            within = first = word == option
        elif within:
            named += [] if first else [option]
            first = False
        named.append(word)
    return named


def use_utf8() -> None:
    """Write UTF-8 into files and pipes, and escape a character that the terminal lacks instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def print_error(error: Exception, *, trace: bool) -> None:
    """Print an error in one line; with `trace` also its traceback."""
    if trace:
        import traceback

        traceback.print_exception(error)
    if type(error).__module__.partition(".")[0] in ("bot", "recommender"):
        err(f"paperboy: {error}")  # the project's own errors say what is wrong and how to mend it
    elif isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if is_full_disk(error):
            err(f"paperboy: {full_disk(error)}")
        else:
            err(f"paperboy: {error.strerror or error}{where}.")
        drop_output()
    else:
        what = f"{type(error).__name__}: {error}"
        err(f"paperboy: This should not have happened ({what}). --debug shows where; please report it.")


def drop_output() -> None:
    """Print nothing more on stdout, and drop what is not flushed yet."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_soon(seconds: float, number: int, _frame: object) -> None:
    """End the process in so many seconds, whatever it does then.

    A thread that parses can't be stopped, and Python would wait for it. Ending the process is as safe as a kill: the
    store commits whole transactions.
    """

    def end() -> None:
        with contextlib.suppress(OSError, ValueError):
            err("paperboy: Something would not stop in time and was left behind. Nothing is lost.")
            sys.stdout.flush()
        os._exit(128 + number)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def until_signal(work: Coroutine[Any, Any, int | None], stop: Stop | None = None) -> int | None:
    """The exit code of the work, or 130 or 143 when a signal ended it. Its resources are closed in order either way.

    Where the work awaits `stop`, the first signal requests that, and the work ends by itself.
    """
    task = asyncio.ensure_future(work)
    signals: list[int] = []
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        if stop and stop.is_awaited and not stop.is_requested:
            stop.request()
            return
        signals.append(number)
        task.cancel()

    end_soon = partial(_end_soon, _MOST_SECONDS_TO_STOP if stop else _MOST_SECONDS_TO_END)

    # Only a handler of the loop wakes it. Without one, a signal just before the loop sleeps is handled much later.
    with contextlib.suppress(NotImplementedError):  # Windows has none
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
            # This handler is called even while the loop is blocked.
            signal.signal(number, end_soon)
    try:
        return await task
    except asyncio.CancelledError:
        if not signals:
            raise
        return 128 + signals[0]
    finally:
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
