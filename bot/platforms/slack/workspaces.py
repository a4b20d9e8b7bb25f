"""The workspaces that the bot is installed in: its clients there, and who it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.platforms.base import AccessLost, NotAccepted, Uncertain
from bot.platforms.slack.web import Me, Web


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace: the Web API with its token, and who the bot is there."""

    web: Web
    me: Me


class Workspaces(Protocol):
    """Where the bot is installed."""

    async def at(self, workspace: str) -> Workspace:
        """The workspace with this id; "" is the only one, where there is only one.

        Raises AccessLost where the bot is not installed, and NotAccepted while nobody can tell.
        """
        ...


class OneWorkspace:
    """The one workspace of a bot token."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def at(self, workspace: str) -> Workspace:
        """The workspace of the token. Raises AccessLost for any other."""
        try:
            me = await self._web.me()
        except Uncertain as error:  # nothing but a question was sent
            raise NotAccepted(str(error)) from error
        if workspace not in ("", me.workspace):
            raise AccessLost(f"I am not installed in the workspace {workspace}")
        return Workspace(self._web, me)
