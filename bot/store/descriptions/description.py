"""What a description of a table tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What the rows of a table are about."""

    PEOPLE = "people"
    CHANNELS = "channels"
    PAPERS = "papers"


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a table holds, how long its rows are kept, and who sees them. `columns` says what each column is; a column
    in `personal` names a person, or holds what a person wrote."""

    about: About
    what: str
    kept: str
    seen_by: str
    columns: Mapping[str, str]
    personal: frozenset[str] = frozenset()


CHANNEL, PAPER, MEMBER = "the channel", "the paper", "the member's id on the chat platform"
CHAT, TEAM = "the chat platform", "the workspace or server"
ROW = "the number of the row"
UNTIL_FORGOTTEN = "Until the member asks to be forgotten, or the channel is deleted."
WITH_CHANNEL = "Until the channel is deleted."
FOR_EVER = "As long as this Paperboy runs: a paper is announced once."
OPERATOR = "Only whoever runs this Paperboy."
EVERYBODY = "Everybody: it is on the public pages."
