"""The checks of `paperboy check` for Discord: the token, the gateway, and the bot's permissions in its channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

import discord

from bot.model.commands import Commands
from bot.model.messages import Place, PlaceKind
from bot.platforms.discord.commands import IN_SERVERS, application_commands, differing, installs_of
from bot.platforms.discord.failures import UNKNOWN_CHANNEL, code_of
from bot.platforms.discord.forums import is_forum, tags
from bot.platforms.discord.permissions import FOR_PICTURES, invitation, missing
from bot.platforms.discord.places import timed_out_until
from bot.platforms.discord.render import Json
from bot.platforms.discord.rest import Rest
from bot.platforms.discord.shards import SHARDS
from bot.ports.platform import (
    AccessLost,
    Check,
    Clock,
    Finding,
    NotAccepted,
    PlatformError,
    TokenRefused,
    Uncertain,
)
from bot.ports.processes import Facts

_PORTAL = "discord.com/developers/applications → your application"
_NO_PICTURES = "Answers to mentions come without their pictures: allow Attach Files to the bot's role."
Look = Callable[[Rest], Awaitable[Finding]]


def checks(
    new_rest: Callable[[], Rest],
    clock: Clock,
    commands: Commands,
    command: str,
    places: Sequence[Place],
    lost: Sequence[Place] = (),
    facts: Facts | None = None,
) -> list[Check]:
    """The checks of the platform. `places` are the places that the bot serves, `lost` the ones that it could not post
    in. `command` is the slash command's name. `facts` say how many shards the processes agreed on."""
    every = [*places, *lost]
    in_servers = (place for place in every if place.kind is not PlaceKind.DIRECT)
    by_server = groupby(sorted(in_servers, key=attrgetter("workspace")), attrgetter("workspace"))
    looks: list[tuple[str, Look]] = [("discord token", _token), ("discord gateway", partial(_gateway, facts))]
    looks.append(("discord commands", partial(_commands, commands, command, bool(every))))
    for server, group in by_server:
        looks.append((f"discord server {server}", partial(_channels, clock, server, list(group), lost)))
    return [Check(name, partial(_with, new_rest, look)) for name, look in looks]


async def _with(new_rest: Callable[[], Rest], look: Look) -> Finding:
    """The finding of a look at Discord. If Discord does not answer, or does not know the token, the check of the token
    says so, and the others could not look."""
    rest = new_rest()
    try:
        return await look(rest)
    except PlatformError as error:
        if look is not _token and isinstance(error, NotAccepted | Uncertain):
            return Finding(mend=f"This can't be seen: {str(error).rstrip('.')}.", seen=False)
        if isinstance(error, TokenRefused):
            return Finding("Discord does not know the bot's token.", f"Copy it anew: {_PORTAL} → Bot → Reset Token.")
        return Finding(str(error), "Look at the network, its proxy, and discord.api_url; then try again.")
    finally:
        await rest.close()


async def _token(rest: Rest) -> Finding:
    application = await rest.ask("/oauth2/applications/@me", {})
    if application.get("interactions_endpoint_url"):
        return Finding(
            "Discord sends commands and buttons to another address, and none to the bot.",
            f"Empty the Interactions Endpoint URL: {_PORTAL} → General Information.",
        )
    return Finding(mend=f"Bring the bot to a server: {invitation(str(application['id']))}")


async def _gateway(facts: Facts | None, rest: Rest) -> Finding:
    told = await rest.ask("/gateway/bot", {})
    limit = told.get("session_start_limit") or {}
    if limit.get("remaining", 1):
        agreed, recommended = int((facts and await facts.get(SHARDS)) or 0), int(told.get("shards") or 1)
        if 0 < agreed < recommended:
            return Finding(
                mend=f"Discord recommends {recommended} shards by now, and there are {agreed}: set discord.shards to "
                f"{recommended}, stop every process, and start them again."
            )
        return Finding()
    hours = int(limit.get("reset_after") or 0) / 3_600_000
    return Finding(
        "The bot connected too often today, and Discord lets it in no more.",
        f"Stop it, look into its log for why, and start it in {hours:.1f} hours.",
    )


