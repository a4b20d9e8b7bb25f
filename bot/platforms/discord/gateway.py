"""The gateway connection, over which Discord sends its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord

from bot.platforms.discord.failures import translate_errors
from bot.platforms.discord.interactions import Interactions
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.places import PLATFORM, place_of
from bot.platforms.discord.posting import DiscordPosting
from bot.platforms.discord.rest import Http
from bot.platforms.discord.tracing import tracing
from bot.ports.platform import BotApi, Clock, NotAccepted, PlatformError, Sleep

# The bot needs no voice, so the operator need not read warnings about it.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
_WHY_CLOSED = {
    4004: "Discord does not know the bot's token.",
    4011: "Discord wants more shards than there are: `paperboy check` says how many, for discord.shards.",
    4013: "Discord knows none of the events the bot asks for.",
    4014: "Discord does not allow the bot one of the events it asks for.",
}
"""docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes"""


def intents() -> discord.Intents:
    """The events that the bot subscribes to; none is privileged."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = wanted.dm_messages = True
    wanted.guild_reactions = wanted.dm_reactions = True
    return wanted


class Client(discord.AutoShardedClient):
    """Receives Discord's events of one shard and passes them on. It keeps no messages and no members.

    `may_identify` is awaited before each session begins, with the number of the shard.
    """

    def __init__(
        self,
        service: BotApi,
        posting: DiscordPosting,
        clock: Clock,
        may_identify: Callable[[int], Awaitable[None]],
        api_url: str,
        gateway_url: str,
        *,
        shard: int = 0,
        shards: int = 1,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(
            shard_ids=[shard],
            shard_count=shards,
            intents=intents(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.1,  # nothing waits until every server is known
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.http = self._connection.http = Http(api_url, gateway_url, http_trace=tracing(api_url, posting.rest.pace))
        self._events = DiscordListeners(service, posting, clock, sleep)
        self._interactions = Interactions(service, posting.rest, posting.renderer, self._events.begin)
        self.when_connected: Callable[[], None] = lambda: None
        self._service, self._may_identify = service, may_identify
        self.is_connected = False
        self.heard_before = False
        """Whether the shard had an earlier connection, in this process or in another one."""

    def zone_of(self, member: str) -> str:
        """The time zone of a member who has used the bot lately; "" if it is unknown."""
        return self._interactions.zones.zone_of(member)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until the shard may begin a session."""
        await self._may_identify(shard_id or 0)

    async def on_shard_connect(self, shard_id: int) -> None:
        """A shard is connected. Discord does not send the events from before, so reactions are read back."""
        self.is_connected = True
        self.when_connected()
        if self.heard_before:
            await self._service.resync_reactions_soon(PLATFORM, self._of_shard(shard_id))
        self.heard_before = True

    def _of_shard(self, shard_id: int) -> Callable[[str], bool]:
        """Whether the events of a server come over a shard; those of direct conversations come over the first one.
        docs.discord.com/developers/events/gateway#sharding-sharding-formula"""
        count = self.shard_count or 1
        return lambda server: ((int(server) >> 22) % count if server.isdecimal() else 0) == shard_id

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A member used a command, a button or a form."""
        await self._interactions.handle(interaction)

    async def on_message(self, message: discord.Message) -> None:
        """A direct message, or a message that mentions the bot."""
        await self._interactions.answer_message(message, self._me)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """A member added an emoji."""
        await self._events.reacted(event, self._channel(event), self._me, on=True)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        """A member removed an emoji."""
        await self._events.reacted(event, self._channel(event), self._me, on=False)

    async def on_raw_reaction_clear(self, event: discord.RawReactionClearEvent) -> None:
        """A moderator removed all emoji of a message."""
        await self._events.cleared(event.message_id, self._channel(event), self._me)

    async def on_raw_reaction_clear_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        """A moderator removed all emoji of one kind."""
        await self._events.cleared(event.message_id, self._channel(event), self._me)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was invited to a server."""
        await self._events.invited(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is available, as each is after a start. The bot may have been invited while it was away."""
        await self._events.available(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed from a server. A server that is only unavailable has another event."""
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
        # `before` is not trusted: Discord sends a bot no events of channels that it may not see.
        await self._events.allowed(
            after.guild, [after, *(thread for thread in after.guild.threads if thread.parent_id == after.id)]
        )

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was created, perhaps the first in which the bot may post."""
        await self._events.allowed(channel.guild, [channel])

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """A role's permissions changed, so the bot may be allowed more."""
        if after in after.guild.me.roles and before.permissions != after.permissions:
            await self._events.allowed(after.guild)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """The bot got or lost a role, or a moderator ended its time-out. Discord sends no such events of other
        members."""
        changed = before.roles != after.roles or before.timed_out_until != after.timed_out_until
        if after.id == self._me and changed:
            await self._events.allowed(after.guild)

    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """A thread was changed."""
        if before.name != after.name and after.owner_id != self._me:
            await self._service.renamed(place_of(after, self._me)[0])
        await self._events.allowed(after.guild, [after])

    async def on_thread_join(self, thread: discord.Thread) -> None:
        """A thread is available that was archived, or that the bot could not see."""
        await self._events.allowed(thread.guild, [thread])

    @property
    def _me(self) -> int:
        return self.user.id if self.user else 0

    def _channel(self, event: Any) -> Any:
        """The channel or thread of an event, as far as discord.py knows it."""
        guild = self.get_guild(event.guild_id) if event.guild_id else None
        channel = guild.get_channel_or_thread(event.channel_id) if guild else None
        return channel or self.get_partial_messageable(event.channel_id, guild_id=event.guild_id)


async def serve(
    client: Client, token: str, connecting_seconds: float, logged_in: Callable[[str], Awaitable[None]]
) -> None:
    """Log in, and listen until cancelled. `logged_in` is awaited with the application's id.

    Raises `NotAccepted` if there is no connection after `connecting_seconds`, or if it is gone for good.
    """
    try:
        async with client:
            with translate_errors():
                await client.login(token)
            await logged_in(str(client.application_id))
            # discord.py would try the first connection for ever, and say nothing of what is wrong.
            async with asyncio.timeout(connecting_seconds) as patience:
                announce = client.when_connected

                def connected() -> None:
                    patience.reschedule(None)
                    announce()

                client.when_connected = connected
                await client.connect()
    except discord.ConnectionClosed as error:
        raise NotAccepted(_WHY_CLOSED.get(error.code or 0, f"Discord closed the connection ({error.code}).")) from error
    except discord.PrivilegedIntentsRequired as error:
        raise NotAccepted(_WHY_CLOSED[4014]) from error
    except PlatformError as error:
        raise NotAccepted(str(error)) from error
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise NotAccepted(f"Discord's gateway can't be reached: {str(error) or 'no answer in time'}") from error
    raise NotAccepted("Discord ended the connection.")
