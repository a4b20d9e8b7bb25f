"""Channels as such, and whether the bot may: docs.discord.com/developers/resources/channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import Right
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Channel


def channel_of(discord: FakeDiscord, call: Call) -> Channel:
    """The channel that a call is about. Raises Refused 10003, or 50001 where the bot can't see it."""
    found = discord.channels.get(call.where["channel"])
    if found is None or found.deleted:
        raise Refused(10003)
    need(found, Right.VIEW_CHANNEL)
    return found


def need(channel: Channel, right: Right) -> None:
    """Raises Refused 50001 where the bot does not see the channel, 50013 where it may not do that."""
    held = channel.rights(channel.discord.bot)
    if Right.VIEW_CHANNEL not in held:
        raise Refused(50001)
    if right not in held:
        raise Refused(50013)


def get_channel(discord: FakeDiscord, call: Call) -> Json:
    return shapes.channel(channel_of(discord, call))


def modify_channel(discord: FakeDiscord, call: Call) -> Json:
    """Rename, archive or lock; an archived thread must be opened before anything else is changed."""
    channel, body = channel_of(discord, call), call.body
    mine = channel.is_thread and channel.owner is discord.bot
    if not mine:
        need(channel, Right.MANAGE_THREADS if channel.is_thread else Right.MANAGE_CHANNELS)
    if channel.archived and body.get("archived") is not False:
        raise Refused(50083)
    if channel.is_thread and ({"locked"} & set(body) or (channel.locked and body.get("archived") is False)):
        need(channel, Right.MANAGE_THREADS)
    channel.name = body.get("name", channel.name)
    if body.get("archived", channel.archived) != channel.archived:
        channel.archived, channel.archived_at = body["archived"], discord.stamp()
    channel.locked = body.get("locked", channel.locked)
    channel.applied = [str(applied_tag) for applied_tag in body.get("applied_tags", channel.applied)]
    channel.tell("THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE", shapes.channel(channel))
    return shapes.channel(channel)


def delete_channel(discord: FakeDiscord, call: Call) -> Json:
    channel = channel_of(discord, call)
    need(channel, Right.MANAGE_THREADS if channel.is_thread else Right.MANAGE_CHANNELS)
    told = shapes.channel(channel)
    remove_channel(channel)
    return told


def remove_channel(channel: Channel) -> None:
    """Delete a channel with its threads, and tell the bot."""
    channel.tell("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", shapes.channel(channel))
    for thread in [*channel.threads, channel]:
        thread.deleted = True
    if channel.guild is not None:
        channel.guild.channels.pop(channel.id, None)


def trigger_typing(discord: FakeDiscord, call: Call) -> None:
    channel_of(discord, call).typed += 1


def tell_of(name: str, channel: Channel) -> None:
    """Tell the bot how a channel is now."""
    channel.tell(name, shapes.channel(channel))


ROUTES = [
    ("GET", "/channels/{channel}", get_channel),
    ("PATCH", "/channels/{channel}", modify_channel),
    ("DELETE", "/channels/{channel}", delete_channel),
    ("POST", "/channels/{channel}/typing", trigger_typing),
]
