"""Reports of mails that came back: only one that says so counts, and none breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.mail.bounces import came_back
from tests.platforms.mail.test_mail import DSN


def test_a_report_of_a_failure_counts_and_one_of_a_delay_does_not() -> None:
    assert came_back(DSN)
    assert came_back(DSN.replace(b"\n", b"\r\n"))
    assert came_back(DSN.replace(b"Action: failed", b"action:  FAILED "))
    assert not came_back(DSN.replace(b"Action: failed", b"Action: delayed"))
    assert not came_back(DSN.replace(b"Action: failed", b"Action: delivered").replace(b"5.1.1", b"2.0.0"))
    assert not came_back(DSN.replace(b"5.1.1", b"4.2.2"))
    assert not came_back(DSN.replace(b"message/delivery-status", b"text/plain"))


@pytest.mark.parametrize("depth", [10, 3_000])
def test_parts_in_parts_end_somewhere(depth: int) -> None:
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(depth))
    assert not came_back(nested + DSN.replace(b"Action: failed", b"Action: delayed"))


@given(st.binary(max_size=400), st.integers(0, len(DSN)), st.integers(0, len(DSN)))
def test_no_report_breaks_the_reader(noise: bytes, start: int, end: int) -> None:
    assert came_back(DSN[:start] + noise + DSN[end:]) in (True, False)
