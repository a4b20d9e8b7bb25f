"""Reads the reports of mail servers about mails that came back (RFC 3464)."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

_MOST_PARTS = 50
_MOST_BYTES = 64 * 1024
"""Bytes of a report that are read: the part for programs comes before the mail that came back."""


def came_back(report: bytes) -> bool:
    """Whether a report says that a mail failed for good. A report of a delay does not, and nothing else is a report."""
    try:
        return any(map(_says_failed, _status_fields(report)))
    except (RecursionError, ValueError, LookupError):  # parts in parts without end, or an unknown encoding
        return False


def _says_failed(fields: Message) -> bool:
    action, status = (str(fields.get(name, "")).strip().casefold() for name in ("Action", "Status"))
    return action == "failed" and status.startswith("5")


def _status_fields(report: bytes) -> Iterator[Message]:
    """The groups of fields in the part of a report that programs read."""
    for number, part in enumerate(message_from_bytes(report, policy=compat32).walk()):
        if number > _MOST_PARTS:
            return
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            yield from (group for group in part.get_payload() if isinstance(group, Message))
