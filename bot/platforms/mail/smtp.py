"""Sends single mails over SMTP, and tells for each whether the server took it, refused it, or may have taken it.

RFC 5321: the server is responsible for a mail once it has answered 250 to the end of the data. Until the first byte of
the data a failure means that nothing was sent; after that only an answer can tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from bot.platforms.mail.answers import (
    LATER_SECONDS,
    PERMANENT,
    SOON_SECONDS,
    TEMPORARY,
    cause,
    codes,
    refusal,
    refused_for_now,
    unusable,
)
from bot.ports.platform import NotAccepted, PlatformError, Rejected, Uncertain
from bot.settings.groups import EmailSettings

_SUBMISSION, _SUBMISSION_TLS = 587, 465
_IDLE_SECONDS = 5.0
"""Seconds for which a connection waits for another mail before it is closed."""
_GOODBYE_SECONDS = 2.0
_START_DATA, _DONE = 354, 250


class RecipientRefused(Rejected):
    """The server refuses this recipient for good; the mail was not sent."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server as `email.smtp_url` names it. `tls` from the start, or `starttls` as the settings say."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    starttls: str = "auto"

    @classmethod
    def of(cls, email: EmailSettings) -> SmtpServer:
        """The server of the settings."""
        url = urlsplit(email.smtp_url.get_secret_value())
        tls = url.scheme == "smtps"
        port = url.port or (_SUBMISSION_TLS if tls else _SUBMISSION)
        user, password = unquote(url.username or ""), unquote(url.password or "")
        return cls(url.hostname or "", port, user, password, tls, email.starttls)

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, where nobody listens between."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class SmtpClient:
    """A client of one mail server that keeps connections open for a batch of mails.

    `name` is this machine's name in EHLO. `ready_seconds` is the time until the server must be ready for the data of a
    mail, with the wait for a free connection. `taking_seconds` is the time for the data and its answer. `send_seconds`
    is the time for both.
    """

    def __init__(
        self,
        server: SmtpServer,
        name: str,
        *,
        ready_seconds: float,
        taking_seconds: float,
        connections: int = 2,
        idle_seconds: float = _IDLE_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self.server, self._name, self._tls_context = server, name, tls_context
        self._ready_seconds, self._taking_seconds, self._idle_seconds = ready_seconds, taking_seconds, idle_seconds
        self.send_seconds = ready_seconds + taking_seconds
        self._free = asyncio.Semaphore(connections)
        self._idle: list[tuple[SMTP, asyncio.TimerHandle]] = []
        self._farewells = set[asyncio.Task[None]]()

    async def send(self, sender: str, recipient: str, content: bytes) -> None:
        """Send one mail to one recipient. Both are addresses without a name; the sender may be empty.

        Raises NotAccepted, RecipientRefused, Rejected, and Uncertain where the server may have taken the mail.
        """
        is_prepared = False
        try:
            async with asyncio.timeout(self._ready_seconds) as timeout, self._connection() as connection:
                await self._announce(connection, sender, recipient)
                is_prepared = True
                timeout.reschedule(asyncio.get_running_loop().time() + self._taking_seconds)
                await _transmit(connection, content)
        except TimeoutError:
            if is_prepared:
                raise Uncertain("the mail server did not answer after it got the mail") from None
            raise NotAccepted("the mail server was not ready in time", SOON_SECONDS) from None

    async def look(self) -> None:
        """Connect, encrypt and log in as for a mail, and send none. Raises NotAccepted."""
        try:
            async with asyncio.timeout(self._ready_seconds):
                await _part(await self._connected())
        except TimeoutError:
            raise NotAccepted("the mail server was not ready in time", SOON_SECONDS) from None

    async def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._retire(self._idle[0][0])
        await asyncio.gather(*self._farewells, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[SMTP]:
        """A connection that is ready for a mail. It is kept for the next mail if the block raises no error, or one
        that came as a clear answer of the server."""
        async with self._free:
            connection = await self._usable()
            try:
                yield connection
            except (NotAccepted, Rejected):
                if connection.is_connected:
                    self._keep(connection)
                raise
            except BaseException:
                connection.close()
                raise
            self._keep(connection)

    async def _usable(self) -> SMTP:
        """An idle connection that still answers, or a new one."""
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            with contextlib.suppress(SMTPException, OSError):
                if (await connection.rset()).code == _DONE:
                    return connection
            connection.close()
        return await self._connected()

    def _keep(self, connection: SMTP) -> None:
        loop = asyncio.get_running_loop()
        self._idle.append((connection, loop.call_later(self._idle_seconds, self._retire, connection)))

    def _retire(self, connection: SMTP) -> None:
        """Close an idle connection politely, in the background."""
        for entry in [entry for entry in self._idle if entry[0] is connection]:
            entry[1].cancel()
            self._idle.remove(entry)
            task = asyncio.create_task(_part(connection))
            self._farewells.add(task)
            task.add_done_callback(self._farewells.discard)

    async def _connected(self) -> SMTP:
        server = self.server
        connection = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=self._name,
            timeout=self._ready_seconds,
            use_tls=server.tls,
            start_tls=False,
            tls_context=self._context() if server.tls else None,
        )
        try:
            await connection.connect()
            await connection.ehlo()
            await self._encrypt(connection)
            await self._log_in(connection)
        except PlatformError:
            connection.close()
            raise
        except (SMTPException, OSError, ValueError) as error:
            connection.close()
            raise unusable(error) from None
        except BaseException:
            connection.close()
            raise
        return connection

    async def _encrypt(self, connection: SMTP) -> None:
        server = self.server
        if server.tls or server.starttls == "never":
            return
        if connection.supports_extension("starttls"):
            await connection.starttls(tls_context=self._context(), server_hostname=server.host)
            await connection.ehlo()
        elif server.starttls == "required":
            raise NotAccepted("the mail server offers no encryption, and email.starttls requires it", SOON_SECONDS)

    async def _log_in(self, connection: SMTP) -> None:
        server = self.server
        if not server.user:
            return
        if not (server.is_local or connection.get_transport_info("sslcontext")):
            raise NotAccepted("the mail server offers no encryption, so the password was not sent", SOON_SECONDS)
        try:
            await connection.login(server.user, server.password)
        except SMTPAuthenticationError as error:
            raise NotAccepted(
                f"the mail server refuses the user or the password ({codes(error)})", LATER_SECONDS
            ) from None

    def _context(self) -> ssl.SSLContext:
        if self._tls_context:
            return self._tls_context
        context = ssl.create_default_context()
        if self.server.is_local:  # its certificate is rarely one that others vouch for
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    @staticmethod
    async def _announce(connection: SMTP, sender: str, recipient: str) -> None:
        """Everything before the data. Nothing is sent if it fails."""
        try:
            await connection.mail(sender)
            await connection.rcpt(recipient)
            answer = await connection.execute_command(b"DATA")
        except SMTPResponseException as error:
            if isinstance(error, SMTPRecipientRefused) and error.code // 100 == PERMANENT:
                raise RecipientRefused(f"the address was refused ({codes(error)})") from None
            if error.code // 100 in (TEMPORARY, PERMANENT):
                raise refused_for_now(error) from None
            connection.close()
            raise unusable(error) from None
        except (SMTPException, OSError, ValueError) as error:
            connection.close()
            raise unusable(error) from None
        if answer.code // 100 in (TEMPORARY, PERMANENT):
            raise refusal(answer)
        if answer.code != _START_DATA:
            connection.close()
            raise NotAccepted(f"the mail server can't be used: it answered {answer.code} to DATA", SOON_SECONDS)


async def _transmit(connection: SMTP, content: bytes) -> None:
    """Send the data of a mail, and read the answer that decides."""
    assert connection.protocol is not None
    try:
        connection.protocol.write(_stuffed(content))
        answer = await connection.protocol.read_response(None)
    except (SMTPException, OSError) as error:
        raise Uncertain(f"no clear answer of the mail server after it got the mail: {cause(error)}") from None
    if answer.code // 100 in (TEMPORARY, PERMANENT):
        raise refusal(answer)
    if answer.code != _DONE:
        raise Uncertain(f"the mail server answered {answer.code} after it got the mail")


def _stuffed(content: bytes) -> bytes:
    """The data as it goes over the wire: lines end in CRLF, lines that begin with a dot get another one, and a dot
    alone ends it all (RFC 5321, 4.5.2)."""
    lines = re.split(rb"\r\n|\r|\n", content.removesuffix(b"\n").removesuffix(b"\r"))
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


async def _part(connection: SMTP) -> None:
    """Say goodbye and close, whatever the server does."""
    with contextlib.suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await connection.quit()
    connection.close()
