"""What the reading of a text from outside may cost."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

MOST_SECONDS = 0.5
"""Of processor time, for one text of any size that is let in."""
MOST_BYTES = 100_000_000

_TOO_QUICK_FOR_MUCH = 0.004
"""Seconds. Nothing fills 100 MB in that time, and watching memory makes a call five times slower."""


def seconds(call: Callable[[], object]) -> float:
    """The processor time of a call: the better of two tries, since a busy machine makes one slower now and then."""
    took = _once(call)
    return took if took < MOST_SECONDS / 2 else min(took, _once(call))


def peak(call: Callable[[], object]) -> int:
    """The bytes that a call needs at its worst moment."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_cheap(call: Callable[[], object]) -> None:
    """Fails when a call takes too much time or memory."""
    took = seconds(call)
    assert took <= MOST_SECONDS, f"it took {took:.2f} s"
    if took < _TOO_QUICK_FOR_MUCH:
        return
    needed = peak(call)
    assert needed <= MOST_BYTES, f"it needed {needed / 1e6:.0f} MB"


def _once(call: Callable[[], object]) -> float:
    began = time.thread_time()
    call()
    return time.thread_time() - began
