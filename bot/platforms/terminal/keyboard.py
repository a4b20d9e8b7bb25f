"""Sources of typed lines: a stream or a script. `prompt` is a third, for a person. Each ends with None."""

from __future__ import annotations

import asyncio
import io
import re
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from bot.platforms.terminal.sanitize import one_line
from bot.platforms.terminal.typed import LONGEST_LINE

_LINES_AHEAD = 100
_NO_TEXT = re.compile("[\udc80-\udcff]")


class Keyboard(Protocol):
    """A source of lines."""

    attended: bool
    """Whether a person watches, who wants a greeting and an echo of the lines."""

    async def line(self, prompt: str) -> str | None:
        """The next line; None at the end."""
        ...

    def screen(self) -> AbstractContextManager[None]:
        """While this is held, output does not garble the line that is being typed."""
        ...


def is_text(line: str) -> bool:
    """Whether all bytes of a line could be decoded; `Stream` reads each other byte as half of a surrogate pair."""
    return not _NO_TEXT.search(line)


class Stream:
    """Lines from a pipe or a file. A thread of its own reads them, so that nothing else waits."""

    attended = False

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):  # bytes that are no text cost their line alone
            stream.reconfigure(errors="surrogateescape")
        self._stream = stream
        self._lines: asyncio.Queue[str | None] | None = None

    async def line(self, prompt: str) -> str | None:
        """The next line of the stream, without a prompt."""
        if self._lines is None:
            self._lines = asyncio.Queue(_LINES_AHEAD)
            # A daemon thread, because a silent pipe must not keep the program from ending.
            threading.Thread(
                target=self._read, args=(self._lines, asyncio.get_running_loop()), name="typed lines", daemon=True
            ).start()
        return await self._lines.get()

    def screen(self) -> AbstractContextManager[None]:
        """Nothing is being typed that could be garbled."""
        return nullcontext()

    def _read(self, lines: asyncio.Queue[str | None], loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has closed
            try:
                while line := self._stream.readline(LONGEST_LINE):
                    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            except (OSError, ValueError):  # a stream that breaks or is no text ends here
                pass
            asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()


class Script:
    """Lines of a program, shown as if a person had typed them."""

    attended = True

    def __init__(self, lines: AsyncIterator[str], console: Console) -> None:
        self._lines, self._console = lines, console

    async def line(self, prompt: str) -> str | None:
        """The next line of the script, echoed after the prompt."""
        line = await anext(self._lines, None)
        if line is not None:
            self._console.print(Text.assemble("\n", (prompt, "bold cyan"), one_line(line)), soft_wrap=True)
        return line

    def screen(self) -> AbstractContextManager[None]:
        """Nothing is being typed that could be garbled."""
        return nullcontext()
