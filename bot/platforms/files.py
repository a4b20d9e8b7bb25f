"""Files with papers that members send to the command that takes files."""

from __future__ import annotations

import codecs

_NAMES = (".bib", ".bibtex", ".ris", ".txt")
_TYPES = ("text/", "application/x-research-info-systems", "application/x-bibtex")
UNREADABLE = "I read BibTeX, RIS and plain text only."
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


def is_readable(name: str, mime_type: str) -> bool:
    """Whether a file can be read: BibTeX, RIS or plain text."""
    return mime_type.startswith(_TYPES) or name.lower().endswith(_NAMES)


def decoded(content: bytes) -> str:
    """The text of a file, which does not tell its encoding: by its mark, else UTF-8, else what Windows calls ANSI.

    A file in UTF-8 with a damaged byte, or cut in the middle of a letter, is still UTF-8: most of its letters say so.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if encoding := _unmarked_utf16(content):
        return content.decode(encoding, errors="replace")
    text = content.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    if damaged and damaged > sum(not letter.isascii() for letter in text) - damaged:
        return content.decode("cp1252", errors="replace")
    return text


def _unmarked_utf16(content: bytes) -> str:
    """The UTF-16 of a file without a mark, whose every second byte is mostly 0; "" for other files."""
    half = max(1, len(content[:2_000]) // 2)
    zeros = content[:2_000:2].count(0) / half, content[1:2_000:2].count(0) / half
    return "utf-16-be" if zeros[0] > 0.5 > zeros[1] else "utf-16-le" if zeros[1] > 0.5 > zeros[0] else ""
