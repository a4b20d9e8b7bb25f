"""Sends confirmations in the background, so that an answer tells nothing about an address, not even by its time."""

from __future__ import annotations

import asyncio

import structlog

from bot.platforms.mail.smtp import SmtpClient
from bot.ports.platform import NotAccepted, PlatformError, Sleep

log = structlog.get_logger(__name__)
_MOST_WAITING = 200
_TRIES = 4
_LONGEST_WAIT_SECONDS = 600.0


class Outbox:
    """Confirmations on their way. One that is refused for now is tried again; the end of the process loses it, and its
    reader asks again."""

    def __init__(self, client: SmtpClient, sender: str, sleep: Sleep) -> None:
        self._client, self._sender, self._sleep = client, sender, sleep
        self._waiting = set[asyncio.Task[None]]()

    def make_room(self) -> None:
        """Raise NotAccepted if too many confirmations are on their way already."""
        if len(self._waiting) >= _MOST_WAITING:
            raise NotAccepted("too many confirmations are on their way")

    def send(self, recipient: str, content: bytes) -> None:
        """Send a mail, and return at once."""
        task = asyncio.create_task(self._deliver(recipient, content))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def settled(self) -> None:
        """Wait until no mail is on its way."""
        while self._waiting:
            await asyncio.gather(*self._waiting)

    async def stop(self) -> None:
        """Give up the mails that are on their way."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _deliver(self, recipient: str, content: bytes) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                await self._client.send(self._sender, recipient, content)
            except NotAccepted as error:
                if attempt == _TRIES:
                    log.warning("A confirmation by mail was not accepted.", why=str(error))
                    return
                await self._sleep(min(error.retry_after, _LONGEST_WAIT_SECONDS) * attempt)
            except PlatformError as error:
                log.warning("A confirmation by mail was refused, or may be lost.", why=str(error))
                return
            except Exception:
                log.exception("A confirmation by mail could not be sent.")
                return
            else:
                return
