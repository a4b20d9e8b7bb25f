"""The workspaces that the bot is installed in: its clients there, and who it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.platforms.slack.api import BotIdentity, SlackApi
from bot.ports.installations import Installation, Installations
from bot.ports.platform import Clock, NotAccepted, Uncertain, WorkspaceLost


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: the Web API with its token, and who the bot is there."""

    api: SlackApi
    identity: BotIdentity


class Workspaces(Protocol):
    """Where the bot is installed."""

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace with this id; "" is the only one, where there is only one.

        Raises WorkspaceLost where the bot is not installed, and NotAccepted while nobody can tell.
        """
        ...

    async def mark_revoked(self, workspace: Workspace, token: str, why: str) -> None:
        """Note that Slack refused this token. Raises NotAccepted when there is a good one by now."""
        ...

    async def mark_ended(self, workspace_id: str, at: datetime, *, uninstalled: bool) -> bool:
        """Slack says that the token was revoked or the bot removed at that moment; False when it is back since."""
        ...


class OneWorkspace:
    """The one workspace of a bot token. Where installations are kept, it is noted there when the bot comes and goes."""

    def __init__(self, api: SlackApi, clock: Clock, installations: Installations | None) -> None:
        self._api, self._clock, self._installations = api, clock, installations

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace of the token. Raises WorkspaceLost for any other."""
        try:
            identity = await self._api.identity()
        except Uncertain as error:  # nothing but a question was sent
            raise NotAccepted(str(error)) from error
        if workspace_id not in ("", identity.workspace):
            raise WorkspaceLost(f"I am not installed in the workspace {workspace_id}")
        return Workspace(self._api, identity)

    async def register(self) -> Workspace:
        """The workspace, after it was noted as one that the bot is in."""
        workspace = await self.get("")
        if self._installations:
            known = await self._installations.get(workspace.identity.workspace)
            if known is None or not known.alive:
                identity = workspace.identity
                await self._installations.put(
                    Installation(identity.workspace, self._clock(), bot_user=identity.user, bot=identity.bot)
                )
        return workspace

    async def mark_revoked(self, workspace: Workspace, token: str, why: str) -> None:
        """Note that Slack refused the token."""
        await self.mark_ended(workspace.identity.workspace, self._clock(), uninstalled=False)

    async def mark_ended(self, workspace_id: str, at: datetime, *, uninstalled: bool) -> bool:
        """Slack says that the token was revoked or the bot removed at that moment; False when it is back since."""
        return self._installations is None or await self._installations.end(workspace_id, at, uninstalled=uninstalled)
