"""Handles Discord's events about reactions, servers and channels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import discord
import structlog

from bot.logs import begin_event
from bot.model.messages import Asker, Message, Place, Reaction, Reply
from bot.platforms.discord.custom_ids import BEGIN
from bot.platforms.discord.permissions import may_post, missing
from bot.platforms.discord.places import PLATFORM, place_of
from bot.platforms.discord.posting import DiscordPosting
from bot.platforms.discord.reading import emoji
from bot.platforms.discord.render import DiscordMessage, mark
from bot.ports.platform import AccessLost, BotApi, Clock, PlatformError, Sleep

_CHANNEL_SELECT, _ROW = 8, 1
_TEXT, _ANNOUNCEMENT, _FORUM = 0, 5, 15
_MOST_CHANNELS = 10
_KEY = 25
_NEWLY = timedelta(days=1)
_AGAIN_AFTER_SECONDS = (1.0, 5.0, 25.0, 60.0)
"""Waits between the tries to tell the service of an event."""
log = structlog.get_logger(__name__)
_WELCOME = (
    "Hello, I am Paperboy. Every day I bring a channel the few new papers it will like, and I learn from the emoji you "
    "put on them.\n**Where shall I post?** Whoever manages a channel chooses it here, or says `/papers resume` in it. "
    "Until then I only answer: try `/papers federated learning`."
)


class DiscordListeners:
    """The listeners of one connection, for one service."""

    def __init__(self, service: BotApi, posting: DiscordPosting, clock: Clock, sleep: Sleep) -> None:
        self._service, self._posting, self._clock, self._sleep = service, posting, clock, sleep
        self._last: datetime | None = None
        self._unasked = set[int]()
        """Servers in which the bot could not ask yet where to post, because it may post nowhere."""

    async def reacted(self, event: discord.RawReactionActionEvent, channel: Any, me: int, *, on: bool) -> None:
        """A member added an emoji to a message, or removed it."""
        begin_event()
        bot = event.user_id == me or (event.member is not None and event.member.bot)
        if bot or event.message_author_id not in (None, me):
            return
        place, before = place_of(channel, me)
        name = emoji({"name": event.emoji.name, "id": event.emoji.id}, burst=event.burst)
        reaction = Reaction(place, f"{before}{event.message_id}", str(event.user_id), name, on, self._moment())
        await self._keep_trying(lambda: self._service.react(reaction))

    async def cleared(self, message: int, channel: Any, me: int) -> None:
        """Emoji were removed from a message. Discord does not say whose, so the remaining ones are read back."""
        begin_event()
        place, before = place_of(channel, me)
        await self._keep_trying(lambda: self._service.resync_message(place, f"{before}{message}"))

    async def _keep_trying(self, tell: Callable[[], Awaitable[None]]) -> None:
        """Tell the service of an event until it takes it: Discord sends no event twice, and the store may be away for a
        moment."""
        for seconds in _AGAIN_AFTER_SECONDS:
            try:
                await tell()
                return
            except Exception:
                await self._sleep(seconds)
        await tell()

    async def available(self, guild: discord.Guild) -> None:
        """A server is available: greet it, or go on in channels that the bot may post in again."""
        begin_event()
        since = guild.me.joined_at
        newly = since is not None and self._clock() - since < _NEWLY
        if newly and not await self._serves(guild):  # once channels are chosen, the question is answered
            await self.invited(guild)
        else:
            await self.back(guild)

    async def invited(self, guild: discord.Guild) -> None:
        """The bot was invited to a server: it goes on in its former channels, or asks where to post."""
        begin_event()
        if await self.back(guild):
            return
        try:
            if channel := _first_open(guild):
                await self._ask_where(guild, channel)
                return
            self._unasked.add(guild.id)
            if guild.owner_id:
                lacking = ", ".join(missing(guild.me.guild_permissions)) or "View Channel and Send Messages somewhere"
                text = (
                    f"Thank you for the invitation to {guild.name}. I can't post there yet. Allow me: {lacking}. Then "
                    "I ask there where to post, or somebody who manages a channel says `/papers resume` in it."
                )
                await self._posting.tell(Place(PLATFORM, "", str(guild.id)), str(guild.owner_id), text)
        except PlatformError as error:
            log.warning("A server could not be greeted.", why=str(error))

    async def allowed(self, guild: discord.Guild, channels: Sequence[Any] = ()) -> None:
        """The bot may have more permissions: it goes on in lost channels, or asks where to post if it could not
        before."""
        begin_event()
        if await self.back(guild, channels) or guild.id not in self._unasked:
            return
        if channel := _first_open(guild):
            self._unasked.discard(guild.id)
            try:
                if not await self._serves(guild):  # a member may have said `/papers resume` meanwhile
                    await self._ask_where(guild, channel)
            except PlatformError as error:
                self._unasked.add(guild.id)
                log.warning("A server could not be asked where to post.", why=str(error))

    async def _serves(self, guild: discord.Guild) -> bool:
        """Whether the bot posts in any channel of a server."""
        rooms = [str(each.id) for each in [*guild.channels, *guild.threads]]
        home = await self._service.home(Place(PLATFORM, "", str(guild.id)), Asker("", manager=True), rooms)
        return bool(home.channels)

    async def _ask_where(self, guild: discord.Guild, channel: discord.TextChannel) -> None:
        key, since = f"hi{guild.id}", guild.me.joined_at or self._clock()
        if await self._posting.find(place_of(channel, 0)[0], key, since) is None:
            await self._posting.rest.post(str(channel.id), _welcome(key), key)

    async def back(self, guild: discord.Guild, channels: Sequence[Any] = ()) -> bool:
        """Go on in the lost channels that the bot may post in again, among `channels` or all. Returns whether there
        were any."""
        me, rooms = guild.me, list[Place]()
        if me.timed_out_until is not None and me.timed_out_until > self._clock():
            return False
        for channel in channels or [*guild.channels, *guild.threads]:
            place, before = place_of(channel, me.id)
            if not before and _open(channel, me):
                rooms.append(place)
        greetings = await self._service.sync_memberships(PLATFORM, str(guild.id), rooms) if rooms else []
        for place, greeting in greetings:
            await self._greet(place, greeting, f"back{place.address}")
        return bool(greetings)

    async def begin(self, interaction: discord.Interaction, asker: Asker) -> Reply:
        """Begin in the channels that a member chose under the welcome."""
        data: Any = interaction.data or {}
        outcomes = [await self._begin(interaction, asker, int(chosen)) for chosen in data.get("values") or []]
        return Reply("\n".join(outcomes) or "Choose at least one channel.")

    async def _begin(self, interaction: discord.Interaction, asker: Asker, chosen: int) -> str:
        guild = interaction.guild
        channel = guild.get_channel(chosen) if guild else None
        if guild is None or channel is None or not isinstance(interaction.user, discord.Member):
            return "I can't see that channel: allow me View Channel there, and choose it again."
        place, _ = place_of(channel, 0)
        if not channel.permissions_for(interaction.user).manage_channels:
            return f"#{channel.name}: only whoever has Manage Channels there may choose it."
        if lacking := missing(channel.permissions_for(guild.me)):
            return f"#{channel.name}: allow me {', '.join(lacking)} there, and choose it again."
        greeting = await self._service.joined(place, asker.member)
        failed = await self._greet(place, greeting, f"hi{interaction.id}{chosen}")
        return f"#{channel.name}: " + (f"I could not post there. {failed}" if failed else "I begin there.")

    async def _greet(self, place: Place, greeting: Reply, key: str) -> str:
        """Greet a channel. Returns why that failed, or ""."""
        try:
            await self._posting.send(place, Message(greeting.text, actions=greeting.actions), key[-_KEY:])
        except PlatformError as error:
            log.warning("A channel could not be greeted.", why=str(error))
            if isinstance(error, AccessLost):  # the permissions that Discord sent were out of date
                await self._service.left(place, str(error))
            return f"{str(error).rstrip('.')}."
        return ""

    def _moment(self) -> datetime:
        """The current time, later than that of every earlier event: Discord sends events in order, without a time."""
        now = self._clock()
        if self._last is not None and now <= self._last:
            now = self._last + timedelta(microseconds=1)
        self._last = now
        return now


def _first_open(guild: discord.Guild) -> discord.TextChannel | None:
    """The first channel in which the bot has all permissions it needs. The server's system channel comes first."""
    places = [each for each in [guild.system_channel, *guild.text_channels] if each is not None]
    return next((each for each in places if not missing(each.permissions_for(guild.me))), None)


def _open(channel: Any, me: discord.Member) -> bool:
    """Whether the bot may post in a channel or thread."""
    if not isinstance(channel, discord.Thread):
        return may_post(channel.permissions_for(me))
    closed = channel.locked or channel.archived or channel.parent is None
    return not closed and may_post(channel.permissions_for(me), in_thread=True)


def _welcome(key: str) -> DiscordMessage:
    """The greeting of a server; its first component holds the mark of its key."""
    select = {
        "type": _CHANNEL_SELECT,
        "custom_id": BEGIN,
        "placeholder": "Choose a channel",
        "channel_types": [_TEXT, _ANNOUNCEMENT, _FORUM],
        "max_values": _MOST_CHANNELS,
    }
    return DiscordMessage([{"type": 10, "id": mark(key), "content": _WELCOME}, {"type": _ROW, "components": [select]}])
