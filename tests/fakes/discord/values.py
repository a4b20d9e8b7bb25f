"""What passes through the fake Discord: calls, refusals, files. All times come from its clock unless said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]

REFUSALS: dict[int, tuple[int, str]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (404, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    30010: (400, "Maximum number of reactions reached (20)"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40066: (400, "There are no tags available that can be set by non-moderators"),
    40067: (400, "A tag is required to create a forum post in this channel"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (403, "Cannot reply without permission to read message history"),
    160006: (400, "Maximum number of active threads reached"),
    160004: (400, "A thread has already been created for this message"),
}
"""HTTP status and words of each code: docs.discord.com/developers/topics/opcodes-and-status-codes."""


class Refused(Exception):
    """Discord answers `{"code": code, "message": …, "errors": errors}`."""

    def __init__(self, code: int, errors: Json | None = None) -> None:
        status, message = REFUSALS[code]
        super().__init__(f"{code} {message}")
        self.code, self.status, self.errors = code, status, errors
        self.body: Json = {"code": code, "message": message} | ({"errors": errors} if errors else {})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent."""

    filename: str
    content: bytes


@dataclass(slots=True)
class Call:
    """One REST call as it came, and what was answered; `status` stays 0 when the reply was lost.

    `name` is the route's: create_message, get_reactions…
    """

    name: str
    method: str
    path: str
    where: dict[str, str]
    query: dict[str, str]
    body: Any
    at: datetime
    files: list[Upload] = field(default_factory=list)
    status: int = 0
    answer: Any = None

    @property
    def ok(self) -> bool:
        """Whether Discord said yes, and the answer was sent."""
        return 200 <= self.status < 300
