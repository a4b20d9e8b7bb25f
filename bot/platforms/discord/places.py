"""Where Discord's channels and threads belong, and how the bot names what stands in them.

A thread that the bot opened, and every post it opened in a forum, belongs to its channel: whoever reacts or asks there
does so in the channel. Any other thread is a place of its own. A message is named by its id, one in a channel's thread
by `thread/message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import discord

from bot.model.messages import Place, PlaceKind

PLATFORM = "discord"
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


def place_of(channel: Any, me: int) -> tuple[Place, str]:
    """The place of a channel as discord.py knows it, and what stands before the names of messages in it."""
    if isinstance(channel, discord.Thread) and channel.owner_id == me and channel.parent is not None:
        return place_of(channel.parent, me)[0], f"{channel.id}/"
    guild = getattr(channel, "guild", None)
    if guild is None:
        return direct(str(channel.id)), ""
    name = getattr(channel, "name", None) or ""
    kind = PlaceKind.FORUM if isinstance(channel, discord.ForumChannel) else PlaceKind.CHANNEL
    return Place(PLATFORM, str(channel.id), str(guild.id), name, kind, private=_private(channel, guild)), ""


def _private(channel: Any, guild: discord.Guild) -> bool:
    if isinstance(channel, discord.Thread) and (channel.is_private() or channel.parent is None):
        return True
    if guild.unavailable:  # nobody knows yet who sees it
        return True
    known = isinstance(channel, discord.Thread | discord.abc.GuildChannel)
    # Of a channel that the bot is not in nobody can tell who sees it.
    return not known or not channel.permissions_for(guild.default_role).view_channel


def direct(address: str) -> Place:
    """The place of a direct conversation."""
    return Place(PLATFORM, address, kind=PlaceKind.DIRECT)


def split(message: str, place: Place) -> tuple[str, str]:
    """The channel or thread in which a message stands, and its id there."""
    channel, there, key = message.rpartition("/")
    return (channel if there else place.address), key


def thread_of(message: str) -> str:
    """The thread of a message: it has the message's id."""
    return message.rpartition("/")[2]


def snowflake(moment: datetime) -> int:
    """The lowest id of what was made at a moment: docs.discord.com/developers/reference#snowflakes."""
    return max(int((moment - _EPOCH) / timedelta(milliseconds=1)), 0) << 22


def moment(snowflake: int) -> datetime:
    """When what has an id was made."""
    return _EPOCH + timedelta(milliseconds=snowflake >> 22)


def timed_out_until(member: Mapping[str, Any], now: datetime) -> datetime | None:
    """The end of the time-out that a moderator gave to a member, as Discord tells members; None when there is none."""
    timestamp = member.get("communication_disabled_until")
    until = datetime.fromisoformat(str(timestamp)) if timestamp else None
    return until if until is not None and until > now else None
