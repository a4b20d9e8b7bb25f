"""The limit on the work that the texts of one answer may cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

import structlog

log = structlog.get_logger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")

_MICROSECONDS = 200_000.0
"""Processor time for the texts of one answer, as estimated here. The time for parsing the answer is not included."""
_NAME = 8.0
_CHARACTER, _FOREIGN_CHARACTER, _COMMAND, _TAG, _SEPARATOR = 0.02, 0.1, 2.5, 1.0, 0.25
"""Microseconds of cleaning, measured: for an ASCII character, another character, a TeX command, an HTML tag, and a
separator that may stand between two names."""
_SEPARATORS = (",", ";", "(", ")", " and ")


class Effort:
    """A budget for turning the texts of an answer into papers. It bounds the time without a clock, so that the same
    answer always gives the same papers."""

    def __init__(self) -> None:
        self._left = _MICROSECONDS

    @property
    def spent(self) -> bool:
        """Whether no further entry should be read."""
        return self._left < 0

    def spend(self, texts: Iterable[object], limit: int) -> None:
        """Charge texts to the budget; at most `limit` characters of each are read."""
        for text in texts:
            self._left -= _NAME
            if isinstance(text, str):
                text = text[:limit]
                character = _CHARACTER if text.isascii() else _FOREIGN_CHARACTER
                tags = text.count("<") + text.count("&")
                separators = sum(map(text.count, _SEPARATORS))
                self._left -= len(text) * character + text.count("\\") * _COMMAND
                self._left -= tags * _TAG + separators * _SEPARATOR
            if self._left < 0:
                return


def read_entry(read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
    """The result of `read` for an entry; None when it raises, so that one odd entry never costs a source the others."""
    try:
        return read(*args, **kwargs)
    except Exception:
        log.exception("An entry of a source could not be read; the others are.")
        return None


def texts_in(item: object) -> Iterator[str]:
    """All texts in an entry, at any depth."""
    values = [item]
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value
