"""The terminal platform: it keeps messages in a log and shows them in a chat."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console

from bot.model.commands import Commands
from bot.model.messages import Message, Place
from bot.platforms.terminal.chat import PLATFORM, Chat, NextDay
from bot.platforms.terminal.keyboard import Keyboard, Script, Stream
from bot.platforms.terminal.numbers import Numbers
from bot.platforms.terminal.sanitize import MAX_TEXT, fit
from bot.platforms.terminal.screen import Screen
from bot.platforms.terminal.terminal_log import TerminalLog
from bot.platforms.terminal.typed import channel_name, member_name
from bot.ports.platform import BotApi, Capabilities, Clock, PlatformError, Rejected

_FOREVER_SECONDS = 10 * 365 * 86_400.0


class TerminalPlatform:
    """Implements `bot.ports.platform.Platform` for one person at a terminal.

    `folder` keeps the log, the history of typed lines and attachments. Lines come from `script` if it is given (shown
    as if typed), else from a prompt if `stdin` and `console` are terminals, else from `stdin`. `next_day` lets a day
    pass for `/next`; without it days pass by themselves. `farewell` is shown when the person leaves.
    `zone` is the IANA time zone of the person.
    """

    name = PLATFORM
    capabilities = Capabilities(
        max_text=MAX_TEXT,
        idempotent_for=_FOREVER_SECONDS,
        lookup=True,
        reads_reactions=True,
        private_replies=True,
        threads=True,
        numbers=10,
    )

    def __init__(
        self,
        folder: Path,
        console: Console,
        clock: Clock,
        commands: Commands,
        *,
        who: str = "you",
        channel: str = "papers",
        next_day: NextDay | None = None,
        farewell: str = "Bye; all is kept.",
        stdin: TextIO | None = None,
        script: AsyncIterator[str] | None = None,
        log: TerminalLog | None = None,
        zone: str = "",
    ) -> None:
        self.log = log or TerminalLog(folder)
        self._folder, self._console, self._clock, self._next_day = folder, console, clock, next_day
        self._commands = commands
        self._farewell, self._zone = farewell, zone
        self._who, self._channel = member_name(who) or "you", channel_name(channel) or "papers"
        self._keyboard: Keyboard | None = None
        stdin = stdin or sys.stdin
        if script is not None:
            self._keyboard = Script(script, console)
        elif not (stdin.isatty() and console.is_terminal):
            self._keyboard = Stream(stdin)
        self._screen = Screen(console, folder / "files")
        self._chat: Chat | None = None

    @property
    def numbers(self) -> Numbers:
        """The numbered papers of the channel on the screen."""
        return self._screen.numbers

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message; a key is posted once, however often it is sent.

        Raises `NotAccepted` (disk full), `AccessLost` (the log can't be reached), `Uncertain` (the disk did not
        confirm) and `Rejected` (there is nothing to show).
        """
        message = fit(message)
        if not (message.text or message.card or message.lines):
            raise Rejected("There is nothing in this message that could be shown.")
        try:
            return await asyncio.to_thread(self.log.post, place, key, message, self._clock())
        finally:
            await self._show(place)

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the message posted under the key. The log knows every key, so `after` is not needed."""
        return await asyncio.to_thread(self.log.find, place, key, since)

    async def zone_of(self, place: Place, member: str) -> str:
        """The time zone of the person at the terminal."""
        return self._zone

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The current (member, emoji) pairs on a message."""
        return await asyncio.to_thread(self.log.reactions, place, message)

    async def unreact(self, place: Place, message: str, member: str, emoji: str) -> None:
        """Take a member's emoji off a message."""
        await asyncio.to_thread(self.log.react, place, message, member, emoji, on=False, at=self._clock())

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Show a text for one member; it is lost while no chat runs."""
        if self._chat:
            self._chat.tell(member, text)

    async def run(self, service: BotApi) -> None:
        """Chat until the person leaves, or until cancelled."""
        chat = Chat(
            service,
            self.log,
            self._screen,
            self._clock,
            self._commands,
            self._who,
            self._channel,
            self._next_day,
            self._farewell,
        )
        self._chat = chat
        try:
            await chat.run(self._keyboard or self._prompt(chat))
        finally:
            self._chat = None

    def _prompt(self, chat: Chat) -> Keyboard:
        from bot.platforms.terminal.prompt import Prompt  # prompt_toolkit loads slowly, and pipes do not need it

        return Prompt(self._folder / "history", chat.suggest, chat.status)

    async def _show(self, place: Place) -> None:
        """Show new posts if possible. A closed console does not make a post fail."""
        with suppress(PlatformError, OSError, ValueError):
            if self._chat:
                await self._chat.posted(place)
