"""The places of Discord's channels and threads, and the ids of their messages.

A thread that the bot opened, and every post it opened in a forum, belongs to its channel: reactions and questions there
count for the channel. Any other thread is a place of its own. The id of a message is Discord's id; in a thread that
belongs to its channel it is `thread/message`.
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
    """The place of a channel of discord.py, and the prefix of the ids of its messages."""
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
    if guild.unavailable:  # it is not known yet which members see the channel
        return True
    complete = isinstance(channel, discord.Thread | discord.abc.GuildChannel)
    # Discord does not say which members see a channel that the bot is not in.
    return not complete or not channel.permissions_for(guild.default_role).view_channel


def direct(address: str) -> Place:
    """The place of a direct conversation."""
    return Place(PLATFORM, address, kind=PlaceKind.DIRECT)


def split(message: str, place: Place) -> tuple[str, str]:
    """The channel or thread in which a message stands, and its id there."""
    channel, slash, key = message.rpartition("/")
    return (channel if slash else place.address), key


def thread_of(message: str) -> str:
    """The thread of a message: it has the message's id."""
    return message.rpartition("/")[2]


def snowflake(moment: datetime) -> int:
    """The lowest id that Discord gives at a moment: docs.discord.com/developers/reference#snowflakes."""
    return max(int((moment - _EPOCH) / timedelta(milliseconds=1)), 0) << 22


def moment(snowflake: int) -> datetime:
    """The moment at which Discord gave an id."""
    return _EPOCH + timedelta(milliseconds=snowflake >> 22)


def timed_out_until(member: Mapping[str, Any], now: datetime) -> datetime | None:
    """The end of a member's time-out, given by a moderator; None if there is none. `member` is Discord's JSON."""
    timestamp = member.get("communication_disabled_until")
    until = datetime.fromisoformat(str(timestamp)) if timestamp else None
    return until if until is not None and until > now else None
