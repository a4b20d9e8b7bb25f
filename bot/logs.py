"""Logging to stderr: as JSON for machines, as text for people, or as plain lines among a command's output."""

from __future__ import annotations

import errno
import logging
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

_EPISODE_SECONDS = 120.0
"""Trouble that was not seen for so many seconds is over."""
_AGAIN_SECONDS = 3600.0
"""Trouble that lasts is logged again after so many seconds."""


class Troubles:
    """Trouble with the store or the disk, which makes everything fail at once. It is logged in one line for each
    episode, instead of a traceback for each failure."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._seen: dict[str, tuple[float, float]] = {}

    def text(self, error: BaseException | None) -> str:
        """The trouble that an error is or was caused by, "" for any other error."""
        depth = 0
        while error is not None and depth < _CAUSES:
            # The types are compared by name, so that commands need not import these libraries and start quickly.
            kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
            if ("bot", "StoreError") in kinds:
                return str(error)
            if kinds & _DATABASES:
                return "The connection to the database was cut."
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return "The disk is full. Nothing was lost; make room."
            error, depth = error.__cause__ or error.__context__, depth + 1
        return ""

    def is_news(self, text: str) -> bool:
        """Whether this trouble is to be logged now."""
        now = self._seconds()
        logged_at, seen_at = self._seen.get(text, (-math.inf, -math.inf))
        news = now - seen_at > _EPISODE_SECONDS or now - logged_at > _AGAIN_SECONDS
        self._seen[text] = (now if news else logged_at, now)
        if len(self._seen) > _KINDS:
            del self._seen[next(iter(self._seen))]
        return news

    def of_structlog(self, _logger: Any, _level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor for structlog."""
        exc_info = event.get("exc_info")
        error = exc_info if isinstance(exc_info, BaseException) else sys.exc_info()[1] if exc_info else None
        if text := self.text(error):
            if not self.is_news(text):
                raise structlog.DropEvent
            del event["exc_info"]
            event["why"] = text
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """A filter for the standard library's logging."""
        if record.exc_info and (text := self.text(record.exc_info[1])):
            if not self.is_news(text):
                return False
            record.msg, record.args = f"{record.getMessage()} ({text})", ()
            record.exc_info = record.exc_text = None
        return True


_CAUSES, _KINDS = 20, 100
_DATABASES = {(library, "OperationalError") for library in ("psycopg", "sqlalchemy", "sqlite3")}


def set_up(level: str, form: str) -> None:
    """Log from `level` up, in a form: text, json, plain, or auto (text on a terminal, else json).

    The same level and form hold for the lines of libraries, which log through `logging`; but these lines are never
    shown below WARNING: an info or debug line of a library may hold an address, a payload or a token.
    """
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    number = logging.getLevelNamesMapping()[level.upper()]
    troubles = Troubles()
    stamp: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True),
    ]
    renderers: dict[str, list[Any]] = {
        "plain": [structlog.processors.format_exc_info, _plain],
        # structlog's default prints the variables of every frame, and with them tokens and passwords.
        "text": [
            structlog.dev.ConsoleRenderer(colors=_wants_colors(), exception_formatter=structlog.dev.plain_traceback)
        ],
        "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    }
    structlog.configure(
        processors=[*stamp, troubles.of_structlog, *renderers[form]],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(troubles.filter)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *stamp],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers[form]],
        )
    )
    # A handler that cannot write would print the error that is being handled, whose words may hold an address.
    logging.raiseExceptions = False
    root = logging.getLogger()
    for earlier in root.handlers[:]:
        if isinstance(earlier.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(max(number, logging.WARNING))
    # A classifier that an operator put in may warn at every fit.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addFilter(_shorten_warning)
    # A run of a periodic job that takes long skips the next one, as it should.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # These libraries log every address that they request, and an address may hold a password or a key.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _wants_colors() -> bool:
    """Whether stderr shows colours: it is a terminal, and nobody set NO_COLOR (no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _shorten_warning(record: logging.LogRecord) -> bool:
    """Keep the kind and the first line of a warning, without its place in the code and the line that stands there."""
    place, kind, text = (*record.getMessage().partition("\n")[0].split(": ", 2), "", "")[:3]
    record.msg, record.args = f"{kind}: {text}" if text else place, ()
    return True


def begin_event(event_id: str = "") -> None:
    """Name the event that the current task handles: its id stands in every log line until the task ends.

    Without an id that the platform gave, the event gets one of its own.
    """
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(event_id=event_id or secrets.token_hex(4))


def current_event() -> str:
    """The id of the event that the current task handles, "" outside of one."""
    return str(structlog.contextvars.get_contextvars().get("event_id", ""))


def _plain(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> str:
    """A line as a command prints it: the message, where and why, and the traceback below."""
    details = ": ".join(str(event[part]) for part in ("platform", "logger", "why") if event.get(part))
    details = f" ({details})" if details else ""
    trace = f"\n{event['exception']}" if event.get("exception") else ""
    return f"paperboy: {event['event']}{details}{trace}"
