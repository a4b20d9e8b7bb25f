"""What Slack sends, as the bot's own values."""

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
"""Where a message's words and links are: in itself, its blocks, and the previews that Slack adds."""


def place_of(workspace: str, channel: str, name: str = "", *, private: bool | None = None) -> Place:
    """A conversation of a workspace; direct ones are told by their address. Of others few events tell whether they are
    private."""
    if channel.startswith("D"):
        return Place(PLATFORM, channel, workspace, name, PlaceKind.DIRECT)
    return Place(PLATFORM, channel, workspace, name, PlaceKind.CHANNEL, private)


def thread_of(message: dict[str, Any], ts: str) -> str:
    """The thread that a message stands in, "" for none: one that only begins a thread stands in the channel."""
    found = text_of(message, "thread_ts")
    return "" if found == ts else found


def links(message: dict[str, Any]) -> str:
    """All that a message says and links to, for papers to be found in."""

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
    """An emoji's name as the core takes it; one emoji has one name, its skin tone stays.

    >>> emoji("thumbsup::skin-tone-4"), emoji("party_parrot")
    (':+1::skin-tone-4:', ':party_parrot:')
    """
    bare, tone, rest = name.partition("::")
    return f":{_ONE_EMOJI.get(bare, bare)}{tone}{rest}:"


def moment(ts: str) -> datetime:
    """Slack's own time of a message or an event, in UTC. Raises ValueError when it is none."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except OverflowError as error:
        raise ValueError(ts) from error


def typed(text: str, bot_user: str) -> str:
    """What somebody typed, from the mrkdwn that Slack made of it; the bot's own mention is left out.

    >>> typed("<@U1> similar <https://arxiv.org/abs/1|arxiv.org> a&lt;b", "U1")
    'similar https://arxiv.org/abs/1 a<b'
    """

    def plain(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target == f"@{bot_user}":
            return ""
        if target[:1] in ("@", "#", "!"):
            return (target[0] if target[0] != "!" else "") + (label or target[1:])
        return label if target.startswith("mailto:") else target

    return unescaped(_MARKUP.sub(plain, text)).strip()


def unescaped(text: str) -> str:
    """A text with the three signs that Slack escapes as they were typed.

    >>> unescaped("R&amp;D &lt;3"), unescaped("R&D <3")
    ('R&D <3', 'R&D <3')
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_plain(payload: object) -> bool:
    """Whether JSON is nested no deeper than Slack ever nests it, and holds only numbers and text that can be kept."""
    level = [payload]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below += one
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif (isinstance(one, float) and not math.isfinite(one)) or (isinstance(one, str) and not _is_text(one)):
                return False
        if not below:
            return True
        level = below
    return False


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def text_of(event: dict[str, Any], name: str) -> str:
    """A string of an event, "" when it is missing or something else."""
    value = event.get(name)
    return value if isinstance(value, str) else ""