async def _commands(commands: Commands, command: str, served: bool, rest: Rest) -> Finding:
    """Check that Discord has the commands of this version. Before the bot serves any place, none are needed."""
    application = await rest.ask("/applications/@me", {})
    installs, registered = installs_of(application), await rest.commands(str(application["id"]))
    if IN_SERVERS not in installs:
        return Finding(
            "The application can't be added to servers.",
            f"Tick Guild Install: {_PORTAL} → Installation → Installation Contexts.",
        )
    if not registered and not served:
        return Finding(mend="There are none yet: they are registered when the bot first connects.")
    if wrong := differing(registered, application_commands(commands, command, installs)):
        return Finding(
            f"Discord does not have them as this version wants them: {', '.join(wrong)}.",
            "Restart the bot, which registers them when it connects; if they stay like this, its log says why.",
        )
    return Finding()


async def _channels(clock: Clock, server: str, places: Sequence[Place], lost: Sequence[Place], rest: Rest) -> Finding:
    """Check the bot's permissions in each of its channels of one server. A lost channel that was deleted is no
    error."""
    me = await rest.open()
    try:
        guild = await rest.ask("/guilds/{guild_id}", {"guild_id": server})
        member = await rest.ask("/guilds/{guild_id}/members/{user_id}", {"guild_id": server, "user_id": me})
    except AccessLost:
        gone, mend = "The bot is no longer in this server.", "Invite it again: nothing is lost, and it goes on."
        return Finding(gone, mend) if set(places) - set(lost) else Finding(mend=f"{gone} {mend}")
    if until := timed_out_until(member, clock()):
        return Finding(
            f"A moderator timed the bot out until {until:%Y-%m-%d %H:%M} UTC.",
            "Wait, or end its time-out in the server; digests go on by themselves then.",
        )
    problems = [await _problem(rest, place, guild, member, me, place in lost) for place in places]
    if not any(problems):
        in_all = held(guild, member, me, ())
        return Finding() if getattr(in_all, FOR_PICTURES) else Finding(mend=_NO_PICTURES)
    return Finding(
        " ".join(filter(None, problems)),
        "Allow it in each channel's settings → Permissions → the bot's role, or choose another.",
    )


async def _problem(rest: Rest, place: Place, guild: Json, member: Json, me: str, lost: bool) -> str:
    """What keeps the bot from posting in a channel, "" if nothing does."""
    name = f"#{place.name or place.address}"
    try:
        channel = await rest.channel(place.address)
        thread = bool(channel.get("thread_metadata"))
        parent = await rest.channel(channel["parent_id"]) if thread else channel
    except AccessLost as error:
        gone = code_of(error) == UNKNOWN_CHANNEL
        return "" if gone and lost else f"{name}: gone." if gone else f"{name}: View Channel missing."
    lacking = missing(held(guild, member, me, parent.get("permission_overwrites") or []), in_thread=thread)
    if lacking:
        return f"{name}: {', '.join(lacking)} missing."
    if thread and channel["thread_metadata"].get("locked"):
        return f"{name}: locked."
    try:
        tags(channel) if is_forum(channel) else []
    except AccessLost as error:
        return f"{name}: {error}."
    return ""


def held(guild: Json, member: Json, me: str, overwrites: Sequence[Json]) -> discord.Permissions:
    """A member's permissions in a channel: docs.discord.com/developers/topics/permissions#permission-overwrites."""
    everyone, mine = guild["id"], set(member.get("roles") or [])
    own = discord.Permissions.none()
    for role in guild.get("roles") or []:
        if role["id"] in mine | {everyone}:
            own |= discord.Permissions(int(role["permissions"]))
    if own.administrator or guild.get("owner_id") == me:
        return discord.Permissions.all()
    for level in ({everyone}, mine, {me}):
        applied = [overwrite for overwrite in overwrites if overwrite["id"] in level]
        for overwrite in applied:
            own &= ~discord.Permissions(int(overwrite["deny"]))
        for overwrite in applied:
            own |= discord.Permissions(int(overwrite["allow"]))
    return own if own.view_channel else discord.Permissions.none()
