"""Logs: on stderr, as JSON for machines, as text for people, or plainly among what a command says."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def set_up(level: str, form: str) -> None:
    """Log from `level` up, in a form: text, json, plain, or auto (text on a terminal, else json)."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    common = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    stamped = [*common, structlog.processors.TimeStamper("iso", utc=True)]
    processors: dict[str, list[Any]] = {
        "plain": [structlog.processors.format_exc_info, _plain],
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
    # A beat of the heart that takes long skips the next one, as it should.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # What is wrong with BibTeX that somebody handed over is told to them.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    # They log every address that is asked, and an address may hold a password or a key.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Libraries speak through the standard library's logs; what they find worth a warning is enough.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def _plain(_logger: Any, _level: str, event: MutableMapping[str, Any]) -> str:
    """What happened, where and why, as one of a command's own lines; where it broke, below."""
    why = ": ".join(str(event[part]) for part in ("platform", "why") if event.get(part))
    why = f" ({why})" if why else ""
    where = f"\n{event['exception']}" if event.get("exception") else ""
    return f"paperboy: {event['event']}{why}{where}"
