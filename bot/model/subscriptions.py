"""What somebody subscribes to by mail, and the addresses that mail can go to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.model.text import cut, plain_text

_LONGEST_ADDRESS, _LONGEST_LOCAL_PART = 254, 64
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Content(StrEnum):
    """What a subscription gets."""

    TRENDING = "trending"  # the papers that stand out, and with votes those of its own taste
    SEARCH = "search"  # the new papers that match a query
    CHANNEL = "channel"  # the picks of a channel, by its secret link


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for and has not confirmed yet.

    `subject` is the query of a search, or the token of a channel's link. `zone` is an IANA name, `hour` is HH:MM there.
    `platform`, `workspace` and `member` name the member who asked in chat.
    """

    address: str
    content: Content = Content.TRENDING
    subject: str = ""
    weekly: bool = False
    hour: str = "09:00"
    zone: str = "UTC"
    platform: str = ""
    workspace: str = ""
    member: str = ""


def read_address(text: str) -> str:
    """The mail address in a text, its domain in small ASCII letters. Raises ValueError, whose text says what is wrong.

    >>> read_address(" Ada@Bücher.Example ")
    'Ada@xn--bcher-kva.example'
    """
    local_part, _, domain = text.strip().removeprefix("mailto:").rpartition("@")
    try:
        domain = domain.lower().encode("idna").decode()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    is_address = (
        len(local_part) <= _LONGEST_LOCAL_PART
        and len(local_part) + 1 + len(domain) <= _LONGEST_ADDRESS
        and _LOCAL_PART.fullmatch(local_part)
        and len(labels) > 1
        and all(map(_LABEL.fullmatch, labels))
        and not labels[-1].isdigit()
    )
    if not is_address:
        raise ValueError("is no mail address like you@example.org")
    return f"{local_part}@{domain}"


def wish_text(wish: Wish) -> str:
    """What somebody asked for, as a part of a sentence.

    >>> wish_text(Wish("ada@example.org", Content.SEARCH, "federated learning", weekly=True))
    'new papers about “federated learning” every Monday at 09:00 (UTC)'
    """
    match wish.content:
        case Content.TRENDING:
            what = "trending papers"
        case Content.SEARCH:
            what = f"new papers about “{cut(plain_text(wish.subject), 200)}”"
        case Content.CHANNEL:
            what = "a channel's picks"
    return f"{what} every {'Monday' if wish.weekly else 'day'} at {wish.hour} ({wish.zone})"
