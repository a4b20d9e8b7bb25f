"""What a bot reads about itself, its guilds and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Guild


def get_gateway(discord: FakeDiscord, call: Call) -> Json:
    return {"url": discord.gateway_url}


def get_gateway_bot(discord: FakeDiscord, call: Call) -> Json:
    limit = {"total": 1000, "remaining": discord.gateway.starts_left, "reset_after": 0, "max_concurrency": 1}
    return {"url": discord.gateway_url, "shards": discord.gateway.shards, "session_start_limit": limit}


def get_current_user(discord: FakeDiscord, call: Call) -> Json:
    return shapes.user(discord.bot) | {"verified": True, "mfa_enabled": True, "email": None, "flags": 0}


def get_current_application(discord: FakeDiscord, call: Call) -> Json:
    return {
        "id": discord.application,
        "name": discord.bot.name,
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": shapes.user(discord.owner),
        "verify_key": "0" * 64,
        "team": None,
        "flags": 0,
        "interactions_endpoint_url": None,
        "approximate_guild_count": len([guild for guild in discord.guilds.values() if guild.has_bot]),
    } | (
        {}
        if discord.installs is None
        else {"integration_types_config": {str(install): {} for install in discord.installs}}
    )


def get_user(discord: FakeDiscord, call: Call) -> Json:
    if call.where["user"] not in discord.users:
        raise Refused(10013)
    return shapes.user(discord.users[call.where["user"]])


def get_current_user_guilds(discord: FakeDiscord, call: Call) -> list[Json]:
    mine = [guild for guild in discord.guilds.values() if guild.has_bot]
    return [
        {"id": one.id, "name": one.name, "icon": None, "owner": False, "features": []}
        | {"permissions": str(int(one.rights(discord.bot)))}
        for one in mine
        if int(one.id) > int(call.query.get("after", 0))
    ][: int(call.query.get("limit", 200))]


def create_dm(discord: FakeDiscord, call: Call) -> Json:
    key = str(call.body.get("recipient_id"))
    if key not in discord.users:
        raise Refused(50035, {"recipient_id": {"_errors": [{"code": "INVALID", "message": "Unknown user"}]}})
    return shapes.channel(discord.direct(discord.users[key]))


def get_guild(discord: FakeDiscord, call: Call) -> Json:
    return shapes.guild(guild_of(discord, call))


def get_guild_channels(discord: FakeDiscord, call: Call) -> list[Json]:
    return [shapes.channel(channel) for channel in guild_of(discord, call).channels.values()]


def list_active_guild_threads(discord: FakeDiscord, call: Call) -> Json:
    guild = guild_of(discord, call)
    threads = [thread for channel in guild.channels.values() for thread in channel.threads if not thread.archived]
    return {"threads": [shapes.channel(thread) for thread in threads], "members": []}


def get_guild_member(discord: FakeDiscord, call: Call) -> Json:
    guild = guild_of(discord, call)
    if call.where["user"] == discord.bot.id:
        return shapes.bot_member(guild)
    if call.where["user"] not in guild.members:
        raise Refused(10007)
    return shapes.member(guild.members[call.where["user"]])


def get_guild_roles(discord: FakeDiscord, call: Call) -> list[Json]:
    return [shapes.role(role) for role in guild_of(discord, call).roles]


def guild_of(discord: FakeDiscord, call: Call) -> Guild:
    """The guild that a call is about. Raises Refused 10004 where the bot is not in it."""
    found = discord.guilds.get(call.where["guild"])
    if found is None or not found.has_bot:
        raise Refused(10004)
    return found


ROUTES = [
    ("GET", "/gateway", get_gateway),
    ("GET", "/gateway/bot", get_gateway_bot),
    ("GET", "/users/@me", get_current_user),
    ("GET", "/users/@me/guilds", get_current_user_guilds),
    ("POST", "/users/@me/channels", create_dm),
    ("GET", "/users/{user}", get_user),
    ("GET", "/oauth2/applications/@me", get_current_application),
    ("GET", "/applications/@me", get_current_application),
    ("GET", "/guilds/{guild}", get_guild),
    ("GET", "/guilds/{guild}/channels", get_guild_channels),
    ("GET", "/guilds/{guild}/roles", get_guild_roles),
    ("GET", "/guilds/{guild}/threads/active", list_active_guild_threads),
    ("GET", "/guilds/{guild}/members/{user}", get_guild_member),
]
