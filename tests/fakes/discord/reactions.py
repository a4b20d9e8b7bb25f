"""Reactions, normal and burst: docs.discord.com/developers/resources/message#create-reaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import Intent, Right
from tests.fakes.discord.channels import channel_of, need
from tests.fakes.discord.errors import wrong
from tests.fakes.discord.message import Message
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Channel, User

MOST = 20


def create_reaction(discord: FakeDiscord, call: Call) -> None:
    channel, message, emoji = _about(discord, call)
    need(channel, Right.READ_MESSAGE_HISTORY)
    if emoji not in message.reactions:
        need(channel, Right.ADD_REACTIONS)
    put(message, discord.bot, emoji)


def delete_own_reaction(discord: FakeDiscord, call: Call) -> None:
    _, message, emoji = _about(discord, call)
    take(message, discord.bot, emoji)


def get_reactions(discord: FakeDiscord, call: Call) -> list[Json]:
    """Who put one emoji on a message, by id; `type` 1 are the burst ones."""
    channel, message, emoji = _about(discord, call)
    need(channel, Right.READ_MESSAGE_HISTORY)
    limit, after = int(call.query.get("limit", 25)), int(call.query.get("after", 0))
    if not 1 <= limit <= 100:
        raise wrong("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    users = message.reactions.get(emoji, {}).get(int(call.query.get("type", 0)), [])
    found = sorted((user for user in users if int(user.id) > after), key=lambda one: int(one.id))
    return [shapes.user(one) for one in found[:limit]]


def delete_all_reactions(discord: FakeDiscord, call: Call) -> None:
    channel = channel_of(discord, call)
    need(channel, Right.MANAGE_MESSAGES)
    clear(channel.message(call.where["message"]))


def delete_all_reactions_for_emoji(discord: FakeDiscord, call: Call) -> None:
    channel, message, emoji = _about(discord, call)
    need(channel, Right.MANAGE_MESSAGES)
    clear(message, emoji)


def put(message: Message, user: User, emoji: str, *, burst: bool = False) -> None:
    """Put an emoji on a message; twice is once. Raises Refused 50083, 30010 or 10014."""
    if message.channel.archived:
        raise Refused(50083)
    known = {f"{name}:{key}" for guild in message.channel.discord.guilds.values() for key, name in guild.emojis.items()}
    if emoji.isascii() and emoji not in known:
        raise Refused(10014)
    if emoji not in message.reactions and len(message.reactions) >= MOST:
        raise Refused(30010)
    users = message.reactions.setdefault(emoji, {}).setdefault(int(burst), [])
    if user in users:
        return
    users.append(user)
    guild = message.channel.guild
    more: Json = {"member": shapes.member(guild.members[user.id])} if guild and user.id in guild.members else {}
    if message.author is not None:
        more["message_author_id"] = message.author.id
    more |= {"burst_colors": ["#ff0000"]} if burst else {}
    _tell("ADD", message, emoji, {"user_id": user.id, "burst": burst, "type": int(burst)} | more)


def take(message: Message, user: User, emoji: str, *, burst: bool = False) -> None:
    """Take an emoji off again. Raises Refused 50083, or 10014 where it is not on the message."""
    if message.channel.archived:
        raise Refused(50083)
    users = message.reactions.get(emoji, {}).get(int(burst), [])
    if user not in users:
        raise Refused(10014)
    users.remove(user)
    if not message.count(emoji):
        del message.reactions[emoji]
    _tell("REMOVE", message, emoji, {"user_id": user.id, "burst": burst, "type": int(burst)})


def clear(message: Message, emoji: str | None = None) -> None:
    """Take off all of one emoji, or everything."""
    if emoji is None:
        message.reactions.clear()
        _tell("REMOVE_ALL", message, None, {})
    elif message.reactions.pop(emoji, None):
        _tell("REMOVE_EMOJI", message, emoji, {})


def _tell(name: str, message: Message, emoji: str | None, more: Json) -> None:
    channel = message.channel
    if Right.VIEW_CHANNEL not in channel.rights(channel.discord.bot):
        return
    told: Json = {"channel_id": channel.id, "message_id": message.id} | more
    if emoji is not None:
        told["emoji"] = shapes.emoji(emoji) | ({"animated": False} if ":" in emoji else {})
    if channel.guild:
        told["guild_id"] = channel.guild.id
    intent = Intent.GUILD_MESSAGE_REACTIONS if channel.guild else Intent.DIRECT_MESSAGE_REACTIONS
    channel.discord.gateway.emit(f"MESSAGE_REACTION_{name}", told, intent, channel.guild)


def _about(discord: FakeDiscord, call: Call) -> tuple[Channel, Message, str]:
    channel = channel_of(discord, call)
    return channel, channel.message(call.where["message"]), call.where["emoji"]


ROUTES = [
    ("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", create_reaction),
    ("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", delete_own_reaction),
    ("GET", "/channels/{channel}/messages/{message}/reactions/{emoji}", get_reactions),
    ("DELETE", "/channels/{channel}/messages/{message}/reactions", delete_all_reactions),
    ("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}", delete_all_reactions_for_emoji),
]
