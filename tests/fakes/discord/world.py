"""Guilds, channels, threads and DMs: who may do what in them, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import EVERYONE, EVERYTHING, NO_RIGHT, REQUIRE_TAG, THREADS, Intent, Kind, Right
from tests.fakes.discord.message import Message
from tests.fakes.discord.people import Member
from tests.fakes.discord.values import Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord


@dataclass(slots=True, eq=False)
class User:
    """An account."""

    id: str
    name: str
    bot: bool = False
    takes_dms: bool = True


@dataclass(slots=True, eq=False)
class Role:
    """A role of a guild."""

    id: str
    name: str
    rights: Right
    managed: bool = False


@dataclass(slots=True)
class Overwrite:
    """What a channel gives and takes; `kind` 0 for a role, 1 for a member."""

    kind: int
    allow: Right = NO_RIGHT
    deny: Right = NO_RIGHT


class Guild:
    """A server. `everyone` is the role of all, `bot_role` the bot's own."""

    def __init__(self, discord: FakeDiscord, key: str, name: str, rights: Right, *, bot: bool) -> None:
        self.discord, self.id, self.name = discord, key, name
        self.everyone = Role(key, "@everyone", EVERYONE)
        self.bot_role = Role(discord.ids.next(), discord.bot.name, rights, managed=True)
        self.roles: list[Role] = [self.everyone, self.bot_role]
        self.channels: dict[str, Channel] = {}
        self.members: dict[str, Member] = {}
        self.emojis: dict[str, str] = {}
        self.owner = User(discord.ids.next(), f"{name}-owner")
        self.bot_roles = [self.bot_role]
        self.has_bot, self.bot_since = bot, "2026-01-01T00:00:00+00:00"
        self.unavailable = False
        self.timed_out_until: datetime | None = None
        """Until when a moderator has timed the bot out."""

    def member(self, name: str, *, manager: bool = False, bot: bool = False) -> Member:
        """A new member; a manager has MANAGE_GUILD and may moderate."""
        made = Member(self, User(self.discord.ids.next(), name, bot))
        if manager:
            rights = Right.MANAGE_GUILD | Right.MANAGE_CHANNELS | Right.MANAGE_MESSAGES | Right.MANAGE_THREADS
            made.roles.append(self.role(f"{name}-manager", rights))
        self.members[made.id] = made
        self.discord.users[made.id] = made.user
        return made

    def role(self, name: str, rights: Right = NO_RIGHT) -> Role:
        """A new role."""
        self.roles.append(Role(self.discord.ids.next(), name, rights))
        return self.roles[-1]

    def text(self, name: str) -> Channel:
        """A new text channel."""
        return self._add(Channel(self.discord, Kind.TEXT, name, self))

    def announcements(self, name: str) -> Channel:
        """A new announcement channel."""
        return self._add(Channel(self.discord, Kind.ANNOUNCEMENT, name, self))

    def forum(self, name: str, tags: tuple[str, ...] = (), *, require_tag: bool = False) -> Channel:
        """A new forum, whose posts are threads."""
        made = Channel(self.discord, Kind.FORUM, name, self)
        made.tags = {self.discord.ids.next(): tag for tag in tags}
        made.flags = REQUIRE_TAG if require_tag else 0
        return self._add(made)

    def emoji(self, name: str) -> str:
        """A new custom emoji, as reactions name it: `name:id`."""
        key = self.discord.ids.next()
        self.emojis[key] = name
        return f"{name}:{key}"

    async def outage(self) -> None:
        """The guild is gone for a while."""
        self.unavailable = True
        await self._tell("GUILD_DELETE", {"id": self.id, "unavailable": True})

    async def recovers(self) -> None:
        """The guild is back after an outage."""
        self.unavailable = False
        await self._tell("GUILD_CREATE", shapes.guild(self) | {"unavailable": False})

    async def removes_bot(self) -> None:
        """Somebody threw the bot out."""
        await self._tell("GUILD_DELETE", {"id": self.id})
        self.has_bot = False

    async def adds_bot(self) -> None:
        """Somebody invited the bot, perhaps again."""
        self.has_bot, self.bot_since = True, self.discord.stamp()
        await self._tell("GUILD_CREATE", shapes.guild(self))

    async def grants(self, role: Role, right: Right) -> None:
        """Somebody gives a role a right."""
        role.rights |= right
        await self._tell("GUILD_ROLE_UPDATE", {"guild_id": self.id, "role": shapes.role(role)})

    async def gives_bot(self, role: Role) -> None:
        """Somebody gives the bot a role. Of itself it is told without the intent for members."""
        self.bot_roles.append(role)
        await self._tell("GUILD_MEMBER_UPDATE", {"guild_id": self.id} | shapes.bot_member(self))

    async def times_bot_out(self, until: datetime | None) -> None:
        """A moderator times the bot out, or with None lets it speak again. That a time-out has run out is told by no
        event."""
        self.timed_out_until = until
        await self._tell("GUILD_MEMBER_UPDATE", {"guild_id": self.id} | shapes.bot_member(self))

    def mute(self, user: User, held: Right) -> Right:
        """What a member who is timed out has left:
        docs.discord.com/developers/topics/permissions#permissions-for-timed-out-members."""
        out = user is self.discord.bot and self.timed_out_until and self.discord.clock() < self.timed_out_until
        return held & (Right.VIEW_CHANNEL | Right.READ_MESSAGE_HISTORY) if out else held

    def rights(self, user: User) -> Right:
        """What somebody may do in the guild as a whole."""
        return EVERYTHING if Right.ADMINISTRATOR in (held := _all(one.rights for one in self.roles_of(user))) else held

    def roles_of(self, user: User) -> list[Role]:
        """@everyone and those that were given."""
        if user is self.discord.bot:
            return [self.everyone, *self.bot_roles]
        return [self.everyone, *(self.members[user.id].roles if user.id in self.members else [])]

    async def _tell(self, name: str, told: Json) -> None:
        self.discord.gateway.emit(name, told, Intent.GUILDS, self)
        await self.discord.gateway.flush()

    def _add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = self.discord.channels[channel.id] = channel
        self.discord.gateway.emit("CHANNEL_CREATE", shapes.channel(channel), Intent.GUILDS, self)
        return channel


