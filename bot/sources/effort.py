"""How much work the texts of one answer may make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

import structlog

log = structlog.get_logger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")

_MICROSECONDS = 200_000.0
"""Processor time for the texts of one answer, as estimated here; parsing the answer comes on top of it."""
_NAME = 8.0
_CHARACTER, _FOREIGN_CHARACTER, _COMMAND, _TAG, _SEPARATOR = 0.02, 0.1, 2.5, 1.0, 0.25
"""Microseconds of cleaning, measured: one more ASCII or other character, command of TeX, tag of HTML, and sign that may
separate two names."""
_SEPARATORS = (",", ";", "(", ")", " and ")


class Effort:
    """A budget for turning the texts of an answer into papers. It bounds the time without looking at a clock, so that
    the same answer always gives the same papers."""

    def __init__(self) -> None:
        self._left = _MICROSECONDS

    @property
    def spent(self) -> bool:
        """Whether no entry should be read any more."""
        return self._left < 0

    def spend(self, texts: Iterable[object], most: int) -> None:
        """Count texts of which at most `most` characters are read."""
        for text in texts:
            self._left -= _NAME
            if isinstance(text, str):
                read = text[:most]
                each = _CHARACTER if read.isascii() else _FOREIGN_CHARACTER
                tags = read.count("<") + read.count("&")
                separators = sum(map(read.count, _SEPARATORS))
                self._left -= len(read) * each + read.count("\\") * _COMMAND + tags * _TAG + separators * _SEPARATOR
            if self._left < 0:
                return


def read_entry(read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
    """What `read` makes of one entry; None when it raises, so that one odd entry never costs a source the others."""
    try:
        return read(*args, **kwargs)
    except Exception:
        log.exception("An entry of a source could not be read; the others are.")
        return None


def texts_in(item: object) -> Iterator[str]:
    """All texts in an entry, however deep."""
    inside = [item]
    while inside:
        value = inside.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            inside += value.values()
        elif isinstance(value, list):
            inside += value
