"""Logs: on stderr, as JSON for machines, as text for people, or plainly among what a command says."""

from __future__ import annotations

import errno
import logging
import math
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

_EPISODE_SECONDS = 120.0
"""Trouble that was not seen for so long is over."""
_AGAIN_SECONDS = 3600.0
"""Trouble that lasts is told again after so long."""


class Troubles:
    """Trouble with the store or the disk, which meets whatever is done: told once for each episode, and in one line
    instead of a traceback for each work that it stopped."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._seen: dict[str, tuple[float, float]] = {}

    def text(self, error: BaseException | None) -> str:
        """What kind of trouble an error is, or came from; "" for any other error."""
        seen = 0
        while error is not None and seen < _CAUSES:
            # By their names: most commands need none of these libraries, and are to start quickly.
            kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
            if ("bot", "StoreError") in kinds:
                return str(error)
            if kinds & _DATABASES:
                return "The connection to the database was cut."
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return "The disk is full. Nothing was lost; make room."
            error, seen = error.__cause__ or error.__context__, seen + 1
        return ""

    def is_news(self, text: str) -> bool:
        """Whether this trouble is to be told now."""
        now = self._seconds()
        told, seen = self._seen.get(text, (-math.inf, -math.inf))
        news = now - seen > _EPISODE_SECONDS or now - told > _AGAIN_SECONDS
        self._seen[text] = (now if news else told, now)
        if len(self._seen) > _KINDS:
            del self._seen[next(iter(self._seen))]
        return news

    def of_structlog(self, _logger: Any, _level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor of structlog."""
        given = event.get("exc_info")
        error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
        if text := self.text(error):
            if not self.is_news(text):
                raise structlog.DropEvent
            del event["exc_info"]
            event["why"] = text
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """A filter of the standard library's logs."""
        if record.exc_info and (text := self.text(record.exc_info[1])):
            if not self.is_news(text):
                return False
            record.msg, record.args = f"{record.getMessage()} ({text})", ()
            record.exc_info = record.exc_text = None
        return True


_CAUSES, _KINDS = 20, 100
_DATABASES = {(library, "OperationalError") for library in ("psycopg", "sqlalchemy", "sqlite3")}


def set_up(level: str, form: str) -> None:
    """Log from `level` up, in a form: text, json, plain, or auto (text on a terminal, else json)."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    troubles = Troubles()
    common = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        troubles.of_structlog,
    ]
    stamped = [*common, structlog.processors.TimeStamper("iso", utc=True)]
    processors: dict[str, list[Any]] = {
        "plain": [troubles.of_structlog, structlog.processors.format_exc_info, _plain],
        # The renderer's own way prints every frame's variables, and with them tokens and passwords.
        "text": [*stamped, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)],
        "json": [*stamped, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    }
    structlog.configure(
        processors=processors[form],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # A run of a periodic job that takes long skips the next one, as it should.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # What is wrong with BibTeX that somebody handed over is told to them.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    # They log every address that is asked, and an address may hold a password or a key.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Libraries speak through the standard library's logs; what they find worth a warning is enough.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # ours
            handler.addFilter(troubles.filter)


def _plain(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> str:
    """What happened, where and why, as one of a command's own lines; where it broke, below."""
    why = ": ".join(str(event[part]) for part in ("platform", "why") if event.get(part))
    why = f" ({why})" if why else ""
    where = f"\n{event['exception']}" if event.get("exception") else ""
    return f"paperboy: {event['event']}{why}{where}"
