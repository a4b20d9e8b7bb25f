"""What people do in Discord, for tests to script: each act changes the guild, then tells the bot as Discord would.

An act returns when its events have left for the bot, which does not say when it has dealt with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord import channels, messages, reactions
from tests.fakes.discord.bits import Right
from tests.fakes.discord.message import Message
from tests.fakes.discord.person import Person
from tests.fakes.discord.values import Upload

if TYPE_CHECKING:
    from tests.fakes.discord.world import Channel


class Member(Person):
    """A person of one guild: reacts, writes, moderates, and all that `Person` does."""

    async def reacts(self, message: Message, emoji: str, *, burst: bool = False) -> None:
        """Put an emoji (`👍`, or a custom one's `name:id`) on a message; twice is once."""
        reactions.put(message, self.user, emoji, burst=burst)
        await self._flush()

    async def unreacts(self, message: Message, emoji: str, *, burst: bool = False) -> None:
        """Take an emoji back."""
        reactions.take(message, self.user, emoji, burst=burst)
        await self._flush()

    async def clears(self, message: Message) -> None:
        """Take all reactions off a message."""
        reactions.clear(message)
        await self._flush()

    async def clears_emoji(self, message: Message, emoji: str) -> None:
        """Take all reactions of one emoji off a message."""
        reactions.clear(message, emoji)
        await self._flush()

    async def writes(self, channel: Channel, text: str, *files: Upload, answering: Message | None = None) -> Message:
        """Write a message."""
        reference = {"message_id": answering.id, "channel_id": channel.id} if answering else None
        made = messages.written(channel, self.user, text, reference, files)
        await self._flush()
        return made

    async def mentions(self, channel: Channel, text: str, *files: Upload) -> Message:
        """Write a message that begins with the bot's mention."""
        return await self.writes(channel, f"<@{self.guild.discord.bot.id}> {text}", *files)

    async def sends_dm(self, text: str, *files: Upload) -> Message:
        """Write to the bot alone."""
        return await self.writes(self.dm, text, *files)

    async def removes(self, message: Message) -> None:
        """Delete a message of whomever."""
        messages.remove(message)
        await self._flush()

    async def renames(self, channel: Channel, name: str) -> None:
        """Give a channel or thread another name."""
        channel.name = name
        await self._changes(channel)

    async def archives(self, thread: Channel, *, locked: bool = False) -> None:
        """Archive a thread; a locked one is opened again by moderators alone."""
        thread.archived, thread.locked, thread.archived_at = True, locked, thread.discord.stamp()
        await self._changes(thread)

    async def unarchives(self, thread: Channel) -> None:
        """Open a thread again."""
        thread.archived, thread.locked, thread.archived_at = False, False, thread.discord.stamp()
        await self._changes(thread)

    async def deletes(self, channel: Channel) -> None:
        """Delete a channel or thread for good."""
        channels.remove_channel(channel)
        await self._flush()

    async def denies(self, channel: Channel, right: Right) -> None:
        """Take a right from the bot in a channel. Nothing says so to one that does not see the channel any more."""
        over = channel.overwrite(self.guild.bot_role)
        over.allow, over.deny = over.allow & ~right, over.deny | right
        await self._changes(channel)

    async def allows(self, channel: Channel, right: Right) -> None:
        """Give the bot a right in a channel."""
        over = channel.overwrite(self.guild.bot_role)
        over.allow, over.deny = over.allow | right, over.deny & ~right
        await self._changes(channel)

    async def _changes(self, channel: Channel) -> None:
        channels.tell_of("THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE", channel)
        await self._flush()

    async def _flush(self) -> None:
        await self.guild.discord.gateway.flush()
