"""A person: what they are, what they alone see, and what they do to channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.slack.values import Delivery, Ephemeral, Json, View

if TYPE_CHECKING:
    from tests.fakes.slack.world import Channel, Workspace


class Person:
    """Somebody of one workspace. `dm` is their conversation with the bot."""

    def __init__(self, workspace: Workspace, key: str, name: str, *, admin: bool, owner: bool, bot: bool) -> None:
        self.workspace, self.id, self.name = workspace, key, name
        self.admin, self.owner, self.bot = admin, owner, bot
        self.ephemeral: list[Ephemeral] = []
        self.modals: list[View] = []
        """The open ones, the topmost last."""
        self.home: View | None = None
        self.zone = "UTC"
        self.errors: list[str] = []
        """What Slack told them when the bot did not answer."""

    @property
    def dm(self) -> Channel:
        """The conversation with the bot."""
        return self.workspace.direct(self.id)

    def shown(self) -> Json:
        """As users.info has them."""
        return {
            "id": self.id,
            "team_id": self.workspace.id,
            "name": self.name,
            "real_name": self.name.title(),
            "profile": {"real_name": self.name.title(), "display_name": self.name},
            "tz": self.zone,
            "deleted": False,
            "is_admin": self.admin or self.owner,
            "is_owner": self.owner,
            "is_primary_owner": False,
            "is_bot": self.bot,
            "is_app_user": False,
        }

    async def invites_bot(self, channel: Channel) -> list[Delivery]:
        """Add the bot to a channel."""
        self._joins(channel)
        if channel.has_bot:
            return []
        channel.members.append(self.workspace.bot_user)
        event = {"type": "member_joined_channel", "inviter": self.id} | self._bot_in(channel)
        return await self._tell(event, channel)

    async def removes_bot(self, channel: Channel) -> list[Delivery]:
        """Remove the bot from a channel: both events that Slack has for it go out."""
        if not channel.has_bot:
            return []
        left = {"type": f"{self._prefix(channel)}_left", "channel": channel.id, "actor_id": self.id}
        gone = {"type": "member_left_channel"} | self._bot_in(channel)
        channel.members.remove(self.workspace.bot_user)
        return await self.workspace.emit(left) + await self.workspace.emit(gone)

    async def archives(self, channel: Channel) -> list[Delivery]:
        """Archive a channel."""
        channel.archived = True
        return await self._tell(
            {"type": f"{self._prefix(channel)}_archive", "channel": channel.id, "user": self.id}, channel
        )

    async def unarchives(self, channel: Channel) -> list[Delivery]:
        """Bring an archived channel back."""
        channel.archived = False
        return await self._tell(
            {"type": f"{self._prefix(channel)}_unarchive", "channel": channel.id, "user": self.id}, channel
        )

    async def renames(self, channel: Channel, name: str) -> list[Delivery]:
        """Give a channel another name."""
        channel.name = name
        told = {"id": channel.id, "name": name, "name_normalized": name, "created": 1700000000}
        return await self._tell({"type": f"{self._prefix(channel)}_rename", "channel": told}, channel)

    async def deletes_channel(self, channel: Channel) -> list[Delivery]:
        """Delete a channel for good."""
        told = await self._tell({"type": f"{self._prefix(channel)}_deleted", "channel": channel.id}, channel)
        channel.deleted = True
        return told

    def makes_private(self, channel: Channel) -> None:
        """Make a public channel private: its id stays, and no event of the Events API says so."""
        channel.private = True

    def _bot_in(self, channel: Channel) -> Json:
        return {
            "user": self.workspace.bot_user,
            "channel": channel.id,
            "channel_type": "G" if channel.private else "C",
            "team": self.workspace.id,
        }

    @staticmethod
    def _prefix(channel: Channel) -> str:
        return "group" if channel.private else "channel"

    def _joins(self, channel: Channel) -> None:
        if not channel.im and self.id not in channel.members:
            channel.members.append(self.id)

    async def _tell(self, event: Json, channel: Channel, **more: Any) -> list[Delivery]:
        """The bot hears only of channels it is in."""
        return await self.workspace.emit(event, **more) if channel.has_bot else []
