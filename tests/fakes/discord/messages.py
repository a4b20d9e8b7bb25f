"""Messages: docs.discord.com/developers/resources/message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import COMPONENTS_V2, CROSSPOSTED, SETTABLE, Intent, Kind, Right
from tests.fakes.discord.channels import channel_of, need, tell_of
from tests.fakes.discord.components import numbered
from tests.fakes.discord.errors import wrong
from tests.fakes.discord.limits import check_message
from tests.fakes.discord.mentions import mentioned, pinged
from tests.fakes.discord.message import Message
from tests.fakes.discord.values import Call, Json, Refused, Upload

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Channel, User

REPLY = 19


def create_message(discord: FakeDiscord, call: Call) -> Json:
    channel = channel_of(discord, call)
    if channel.kind is Kind.FORUM:
        raise Refused(50008)
    may_send(channel)
    check_message(call.body, call.files)
    if call.body.get("embeds"):
        need(channel, Right.EMBED_LINKS)
    if call.files:
        need(channel, Right.ATTACH_FILES)
    nonce = call.body.get("nonce")
    if call.body.get("enforce_nonce") and (known := discord.nonces.known(nonce)):
        return shapes.message(known.channel.message(known.id))
    made = post(discord, channel, call)
    discord.nonces.keep(nonce, made)
    return shapes.message(made)


def post(discord: FakeDiscord, channel: Channel, call: Call, body: Json | None = None, key: str = "") -> Message:
    """Make the bot's message of a body that passes every check."""
    body = call.body if body is None else body
    check_message(body, call.files)
    made = Message(key or discord.ids.next(), channel, discord.bot, at=discord.stamp(), files=call.files)
    if reference := body.get("message_reference"):
        if Right.READ_MESSAGE_HISTORY not in channel.rights(discord.bot):
            raise Refused(160002)
        if not any(message.id == str(reference.get("message_id")) for message in channel.messages):
            raise wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        made.kind = REPLY
        made.reference = {"message_id": str(reference["message_id"]), "channel_id": channel.id}
    made.nonce = body.get("nonce")
    fill(made, body, rings=True)
    add(made)
    return made


def fill(message: Message, body: Json, *, rings: bool = False) -> None:
    """Put a body's parts into a message; what it does not name stays. `rings`: mentions are told to people."""
    message.posted = body if rings else message.posted
    message.content = body.get("content") or "" if "content" in body else message.content
    message.embeds = body.get("embeds") or [] if "embeds" in body else message.embeds
    message.components = numbered(body.get("components") or []) if "components" in body else message.components
    message.flags = message.flags & ~SETTABLE | (body["flags"] or 0) & SETTABLE if "flags" in body else message.flags
    message.mentions = mentioned(message)
    if rings:
        message.pings = pinged(message, body.get("allowed_mentions"))


def add(message: Message) -> None:
    """Put a message into its channel, and tell the bot; one in an archived thread brings it back."""
    channel = message.channel
    channel.messages.append(message)
    if channel.is_thread and channel.archived:
        channel.archived = False
        tell_of("THREAD_UPDATE", channel)
    tell("MESSAGE_CREATE", message)


def tell(name: str, message: Message) -> None:
    """Tell the bot of a message; what others wrote only in part, unless it is a DM or names the bot."""
    channel = message.channel
    discord = channel.discord
    intent = Intent.GUILD_MESSAGES if channel.guild else Intent.DIRECT_MESSAGES
    if message.ephemeral or Right.VIEW_CHANNEL not in channel.rights(discord.bot):
        return
    more: Json = {}
    if channel.guild:
        more["guild_id"] = channel.guild.id
        if message.author.id in channel.guild.members:
            more["member"] = shapes.member(channel.guild.members[message.author.id], with_user=False)
    blind = channel.guild is not None and discord.bot not in (message.author, *message.mentions)
    bare = shapes.message(message, whole=False) | more if blind else None
    discord.gateway.emit(name, shapes.message(message) | more, intent, channel.guild, bare)


def may_send(channel: Channel) -> None:
    """Raises Refused 50001, 50013 or 50083 where the bot may not write."""
    need(channel, Right.SEND_MESSAGES_IN_THREADS if channel.is_thread else Right.SEND_MESSAGES)
    if channel.person is not None and not channel.person.takes_dms:
        raise Refused(50007)
    if channel.archived and channel.locked and Right.MANAGE_THREADS not in channel.rights(channel.discord.bot):
        raise Refused(50083)


