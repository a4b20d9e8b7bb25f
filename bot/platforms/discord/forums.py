"""Forums: channels in which every message belongs to a post. A forum may require a tag on each post.

docs.discord.com/developers/topics/threads#forums
"""

from __future__ import annotations

from typing import Any

from bot.ports.platform import AccessLost

_FORUMS = {15, 16}
_REQUIRE_TAG = 1 << 4


def is_forum(channel: dict[str, Any]) -> bool:
    """Whether a channel of Discord's API is a forum. A media channel is a forum with pictures."""
    return channel.get("type") in _FORUMS


def tags(forum: dict[str, Any]) -> list[str]:
    """The tag for a post in a forum that requires one: the first that is free to all. Raises AccessLost if none is."""
    if not int(forum.get("flags") or 0) & _REQUIRE_TAG:
        return []
    free = [str(tag["id"]) for tag in forum.get("available_tags") or [] if not tag.get("moderated")]
    if not free:
        raise AccessLost("This forum requires a tag on every post, and has none that is free to all; add one")
    return free[:1]
