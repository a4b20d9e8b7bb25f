"""The workspaces that the bot is installed in, each with its client and the bot's identity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.platforms.slack.api import BotIdentity, SlackApi
from bot.ports.installations import Installation, Installations
from bot.ports.platform import Clock, NotAccepted, Uncertain, WorkspaceLost


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: the Web API with its token, and the bot's identity there."""

    api: SlackApi
    identity: BotIdentity


class Workspaces(Protocol):
    """The workspaces in which the bot is installed."""

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace with this id, or the only workspace for "".

        Raises WorkspaceLost if the bot is not installed there, and NotAccepted while Slack does not answer.
        """
        ...

    async def mark_revoked(self, workspace: Workspace, token: str, why: str) -> None:
        """Record that Slack refused this token. Raises NotAccepted if there is a newer token by now."""
        ...

    async def mark_ended(self, workspace_id: str, at: datetime, *, uninstalled: bool) -> bool:
        """Record that the token was revoked or the bot removed at that time; False if the bot was installed again
        since."""
        ...


class OneWorkspace:
    """The one workspace of a bot token. With `installations`, its comings and goings are recorded there."""

    def __init__(self, api: SlackApi, clock: Clock, installations: Installations | None) -> None:
        self._api, self._clock, self._installations = api, clock, installations

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace of the token. Raises WorkspaceLost for any other."""
        try:
            identity = await self._api.identity()
        except Uncertain as error:  # the request changed nothing
            raise NotAccepted(str(error)) from error
        if workspace_id not in ("", identity.workspace):
            raise WorkspaceLost(f"I am not installed in the workspace {workspace_id}")
        return Workspace(self._api, identity)

    async def register(self) -> Workspace:
        """The workspace, recorded as installed."""
        workspace = await self.get("")
        if self._installations:
            installation = await self._installations.get(workspace.identity.workspace)
            if installation is None or not installation.alive:
                identity = workspace.identity
                await self._installations.put(
                    Installation(identity.workspace, self._clock(), bot_user=identity.user, bot=identity.bot)
                )
        return workspace

    async def mark_revoked(self, workspace: Workspace, token: str, why: str) -> None:
        """Record that Slack refused the token."""
        await self.mark_ended(workspace.identity.workspace, self._clock(), uninstalled=False)

    async def mark_ended(self, workspace_id: str, at: datetime, *, uninstalled: bool) -> bool:
        """Record that the token was revoked or the bot removed at that time; False if the bot was installed again
        since."""
        return self._installations is None or await self._installations.end(workspace_id, at, uninstalled=uninstalled)
