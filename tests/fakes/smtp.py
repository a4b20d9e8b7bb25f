"""A mail server on the loopback: aiosmtpd's own protocol, with the faults that a test asks for, and a server that says
only what a test wrote down."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Received:
    """A mail that the server took."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = BytesParser(policy=SMTP_POLICY).parsebytes(self.content)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, subtype: str) -> str:
        """The text of its plain or html part."""
        body = self.message.get_body((subtype,))
        assert body is not None
        return str(body.get_content())


@dataclass
class MailServer:
    """What a server has taken, and how it answers. Answers by recipient are used one by one."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    recipient_answers: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    data_answers: deque[str] = field(default_factory=deque)
    """Answers to the data; "cut" takes the mail and cuts the connection, "hang" takes it and never answers, "drop" cuts
    without taking it."""
    connections: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    tls_sessions: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[Received]:
        return [each for each in self.received if each.recipient == address]

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.tls_sessions += session.ssl is not None
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answers := self.recipient_answers[address]:
            answer = answers.popleft()
            if answer != "hang":
                return answer
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.data_answers.popleft() if self.data_answers else "250 taken"
        if answer in ("cut", "hang") or answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            [recipient] = envelope.rcpt_tos
            self.received.append(Received(envelope.mail_from or "", recipient, envelope.content))
        if answer in ("cut", "drop"):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if answer == "hang":
            await asyncio.Event().wait()
        return answer if answer[0].isdigit() else "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


@contextlib.asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, login: bool = False, login_without_tls: bool = False
) -> AsyncIterator[MailServer]:
    """A mail server on a free port. With `tls` it offers STARTTLS; with `login` it wants a user and a password."""
    state = MailServer()
    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        state.connections += 1
        protocols.append(
            SMTP(
                state,
                hostname="mail.test",
                tls_context=tls,
                authenticator=state.authenticate if login else None,
                auth_required=login and not login_without_tls,
                auth_require_tls=not login_without_tls,
                enable_SMTPUTF8=True,
                loop=asyncio.get_running_loop(),
            )
        )
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for each in protocols:
            if each.transport:
                each.transport.close()
            await _ended(each._handler_coroutine)


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


@contextlib.asynccontextmanager
async def scripted_server(answers: Sequence[bytes | None]) -> AsyncIterator[str]:
    """The address of a server that answers each line with the next of these texts, whatever it was asked. None cuts the
    connection, and after the last it is silent. The first is the greeting. After an answer 354 it waits for the lone
    dot."""
    writers = list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for number, answer in enumerate(answers):
            end = b"\r\n.\r\n" if number and (answers[number - 1] or b"").startswith(b"354") else b"\r\n"
            if number and not await _read_until(reader, end):
                break
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
        else:
            while await reader.read(1000):
                pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def _read_until(reader: asyncio.StreamReader, end: bytes) -> bool:
    try:
        await reader.readuntil(end)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the file of its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key_file)
    return context, file
