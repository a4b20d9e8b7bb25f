"""How things look on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord.bits import Kind
from tests.fakes.discord.values import Json, Upload

if TYPE_CHECKING:
    from tests.fakes.discord.message import Message
    from tests.fakes.discord.person import Person
    from tests.fakes.discord.world import Channel, Guild, Role, User


def user(one: User) -> Json:
    """A user object."""
    return {
        "id": one.id,
        "username": one.name,
        "global_name": one.name.title(),
        "discriminator": "0000" if one.bot else "0",
        "avatar": None,
        "bot": one.bot,
    }


def role(one: Role) -> Json:
    """A role object."""
    return {
        "id": one.id,
        "name": one.name,
        "permissions": str(int(one.rights)),
        "position": 0 if one.name == "@everyone" else 1,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": one.managed,
        "mentionable": False,
        "flags": 0,
    }


def member(one: Person, where: Channel | None = None, *, with_user: bool = True) -> Json:
    """A member object; in an interaction with what they may do in its channel."""
    told: Json = _member([role.id for role in one.roles])
    if with_user:
        told["user"] = user(one.user)
    if where is not None:
        told["permissions"] = str(int(where.rights(one.user)))
    return told


def bot_member(guild: Guild) -> Json:
    """The bot as a member."""
    return _member([role.id for role in guild.bot_roles]) | {
        "user": user(guild.discord.bot),
        "joined_at": guild.bot_since,
        "communication_disabled_until": guild.timed_out_until.isoformat() if guild.timed_out_until else None,
    }


def _member(roles: list[str]) -> Json:
    return {
        "roles": roles,
        "nick": None,
        "avatar": None,
        "joined_at": "2026-01-01T00:00:00+00:00",
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def channel(one: Channel) -> Json:
    """A channel, a thread or a DM."""
    told: Json = {
        "id": one.id,
        "type": int(one.kind),
        "flags": one.flags,
        "last_message_id": one.messages[-1].id if one.messages else None,
    }
    if one.guild is None:
        return told | {"recipients": [user(one.person)] if one.person else []}
    told |= {"name": one.name, "guild_id": one.guild.id, "rate_limit_per_user": 0}
    if one.parent is not None:
        return told | _thread(one)
    told |= {
        "position": list(one.guild.channels).index(one.id) if one.id in one.guild.channels else 0,
        "parent_id": None,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [
            {"id": key, "type": over.kind, "allow": str(int(over.allow)), "deny": str(int(over.deny))}
            for key, over in one.overwrites.items()
        ],
    }
    if one.kind is Kind.FORUM:
        told |= {
            "available_tags": [
                {"id": key, "name": name, "moderated": False, "emoji_id": None, "emoji_name": None}
                for key, name in one.tags.items()
            ],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return told


def _thread(one: Channel) -> Json:
    assert one.parent is not None
    return {
        "parent_id": one.parent.id,
        "owner_id": (one.owner or one.discord.bot).id,
        "message_count": max(0, len(one.visible) - 1),
        "total_message_sent": len(one.visible),
        "member_count": 1,
        "applied_tags": one.applied,
        "thread_metadata": {
            "archived": one.archived,
            "auto_archive_duration": one.archive_minutes,
            "archive_timestamp": one.archived_at,
            "create_timestamp": one.discord.stamp(),
            "locked": one.locked,
        },
    }


def guild(one: Guild) -> Json:
    """What GUILD_CREATE tells a bot without the members intent: of the members only itself."""
    return {
        "id": one.id,
        "name": one.name,
        "icon": None,
        "splash": None,
        "banner": None,
        "description": None,
        "discovery_splash": None,
        "owner_id": one.owner.id,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "features": [],
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
        "application_id": None,
        "roles": [role(each) for each in one.roles],
        "emojis": [
            {"id": key, "name": name, "roles": [], "require_colons": True, "managed": False, "animated": False}
            | {"available": True}
            for key, name in one.emojis.items()
        ],
        "stickers": [],
        "joined_at": one.bot_since,
        "large": False,
        "member_count": len(one.members) + 1,
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "members": [bot_member(one)],
        "channels": [channel(each) for each in one.channels.values()],
        "threads": [
            channel(thread) for each in one.channels.values() for thread in each.threads if not thread.archived
        ],
    }


def emoji(key: str) -> Json:
    """A partial emoji: `👍` or `name:id`."""
    name, _, number = key.partition(":")
    return {"id": number or None, "name": name}


def message(one: Message, *, whole: bool = True) -> Json:
    """A message object; not `whole` is what a bot gets that may not read what others write."""
    discord = one.channel.discord
    told: Json = {
        "id": one.id,
        "channel_id": one.channel.id,
        "author": user(one.author),
        "content": one.content if whole else "",
        "timestamp": one.at,
        "edited_timestamp": one.edited,
        "tts": False,
        "mention_everyone": "@everyone" in one.pings,
        "mentions": [user(each) for each in one.mentions],
        "mention_roles": [],
        "attachments": [
            attachment(discord.keep(f"attachments/{one.channel.id}/{one.id}", each), str(number), each)
            for number, each in enumerate(one.files)
        ]
        if whole
        else [],
        "embeds": [{"type": "rich"} | each for each in one.embeds] if whole else [],
        "components": one.components if whole else [],
        "pinned": False,
        "type": one.kind,
        "flags": one.flags,
    }
    if one.nonce is not None:
        told["nonce"] = one.nonce
    if one.reactions:
        told["reactions"] = [_reaction(one, key) for key in one.reactions]
    if one.reference:
        told["message_reference"] = one.reference
    if one.author is discord.bot:
        told["application_id"] = discord.application
    if one.interaction:
        told |= {"interaction_metadata": one.interaction, "webhook_id": discord.application}
    return told


def attachment(url: str, key: str, file: Upload) -> Json:
    """A file that can be read under that address."""
    return {"id": key, "filename": file.filename, "size": len(file.content), "url": url, "proxy_url": url}


def _reaction(one: Message, key: str) -> Json:
    bot = one.channel.discord.bot
    by = one.reactions[key]
    return {
        "emoji": emoji(key),
        "count": one.count(key),
        "count_details": {"normal": len(by.get(0, [])), "burst": len(by.get(1, []))},
        "me": bot in by.get(0, []),
        "me_burst": bot in by.get(1, []),
        "burst_colors": [],
    }