def get_channel_messages(discord: FakeDiscord, call: Call) -> list[Json]:
    """Newest first; `after` reads from that message onwards, the others backwards."""
    channel = channel_of(discord, call)
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise wrong("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    if channel.kind is Kind.FORUM:
        raise Refused(50008)
    if Right.READ_MESSAGE_HISTORY not in channel.rights(discord.bot):
        return []
    found = sorted((message for message in channel.messages if not message.ephemeral), key=lambda one: int(one.id))
    if "before" in call.query:
        found = [one for one in found if int(one.id) < int(call.query["before"])]
    if "after" in call.query:
        found = [one for one in found if int(one.id) > int(call.query["after"])][:limit]
    if "around" in call.query:
        middle = int(call.query["around"])
        found = sorted(sorted(found, key=lambda one: abs(int(one.id) - middle))[:limit], key=lambda one: int(one.id))
    return [_read(discord, one) for one in reversed(found[-limit:])]


def get_channel_message(discord: FakeDiscord, call: Call) -> Json:
    channel = channel_of(discord, call)
    need(channel, Right.READ_MESSAGE_HISTORY)
    return _read(discord, channel.message(call.where["message"]))


def edit_message(discord: FakeDiscord, call: Call) -> Json:
    channel = channel_of(discord, call)
    message = channel.message(call.where["message"])
    if message.author is not discord.bot:
        raise Refused(50005)
    if channel.archived:
        raise Refused(50083)
    edit(message, call)
    return shapes.message(message)


def edit(message: Message, call: Call) -> None:
    """Change a message of the bot's; Components V2 cannot be left again."""
    body = call.body
    if message.flags & COMPONENTS_V2:
        body = body | {"flags": (body.get("flags") or 0) | COMPONENTS_V2}
    merged: Json = {"content": message.content, "embeds": message.embeds, "components": message.components}
    check_message(merged | body, call.files or message.files)
    fill(message, body)
    message.files = call.files or message.files
    message.edited = message.channel.discord.stamp()
    tell("MESSAGE_UPDATE", message)


def delete_message(discord: FakeDiscord, call: Call) -> None:
    channel = channel_of(discord, call)
    message = channel.message(call.where["message"])
    if message.author is not discord.bot:
        need(channel, Right.MANAGE_MESSAGES)
    remove(message)


def remove(message: Message) -> None:
    """Take a message away, and tell the bot."""
    channel = message.channel
    channel.messages.remove(message)
    told: Json = {"id": message.id, "channel_id": channel.id}
    intent = Intent.GUILD_MESSAGES if channel.guild else Intent.DIRECT_MESSAGES
    if channel.guild:
        told["guild_id"] = channel.guild.id
    if not message.ephemeral and Right.VIEW_CHANNEL in channel.rights(channel.discord.bot):
        channel.discord.gateway.emit("MESSAGE_DELETE", told, intent, channel.guild)


def crosspost_message(discord: FakeDiscord, call: Call) -> Json:
    channel = channel_of(discord, call)
    if channel.kind is not Kind.ANNOUNCEMENT:
        raise Refused(50024)
    message = channel.message(call.where["message"])
    message.flags |= CROSSPOSTED
    tell("MESSAGE_UPDATE", message)
    return shapes.message(message)


def written(
    channel: Channel, author: User, content: str, reference: Json | None = None, files: Sequence[Upload] = ()
) -> Message:
    """A message that a person writes; their client lets every mention ring."""
    discord = channel.discord
    made = Message(discord.ids.next(), channel, author, at=discord.stamp(), reference=reference)
    made.kind, made.files = REPLY if reference else 0, list(files)
    fill(made, {"content": content}, rings=True)
    add(made)
    return made


def _read(discord: FakeDiscord, message: Message) -> Json:
    mine = discord.bot in (message.author, *message.mentions) or message.channel.guild is None
    whole = mine or Intent.MESSAGE_CONTENT in discord.privileged
    return shapes.message(message, whole=whole)


ROUTES = [
    ("POST", "/channels/{channel}/messages", create_message),
    ("GET", "/channels/{channel}/messages", get_channel_messages),
    ("GET", "/channels/{channel}/messages/{message}", get_channel_message),
    ("PATCH", "/channels/{channel}/messages/{message}", edit_message),
    ("DELETE", "/channels/{channel}/messages/{message}", delete_message),
    ("POST", "/channels/{channel}/messages/{message}/crosspost", crosspost_message),
]
