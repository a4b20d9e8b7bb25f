"""`python -m tests.platforms.terminal_process FOLDER`: a terminal platform in a process of its own.

Its service posts a card when suggestions for `half` are wanted, never answers `for ever`, and writes what it was told
to `told.json` in the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bot.commands.registry import COMMANDS
from bot.model.messages import Asker, Card, Message, Place, Reply
from bot.platforms.terminal import TerminalPlatform
from tests.platforms.recording_service import RecordingService


class ProcessDesk(RecordingService):
    def __init__(self, platform: TerminalPlatform) -> None:
        super().__init__(suggestions=["federated learning"])
        self._platform = platform

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        if line == "for ever":
            print("waiting", flush=True)  # noqa: T201
            await asyncio.Event().wait()
        return await super().ask(place, asker, line)

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        if line == "half":
            await self._platform.send(place, Message(card=Card("1", "Posted while somebody types")), "key-1")
        return await super().suggest(place, line, limit)


def main(folder: Path) -> int:
    if sys.stdin.isatty():
        os.close(os.open(os.ttyname(0), os.O_RDWR))  # makes it the session's own, so that Ctrl-C is a signal
    platform = TerminalPlatform(folder, Console(), lambda: datetime(2026, 3, 2, 8, tzinfo=UTC), COMMANDS)
    service = ProcessDesk(platform)

    async def visit() -> None:
        # With a handler of the loop's own every signal wakes it; without, one that comes just before it sleeps is late.
        running = asyncio.current_task()
        assert running
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        await platform.run(service)

    try:
        asyncio.run(visit())
    except KeyboardInterrupt:
        return 130
    finally:
        told = {
            "asked": [line for _, _, line in service.asked],
            "reactions": [each.emoji for each in service.reactions],
        }
        (folder / "told.json").write_text(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
