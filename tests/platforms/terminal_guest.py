"""People before a terminal: they type, and read the screen."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console, RenderableType

from bot.commands.registry import COMMANDS
from bot.model.messages import Message, Place
from bot.model.number_emoji import number_of
from bot.platforms.terminal import TerminalPlatform, render
from bot.platforms.terminal.chat import NextDay
from bot.platforms.terminal.terminal_log import TerminalLog
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected
from tests.fakes.clock import Clock
from tests.platforms.conformance import Seen
from tests.platforms.recording_service import RecordingService


class Typist:
    """Types lines one by one, each once the one before has been answered."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._ready = asyncio.Event()

    def __aiter__(self) -> Typist:
        return self

    async def __anext__(self) -> str:
        self._ready.set()
        return await self._lines.get()

    async def ready(self) -> None:
        """Until the next line can be typed."""
        await asyncio.wait_for(self._ready.wait(), 10)

    def put(self, line: str) -> None:
        """Type a line and don't wait."""
        self._lines.put_nowait(line)

    def left(self) -> None:
        """Nobody waits for lines any more."""
        self._ready.clear()

    async def type(self, line: str) -> None:
        """Type a line, and wait until it has been answered."""
        await self.ready()
        self._ready.clear()
        self._lines.put_nowait(line)
        await self.ready()


class Disk:
    """An fsync that fails when told to."""

    def __init__(self) -> None:
        self.fails = False

    def fsync(self, file: int) -> None:
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@contextmanager
def full_disk(file: Path, room_left: int = 10) -> Iterator[None]:
    """While held, the kernel lets no file grow beyond `file`'s size and a few bytes (Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + room_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TerminalGuest:
    """Implements `conformance.PlatformUnderTest` for the terminal."""

    place = Place("terminal", "papers", name="papers")
    elsewhere = Place("terminal", "ml-theory", name="ml-theory")
    custom_emoji = ":party_parrot:"

    def __init__(self, folder: Path, *, next_day: NextDay | None = None, clock: Clock | None = None) -> None:
        self.service, self.clock, self.typist, self.disk = RecordingService(), clock or Clock(), Typist(), Disk()
        self.folder, self.screen, self._next_day = folder, io.StringIO(), next_day
        self._task: asyncio.Task[None] | None = None
        self.platform = self._new()

    def _new(self) -> TerminalPlatform:
        return TerminalPlatform(
            self.folder,
            Console(file=self.screen, width=100),
            self.clock,
            COMMANDS,
            who="ada",
            script=self.typist,
            log=TerminalLog(self.folder, self.disk.fsync),
            next_day=self._next_day,
        )

    def now(self) -> datetime:
        return self.clock()

    async def start(self) -> None:
        self._task = asyncio.create_task(self.platform.run(self.service))
        await self.typist.ready()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.typist.left()

    async def ended(self) -> None:
        """Until the chat has ended by itself."""
        if self._task:
            await self._task

    async def restart(self) -> None:
        await self.stop()
        self.platform = self._new()
        await self.start()

    async def enter(self, line: str) -> str:
        """Type a line; what the screen shows in answer."""
        before = self.screen.tell()
        await self.typist.type(line)
        shown = self.screen.getvalue()[before:]
        return shown.split(f"› {line}\n", 1)[-1]

    async def seen(self, place: Place) -> list[Seen]:
        """As somebody sees it who comes later and reads all that was kept."""
        said = TerminalLog(self.folder).messages(place)
        return [Seen(each.id, plain(render.posted(each.message)), each.message.thread) for each in said]

    async def ask(self, member: str, line: str) -> str:
        await self.enter(f"/me {member}")
        return await self.enter(line)

    async def press(self, member: str, message: str, command: str) -> str:
        return await self.ask(member, f"{command} {self._number(message)}")

    async def press_number(self, member: str, message: str, number: int) -> str:
        return await self.ask(member, f"more {self._number(message, number)}")

    async def press_offered(self, member: str, label: str) -> str:
        return await self.ask(member, label)

    async def react(self, member: str, message: str, emoji: str, *, on: bool = True) -> None:
        choice = number_of(emoji)
        number, put = self._number(message, choice), "👍" if choice else emoji
        await self.ask(member, f"{'' if on else '-'}{number} {put}")

    async def bot_reacts(self, message: str, emoji: str) -> None:
        """The terminal's bot can't."""

    def _number(self, message: str, choice: int = 0) -> int:
        papers = self.platform.numbers
        return next(number for number, paper in papers if (paper.message, paper.choice) == (message, choice))

    @contextmanager
    def trouble(self, error: type[PlatformError]) -> Iterator[Message]:
        message = Message("Good morning. " * 20)
        if error is Rejected:
            yield Message("\x1b\u202e")  # nothing of it may be shown
        elif error is NotAccepted:
            with full_disk(self.platform.log.path):
                yield message
        elif error is AccessLost:
            away = self.folder.rename(self.folder.with_name("away"))
            yield message
            away.rename(self.folder)
        else:
            self.disk.fails = True
            yield message
            self.disk.fails = False


def plain(renderable: RenderableType, width: int = 100) -> str:
    """What a renderable looks like without colours."""
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


@asynccontextmanager
async def sitting_at(folder: Path, *, next_day: NextDay | None = None) -> AsyncIterator[TerminalGuest]:
    """Somebody before a terminal whose chat runs."""
    guest = TerminalGuest(folder, next_day=next_day)
    await guest.start()
    try:
        yield guest
    finally:
        await guest.stop()
