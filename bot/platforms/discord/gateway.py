"""The connection over which Discord tells the bot what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import discord

from bot.platforms.discord.commands import CommandRegistration
from bot.platforms.discord.failures import translate_errors
from bot.platforms.discord.interactions import Interactions
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.places import PLATFORM, place_of
from bot.platforms.discord.posting import DiscordPosting
from bot.platforms.discord.rest import Http, Rest, tracing
from bot.ports.platform import BotApi, Clock, NotAccepted, PlatformError, Sleep

# Whoever starts the bot need not hear that it can't speak.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
_IDENTIFY_SECONDS = 5.0
_WHY_CLOSED = {
    4004: "Discord does not know the bot's token.",
    4013: "Discord knows none of the events the bot asks for.",
    4014: "Discord does not allow the bot one of the events it asks for.",
}
"""docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes"""


def intents() -> discord.Intents:
    """What the bot wants to be told; none of it is privileged."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = wanted.dm_messages = True
    wanted.guild_reactions = wanted.dm_reactions = True
    return wanted


class Client(discord.AutoShardedClient):
    """Receives Discord's events and passes them on. It keeps no messages and no members."""

    def __init__(
        self, service: BotApi, posting: DiscordPosting, clock: Clock, sleep: Sleep, api_url: str, gateway_url: str
    ) -> None:
        super().__init__(
            intents=intents(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.1,  # nothing here waits until every server is known
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.http = self._connection.http = Http(api_url, gateway_url, http_trace=tracing(api_url, posting.rest.pace))
        self._events = DiscordListeners(service, posting, clock)
        self._interactions = Interactions(service, posting.rest, posting.renderer, self._events.begin)
        self.when_connected: Callable[[], None] = lambda: None
        self._service, self._sleep, self._heard = service, sleep, set[int]()
        self.heard_before = False
        """Whether there was another connection before this one in the same process."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Discord takes one new session in five seconds."""
        if not initial:
            await self._sleep(_IDENTIFY_SECONDS)

    async def on_shard_connect(self, shard_id: int) -> None:
        """A shard begins to listen: what happened since it last did, Discord does not tell."""
        self.when_connected()
        if self.heard_before or shard_id in self._heard:
            await self._service.resync_reactions_soon()
        self._heard.add(shard_id)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A command, a button, a form."""
        await self._interactions.handle(interaction)

    async def on_message(self, message: discord.Message) -> None:
        """A direct message, or one that mentions the bot."""
        await self._interactions.answer_message(message, self._me)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """An emoji was put on."""
        await self._events.reacted(event, self._channel(event), self._me, on=True)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        """An emoji was taken off."""
        await self._events.reacted(event, self._channel(event), self._me, on=False)

    async def on_raw_reaction_clear(self, event: discord.RawReactionClearEvent) -> None:
        """All emoji of a message were taken off."""
        await self._events.cleared(event.message_id, self._channel(event), self._me)

    async def on_raw_reaction_clear_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        """All emoji of one kind were taken off."""
        await self._events.cleared(event.message_id, self._channel(event), self._me)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was invited to a server."""
        await self._events.welcomed(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is there, as each is after a start: the bot may have been invited while it was away."""
        await self._events.found(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was thrown out; of a server that is only unavailable Discord tells otherwise."""
        await self._service.workspace_removed(PLATFORM, str(guild.id), "I was removed from the server")

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was deleted."""
        await self._service.left(place_of(channel, self._me)[0], "the channel was deleted")

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """A thread was deleted."""
        if event.thread is not None and event.thread.owner_id != self._me:
            await self._service.left(place_of(event.thread, self._me)[0], "the thread was deleted")

    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """A channel was changed."""
        places = [place_of(channel, self._me)[0] for channel in (before, after)]
        if places[0] != places[1]:
            await self._service.renamed(places[1])
        # What it was before is not trusted: Discord does not tell a bot of the channels that it may not see.
        await self._events.allowed(
            after.guild, [after, *(one for one in after.guild.threads if one.parent_id == after.id)]
        )

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was made, perhaps the first in which the bot may post."""
        await self._events.allowed(channel.guild, [channel])

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """What a role may do was changed, perhaps to the bot's gain."""
        if after in after.guild.me.roles and before.permissions != after.permissions:
            await self._events.allowed(after.guild)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """The bot was given another role, one was taken from it, or a moderator ended its time-out: of other members
        Discord tells it nothing."""
        changed = before.roles != after.roles or before.timed_out_until != after.timed_out_until
        if after.id == self._me and changed:
            await self._events.allowed(after.guild)

    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """A thread was changed."""
        if before.name != after.name and after.owner_id != self._me:
            await self._service.renamed(place_of(after, self._me)[0])
        await self._events.allowed(after.guild, [after])

    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread is there that was archived, or out of the bot's sight."""
        await self._events.allowed(thread.guild, [thread])

    @property
    def _me(self) -> int:
        return self.user.id if self.user else 0

    def _channel(self, event: Any) -> Any:
        """The channel or thread of an event, as much as is known of it."""
        guild = self.get_guild(event.guild_id) if event.guild_id else None
        known = guild.get_channel_or_thread(event.channel_id) if guild else None
        return known or self.get_partial_messageable(event.channel_id, guild_id=event.guild_id)


async def serve(
    client: Client, token: str, rest: Rest, commands: CommandRegistration, connecting_seconds: float, sleep: Sleep
) -> None:
    """Log in, tell Discord of the commands, and listen until cancelled.

    Raises `NotAccepted` when no connection could be made in so many seconds, or it has fallen for good.
    """
    telling: asyncio.Task[None] | None = None
    try:
        async with client:
            with translate_errors():
                await client.login(token)
            application = str(client.application_id)
            if not await commands.tell(rest, application):
                telling = asyncio.create_task(commands.keep_telling(rest, application, sleep))
            # discord.py tries a first connection again for ever; whoever waits for it wants to know what is wrong.
            async with asyncio.timeout(connecting_seconds) as patience:
                client.when_connected = lambda: patience.reschedule(None)
                await client.connect()
    except discord.ConnectionClosed as error:
        raise NotAccepted(_WHY_CLOSED.get(error.code or 0, f"Discord closed the connection ({error.code}).")) from error
    except discord.PrivilegedIntentsRequired as error:
        raise NotAccepted(_WHY_CLOSED[4014]) from error
    except PlatformError as error:
        raise NotAccepted(str(error)) from error
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise NotAccepted(f"Discord's gateway can't be reached: {str(error) or 'no answer in time'}") from error
    finally:
        if telling:
            telling.cancel()
    raise NotAccepted("Discord ended the connection.")
