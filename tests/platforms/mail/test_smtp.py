"""The SMTP client against a real server, and against servers that hang, refuse, cut off and answer nonsense."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.platforms.mail.smtp import RecipientRefused, SmtpClient, SmtpServer, _stuffed
from bot.ports.platform import NotAccepted, PlatformError, Rejected, Uncertain
from bot.settings.groups import EmailSettings
from tests.fakes.smtp import certificate, mail_server, scripted_server
from tests.support.harness import comes_true

ADA = "ada@example.org"
MAIL = b"Subject: Papers\r\n\r\nThree papers.\r\n"
GREETING, WELCOME, OK, GO_ON = b"220 mail.test\r\n", b"250 mail.test\r\n", b"250 OK\r\n", b"354 go on\r\n"


@asynccontextmanager
async def client_of(
    url: str,
    *,
    starttls: str = "auto",
    tls_context: ssl.SSLContext | None = None,
    ready_seconds: float = 5.0,
    taking_seconds: float = 5.0,
    idle_seconds: float = 5.0,
) -> AsyncIterator[SmtpClient]:
    server = SmtpServer.of(EmailSettings(smtp_url=SecretStr(url), starttls=starttls))
    client = SmtpClient(
        server,
        "papers.example.org",
        ready_seconds=ready_seconds,
        taking_seconds=taking_seconds,
        idle_seconds=idle_seconds,
        tls_context=tls_context,
    )
    yield client
    await client.close()


async def holds(condition: bool) -> bool:
    return condition


async def send(client: SmtpClient, recipient: str = ADA, content: bytes = MAIL) -> None:
    await client.send("papers@example.org", recipient, content)


async def test_a_batch_goes_over_one_connection() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        for number in range(20):
            await send(client, f"reader{number}@example.org")
    assert [each.recipient for each in server.received] == [f"reader{number}@example.org" for number in range(20)]
    assert {each.sender for each in server.received} == {"papers@example.org"}
    assert server.connections == 1


async def test_mails_at_the_same_time_share_the_connections() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        await asyncio.gather(*(send(client, f"reader{number}@example.org") for number in range(20)))
    assert len(server.received) == 20
    assert server.connections == 2


async def test_an_idle_connection_is_closed_and_another_one_opened() -> None:
    async with mail_server() as server, client_of(server.url, idle_seconds=0.0) as client:
        await send(client)
        await comes_true(lambda: holds(not client._idle))
        await send(client)
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        await send(client)
        [(connection, _)] = client._idle
        assert isinstance(connection.transport, asyncio.Transport)
        connection.transport.abort()
        await send(client)
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.1.1 no ada@example.org here", RecipientRefused),
        ("553 go away", RecipientRefused),
        ("451 4.7.1 greylisted", NotAccepted),
        ("421 too busy", NotAccepted),
        ("hello?", NotAccepted),
        ("999 well", NotAccepted),
    ],
)
async def test_a_refused_recipient_gets_nothing_and_the_next_one_does(answer: str, error: type[PlatformError]) -> None:
    async with mail_server() as server, client_of(server.url) as client:
        server.recipient_answers[ADA].append(answer)
        with pytest.raises(error) as caught:
            await send(client)
        assert type(caught.value) is error
        assert "ada" not in str(caught.value)
        assert server.received == []
        await send(client, "ben@example.org")
        await send(client)
    assert [each.recipient for each in server.received] == ["ben@example.org", ADA]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("552 5.3.4 too large", Rejected),
        ("451 later", NotAccepted),
        ("cut", Uncertain),
        ("drop", Uncertain),
        ("299 perhaps", Uncertain),
        ("777 seven", Uncertain),
    ],
)
async def test_what_the_answer_to_the_data_means(answer: str, error: type[PlatformError]) -> None:
    async with mail_server() as server, client_of(server.url) as client:
        server.data_answers.append(answer)
        with pytest.raises(error) as caught:
            await send(client)
        assert type(caught.value) is error
        taken = len(server.received)
        await send(client)
        assert len(server.received) == taken + 1


async def test_a_temporary_refusal_says_when_to_try_again() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        server.recipient_answers[ADA].append("450 4.2.2 full")
        with pytest.raises(NotAccepted, match=r"450 4\.2\.2, the mailbox is full") as caught:
            await send(client)
        assert caught.value.retry_after == 300


async def test_a_server_that_hangs_before_the_data_got_nothing() -> None:
    async with mail_server() as server, client_of(server.url, ready_seconds=0.3) as client:
        server.recipient_answers[ADA].append("hang")
        with pytest.raises(NotAccepted, match="not ready in time"):
            await send(client)
    assert server.received == []


async def test_a_server_that_hangs_after_the_data_may_have_taken_the_mail() -> None:
    async with mail_server() as server, client_of(server.url, taking_seconds=0.3) as client:
        server.data_answers.append("hang")
        with pytest.raises(Uncertain, match="did not answer"):
            await send(client)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [],  # it never greets
        [None],
        [b"nonsense\r\n"],
        [b"554 no\r\n"],
        [b"\x00\xff" * 4000],
        [b"2" * 70_000],
        [GREETING],
        [GREETING, None],
        [GREETING, b"502 no\r\n", b"502 no\r\n"],
        [GREETING, b"250-" * 20_000 + b"\r\n"],
        [GREETING, WELCOME, b"%&/\r\n"],
        [GREETING, WELCOME, OK, None],
        [GREETING, WELCOME, OK, b"\r\n"],
        [GREETING, WELCOME, OK, OK],
        [GREETING, WELCOME, OK, OK, b"250 no need to\r\n"],
        [GREETING, WELCOME, OK, OK, b"503 no\r\n"],
        [GREETING, WELCOME, OK, OK, None],
    ],
)
async def test_whatever_goes_wrong_before_the_data_nothing_was_sent(answers: Sequence[bytes | None]) -> None:
    async with scripted_server(answers) as url, client_of(url, ready_seconds=0.5) as client:
        with pytest.raises((NotAccepted, Rejected)):
            await send(client)


@pytest.mark.parametrize("answer", [None, b"", b"what?\r\n", b"25\r\n", b"250-\r\n", b"\xff\xfe\r\n", b"3" * 70_000])
async def test_whatever_goes_wrong_after_the_data_is_uncertain(answer: bytes | None) -> None:
    answers = [GREETING, WELCOME, OK, OK, GO_ON, answer]
    async with scripted_server(answers) as url, client_of(url, taking_seconds=0.5) as client:
        with pytest.raises(Uncertain):
            await send(client)


async def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    async with mail_server() as server:
        url = server.url
    async with client_of(url) as client:
        with pytest.raises(NotAccepted, match=r"can't be used") as caught:
            await send(client)
    assert caught.value.retry_after == 60


async def test_the_connection_is_encrypted_where_the_server_offers_it(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path)
    async with mail_server(tls=tls) as server:
        async with client_of(server.url) as client:
            await send(client)
        assert server.tls_sessions == 1
        async with client_of(server.url, starttls="never") as client:
            await send(client)
        assert server.tls_sessions == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_given(tmp_path: Path) -> None:
    tls, file = certificate(tmp_path)
    async with mail_server(tls=tls) as server:
        async with client_of(server.url, tls_context=ssl.create_default_context()) as client:
            with pytest.raises(NotAccepted, match="its certificate is not valid"):
                await send(client)
        async with client_of(server.url, tls_context=ssl.create_default_context(cafile=str(file))) as client:
            await send(client)
    assert len(server.received) == 1


async def test_required_encryption_sends_nothing_in_clear() -> None:
    async with mail_server() as server, client_of(server.url, starttls="required") as client:
        with pytest.raises(NotAccepted, match=r"email\.starttls requires"):
            await send(client)
    assert server.received == []


async def test_the_user_logs_in(tmp_path: Path) -> None:
    tls, _ = certificate(tmp_path)
    async with mail_server(tls=tls, login=True) as server:
        async with client_of(f"smtp://ada%40example.org:right@127.0.0.1:{server.port}") as client:
            await send(client)
        assert server.logins == [(ADA, "right")]
        async with client_of(f"smtp://ada:wrong@127.0.0.1:{server.port}") as client:
            with pytest.raises(NotAccepted, match="refuses the user or the password") as caught:
                await client.look()
        assert "wrong" not in str(caught.value)
    assert len(server.received) == 1


async def test_a_password_never_leaves_the_machine_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmtpServer, "is_local", property(lambda _: False))
    async with mail_server(login=True, login_without_tls=True) as server:
        async with client_of(f"smtp://ada:right@127.0.0.1:{server.port}") as client:
            with pytest.raises(NotAccepted, match="the password was not sent"):
                await send(client)
        assert server.logins == []


async def test_a_cancelled_mail_leaves_no_connection_behind() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        server.data_answers.append("hang")
        sending = asyncio.create_task(send(client))
        await comes_true(lambda: holds(bool(server.received)))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert client._idle == []
        await send(client)


async def test_looking_sends_nothing() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        await client.look()
    assert (server.connections, server.received) == (1, [])


@given(st.binary(max_size=300))
def test_no_content_ends_the_data_early(content: bytes) -> None:
    wire = _stuffed(content)
    assert wire.endswith(b".\r\n")
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")


async def test_dots_arrive_as_they_were() -> None:
    async with mail_server() as server, client_of(server.url) as client:
        await send(client, content=b"Subject: x\r\n\r\n.\r\n..two\r\nend")
    assert server.received[0].content.endswith(b"\r\n.\r\n..two\r\nend\r\n")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 587, "", "", False)),
        ("smtps://mail.example.org", ("mail.example.org", 465, "", "", True)),
        ("smtp://u%40x:p%2Fw%3A@mail.example.org:25/", ("mail.example.org", 25, "u@x", "p/w:", False)),
        ("smtp://[::1]:2525", ("::1", 2525, "", "", False)),
    ],
)
def test_the_address_of_the_server_is_read(url: str, server: tuple[str, int, str, str, bool]) -> None:
    read = SmtpServer.of(EmailSettings(smtp_url=SecretStr(url)))
    assert (read.host, read.port, read.user, read.password, read.tls) == server
    assert "p/w" not in repr(read)


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://x", "smtp://", "smtp://a b", "smtp://u:p@x@y", "smtp://x/y"]
)
def test_another_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValidationError, match="is no address like smtp://") as caught:
        EmailSettings(smtp_url=SecretStr(url))
    assert url not in str(caught.value).replace("smtp://user:password@mail.example.org:587", "")
