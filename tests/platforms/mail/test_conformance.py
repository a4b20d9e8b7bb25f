"""Mail is a platform like any other, with what it can't do told by its capabilities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from bot.model.messages import Message, Place
from bot.model.subscriptions import Wish
from bot.platforms.mail.platform import MailPlatform
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected
from bot.store.database import Store
from bot.store.opening import open_store
from tests.fakes.clock import Clock
from tests.fakes.smtp import MailServer, mail_server
from tests.platforms.conformance import PlatformConformance, PlatformUnderTest, Seen
from tests.platforms.mail.mailbox import ADA, BEN, mail_platform
from tests.platforms.recording_service import RecordingService


class MailReaders:
    """Implements `conformance.PlatformUnderTest` for mail."""

    custom_emoji = ""

    def __init__(self, folder: Path, store: Store, server: MailServer) -> None:
        self.service, self.clock = RecordingService(), Clock()
        self._folder, self._store, self._server = folder, store, server
        self._task: asyncio.Task[None] | None = None
        self.platform = self._new()
        self.place = self.elsewhere = Place("mail", "")

    def _new(self) -> MailPlatform:
        platform, self._subscriptions = mail_platform(self._store, self._server, self.clock, self._folder / "key")
        return platform

    async def subscribe(self) -> None:
        self.place = await self._subscriptions.confirm(Wish(ADA))
        self.elsewhere = await self._subscriptions.confirm(Wish(BEN))

    def now(self) -> datetime:
        return self.clock()

    async def start(self) -> None:
        self._task = asyncio.create_task(self.platform.run(self.service))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def restart(self) -> None:
        await self.stop()
        self.platform = self._new()
        await self.start()

    async def seen(self, place: Place) -> list[Seen]:
        mails = self._server.to(ADA if place == self.place else BEN)
        return [Seen(str(mail.message["Message-ID"]).strip("<>"), mail.part("plain")) for mail in mails]

    async def bot_reacts(self, message: str, emoji: str) -> None:
        """Nobody can."""

    async def react(self, member: str, message: str, emoji: str, *, on: bool = True) -> None:
        raise NotImplementedError

    async def ask(self, member: str, line: str) -> str:
        raise NotImplementedError

    async def press(self, member: str, message: str, command: str) -> str:
        raise NotImplementedError

    async def press_number(self, member: str, message: str, number: int) -> str:
        raise NotImplementedError

    async def press_offered(self, member: str, label: str) -> str:
        raise NotImplementedError

    @contextmanager
    def trouble(self, error: type[PlatformError]) -> Iterator[Message]:
        if error is NotAccepted:
            self._server.recipient_answers[ADA].append("451 4.7.1 later")
        elif error is Rejected:
            self._server.data_answers.append("554 5.6.0 no")
        elif error is AccessLost:
            subscribed, self.place = self.place, Place("mail", "0" * 16)
            yield Message("Good morning.")
            self.place = subscribed
            return
        else:
            self._server.data_answers.append("cut")
        yield Message("Good morning.")


class TestMail(PlatformConformance):
    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        folder.mkdir()
        return _subscribed(folder)


@asynccontextmanager
async def _subscribed(folder: Path) -> AsyncIterator[MailReaders]:
    store = await open_store(f"sqlite:///{folder / 'paperboy.db'}")
    async with mail_server() as server:
        readers = MailReaders(folder, store, server)
        await readers.subscribe()
        await readers.start()
        try:
            yield readers
        finally:
            await readers.stop()
            await store.close()
