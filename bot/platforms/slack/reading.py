"""Slack's payloads as the bot's own values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.model.messages import Place, PlaceKind

PLATFORM = "slack"
_MARKUP = re.compile(r"<([^<>]*)>")
_ONE_EMOJI = {"thumbsup": "+1", "thumbsdown": "-1"}


_DEEPEST = 50
"""Levels of JSON; Slack's blocks have about a dozen."""
_SAID = ("text", "url", "from_url", "title_link")
"""The keys of texts and links in a message, its blocks, and the previews that Slack adds."""


def place_of(workspace: str, channel: str, name: str = "", *, private: bool | None = None) -> Place:
    """The place of a conversation. The address of a direct conversation begins with D. Few events say of the others
    whether they are private."""
    if channel.startswith("D"):
        return Place(PLATFORM, channel, workspace, name, PlaceKind.DIRECT)
    return Place(PLATFORM, channel, workspace, name, PlaceKind.CHANNEL, private)


def thread_of(message: dict[str, Any], ts: str) -> str:
    """The thread of a message, "" for none. A message that only begins a thread stands in the channel."""
    thread = text_of(message, "thread_ts")
    return "" if thread == ts else thread


def links(message: dict[str, Any]) -> str:
    """All texts and links of a message, in which papers are looked for."""

    def below(node: object) -> Iterator[str]:
        if isinstance(node, list):
            for each in node:
                yield from below(each)
        elif isinstance(node, dict):
            yield from (typed(each, "") for name in _SAID if (each := text_of(node, name)))
            for each in node.values():
                yield from below(each)

    return "\n".join(dict.fromkeys(below(message)))


def emoji(name: str) -> str:
    """An emoji's name as the core takes it. Slack's two names of a thumb become one; the skin tone stays.

    >>> emoji("thumbsup::skin-tone-4"), emoji("party_parrot")
    (':+1::skin-tone-4:', ':party_parrot:')
    """
    bare, tone, rest = name.partition("::")
    return f":{_ONE_EMOJI.get(bare, bare)}{tone}{rest}:"


def moment(ts: str) -> datetime:
    """The time of a message or an event, from Slack's `ts`, in UTC. Raises ValueError for another text."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except OverflowError as error:
        raise ValueError(ts) from error


def typed(text: str, bot_user: str) -> str:
    """The text as the member typed it, from Slack's mrkdwn, without the mention of the bot.

    >>> typed("<@U1> similar <https://arxiv.org/abs/1|arxiv.org> a&lt;b", "U1")
    'similar https://arxiv.org/abs/1 a<b'
    """

    def plain(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target == f"@{bot_user}":
            return ""
        if target[:1] in ("@", "#", "!"):
            return (target[0] if target[0] != "!" else "") + (label or target[1:])
        return label if target.startswith("mailto:") else target

    return unescaped(_MARKUP.sub(plain, text)).strip()


def unescaped(text: str) -> str:
    """A text with the three characters that Slack escapes as the member typed them.

    >>> unescaped("R&amp;D &lt;3"), unescaped("R&D <3")
    ('R&D <3', 'R&D <3')
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_plain(payload: object) -> bool:
    """Whether JSON is nested no deeper than Slack's own, and all its numbers and texts can be stored."""
    level = [payload]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif not _is_storable(value):
                return False
        if not below:
            return True
        level = below
    return False


def _is_storable(value: object) -> bool:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return False
    return not isinstance(value, float) or math.isfinite(value)


def text_of(event: dict[str, Any], name: str) -> str:
    """A string of an event, "" if it is missing or no string."""
    value = event.get(name)
    return value if isinstance(value, str) else ""
