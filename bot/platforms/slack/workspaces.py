"""The workspaces that the bot is installed in: its clients there, and who it is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.platforms.slack.web import Me, Web
from bot.ports.installations import Installation, Installations
from bot.ports.platform import Clock, NotAccepted, Uncertain, WorkspaceLost


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: the Web API with its token, and who the bot is there."""

    web: Web
    me: Me


class Workspaces(Protocol):
    """Where the bot is installed."""

    async def at(self, workspace: str) -> Workspace:
        """The workspace with this id; "" is the only one, where there is only one.

        Raises WorkspaceLost where the bot is not installed, and NotAccepted while nobody can tell.
        """
        ...

    async def lost(self, here: Workspace, token: str, why: str) -> None:
        """Slack took this token for dead. Raises NotAccepted when there is a good one by now."""
        ...

    async def ended(self, workspace: str, at: datetime, *, uninstalled: bool) -> bool:
        """Slack says that the token was revoked or the bot removed at that moment; False when it is back since."""
        ...


class OneWorkspace:
    """The one workspace of a bot token. Where installations are kept, it is noted there when the bot comes and goes."""

    def __init__(self, web: Web, clock: Clock, installations: Installations | None) -> None:
        self._web, self._clock, self._installations = web, clock, installations

    async def at(self, workspace: str) -> Workspace:
        """The workspace of the token. Raises WorkspaceLost for any other."""
        try:
            me = await self._web.me()
        except Uncertain as error:  # nothing but a question was sent
            raise NotAccepted(str(error)) from error
        if workspace not in ("", me.workspace):
            raise WorkspaceLost(f"I am not installed in the workspace {workspace}")
        return Workspace(self._web, me)

    async def came(self) -> Workspace:
        """The workspace, noted as one that the bot is in."""
        here = await self.at("")
        if self._installations:
            known = await self._installations.get(here.me.workspace)
            if known is None or not known.alive:
                me = here.me
                await self._installations.put(Installation(me.workspace, self._clock(), bot_user=me.user, bot=me.bot))
        return here

    async def lost(self, here: Workspace, token: str, why: str) -> None:
        """Slack took the token for dead."""
        await self.ended(here.me.workspace, self._clock(), uninstalled=False)

    async def ended(self, workspace: str, at: datetime, *, uninstalled: bool) -> bool:
        """Slack says that the token was revoked or the bot removed at that moment; False when it is back since."""
        return self._installations is None or await self._installations.end(workspace, at, uninstalled=uninstalled)
