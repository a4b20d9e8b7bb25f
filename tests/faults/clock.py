"""A clock that several programs share and a test sets; each may be some seconds off.

`python -m tests.faults.clock run` is `paperboy run` with this clock.
"""

from __future__ import annotations

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE, SKEW = "TEST_CLOCK_FILE", "TEST_CLOCK_SKEW"
"""Variables of a program: the shared file, and by how many seconds its clock is ahead."""
_SECONDS = struct.Struct("<d")


class SharedClock:
    """Tells how far the time is ahead of the real one. The seconds stand in a file, which others may map too."""

    def __init__(self, file: Path, skew: float = 0.0) -> None:
        self.file, self._skew = file, timedelta(seconds=skew)
        if not file.exists():
            file.write_bytes(_SECONDS.pack(0.0))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), _SECONDS.size)

    def __call__(self) -> datetime:
        """The time now, in UTC."""
        [ahead] = _SECONDS.unpack_from(self._map)
        return datetime.now(UTC) + timedelta(seconds=ahead) + self._skew

    def set(self, now: datetime) -> None:
        """Let it be so late now, for everyone."""
        _SECONDS.pack_into(self._map, 0, (now - datetime.now(UTC)).total_seconds())


def main() -> None:
    """The program, by the clock that the environment names."""
    import bot.app

    clock = SharedClock(Path(os.environ[FILE]), float(os.environ[SKEW]))
    # Every other module takes it from there when it is imported.
    bot.app.system_clock = clock
    bot.app.opened.__wrapped__.__kwdefaults__["clock"] = clock  # type: ignore[attr-defined]
    from bot.cli import main as program

    program()


if __name__ == "__main__":
    main()
