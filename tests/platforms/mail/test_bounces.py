"""Reports about mails that came back, also those that want to harm the bot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.mail.bounces import came_back

STATUS = b"Content-Type: message/delivery-status\r\n\r\n"
FIELDS = STATUS + b"Reporting-MTA: dns; mx.example\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
REPORT = (
    b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n'
    + FIELDS
    + b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"
)


def test_a_report_is_read_whatever_mail_is_behind_it() -> None:
    assert came_back(REPORT + b"x" * 900_000 + b"\r\n--b--\r\n")


@pytest.mark.parametrize(
    "opening",
    [
        lambda number: b"Content-Type: message/rfc822\r\n\r\n",
        lambda number: b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number),
    ],
)
def test_parts_within_parts_are_no_report(opening: object) -> None:
    assert callable(opening)
    assert not came_back(b"".join(opening(number) for number in range(20_000)))


def test_a_million_bytes_of_fields_are_read_at_their_beginning_only() -> None:
    late = STATUS + b"Action: delayed\r\n\r\n" * 50_000 + b"Action: failed\r\n\r\n"
    assert not came_back(late)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(body: bytes) -> None:
    came_back(body)
    came_back(b"Content-Type: multipart/report; boundary=" + body)
    came_back(STATUS + body)