@dataclass(eq=False)
class Channel:
    """A text channel, an announcement channel, a forum, a thread of one of these (`parent`), or a DM (`person`)."""

    discord: FakeDiscord
    kind: Kind
    name: str
    guild: Guild | None = None
    parent: Channel | None = None
    person: User | None = None
    id: str = ""
    messages: list[Message] = field(default_factory=list)
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)
    flags: int = 0
    archived: bool = False
    locked: bool = False
    archived_at: str = ""
    """When it was made, archived or opened again last."""
    archive_minutes: int = 4320
    owner: User | None = None
    deleted: bool = False
    typed: int = 0
    """How often the bot was seen typing."""

    def __post_init__(self) -> None:
        self.id = self.id or self.discord.ids.next()
        self.archived_at = self.archived_at or self.discord.stamp()

    @property
    def is_thread(self) -> bool:
        """Whether it hangs on another channel."""
        return self.kind in THREADS

    @property
    def is_forum(self) -> bool:
        """Whether it holds posts alone."""
        return self.kind is Kind.FORUM

    @property
    def threads(self) -> list[Channel]:
        """Its threads, or a forum's posts, oldest first."""
        return [channel for channel in self.discord.channels.values() if channel.parent is self and not channel.deleted]

    @property
    def visible(self) -> list[Message]:
        """What everybody in it sees, oldest first."""
        return [message for message in self.messages if not message.ephemeral and not message.thinking]

    def message(self, key: str) -> Message:
        """The message of that id. Raises Refused 10008."""
        found = next((message for message in self.messages if message.id == key and not message.ephemeral), None)
        if found is None:
            raise Refused(10008)
        return found

    def thread(self, name: str, *, archived: bool = False, locked: bool = False, key: str = "") -> Channel:
        """A new public thread."""
        kind = Kind.ANNOUNCEMENT_THREAD if self.kind is Kind.ANNOUNCEMENT else Kind.PUBLIC_THREAD
        made = Channel(self.discord, kind, name, self.guild, parent=self, id=key, archived=archived, locked=locked)
        made.owner = self.discord.bot
        self.discord.channels[made.id] = made
        self.tell("THREAD_CREATE", shapes.channel(made) | {"newly_created": True})
        return made

    def overwrite(self, role: Role) -> Overwrite:
        """What the channel gives to a role and takes from it, to be changed."""
        return self.overwrites.setdefault(role.id, Overwrite(0))

    def rights(self, user: User) -> Right:
        """What somebody may do here: docs.discord.com/developers/topics/permissions#permission-overwrites."""
        if self.guild is None:
            return EVERYONE if self.person is user or user is self.discord.bot else NO_RIGHT
        if user is self.discord.bot and not self.guild.has_bot:
            return NO_RIGHT
        held = self.guild.rights(user)
        if held is EVERYTHING:
            return held
        overwrites = (self.parent or self).overwrites
        roles = [one.id for one in self.guild.roles_of(user)]
        for level in ([roles[0]], roles[1:], [user.id]):
            met = [overwrites[key] for key in level if key in overwrites]
            held = (held & ~_all(one.deny for one in met)) | _all(one.allow for one in met)
        return self.guild.mute(user, held) if Right.VIEW_CHANNEL in held else NO_RIGHT

    def tell(self, name: str, told: Json) -> None:
        """Tell the bot about the channel itself, unless it can't see it."""
        if Right.VIEW_CHANNEL in self.rights(self.discord.bot):
            self.discord.gateway.emit(name, told, Intent.GUILDS, self.guild)


def _all(rights: Iterable[Right]) -> Right:
    return reduce(or_, rights, NO_RIGHT)
