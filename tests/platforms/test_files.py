"""Files that members hand over, in whatever encoding their program writes."""

from __future__ import annotations

import pytest

from bot.platforms.files import decoded, is_readable

TEXT = "@article{K1, title={Über die Größe neuronaler Netze}, author={Müller, Jörg}}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_is_read_in_its_encoding(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Größe Übung".encode() + b"\xfc", "Größe Übung\ufffd"),
        ("Größe Übung ñ".encode()[:-1], "Größe Übung \ufffd"),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"plain", "plain"),
    ],
)
def test_a_damaged_letter_costs_no_other(content: bytes, text: str) -> None:
    assert decoded(content) == text


def test_bibliographies_and_plain_texts_are_readable() -> None:
    assert is_readable("a.RIS", "application/octet-stream")
    assert is_readable("a", "application/x-research-info-systems")
    assert not is_readable("a.pdf", "application/pdf")
