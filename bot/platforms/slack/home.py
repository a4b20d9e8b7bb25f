"""The home tab: a member's topics and saved papers, and the channels that they manage."""

from __future__ import annotations

import structlog

from bot.model.commands import Commands
from bot.model.messages import Action, Asker, Reply
from bot.platforms.slack import views
from bot.platforms.slack.api import translate_errors
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.reading import place_of, text_of
from bot.platforms.slack.responses import reply_to
from bot.platforms.slack.workspaces import Workspace
from bot.ports.platform import BotApi, PlatformError

log = structlog.get_logger(__name__)


class HomeTab:
    """The home tabs of one service's members."""

    def __init__(self, service: BotApi, command: str, commands: Commands) -> None:
        self._service, self._command, self._commands = service, command, commands

    async def opened(self, event: Json, workspace: Workspace) -> None:
        """A member opened the bot's home tab, or its messages tab, for which nothing is to be done."""
        if event.get("tab") == "home":
            await self.publish(workspace, text_of(event, "user"))

    async def pressed(self, workspace: Workspace, member: str, address: str, action: Action, event_id: str) -> None:
        """Handle a press on the tab, which then shows the result."""
        if self._commands.traits(action.command).pages_home:
            await self.publish(workspace, member, offset=action.offset)
            return
        reply = await reply_to(
            workspace.api, member, lambda asker: self._act(workspace, asker, address, action, event_id)
        )
        await self.publish(workspace, member, reply.text)

    async def publish(self, workspace: Workspace, member: str, note: str = "", offset: int = 0) -> None:
        """Show a member's home tab with its current content; `note` is the result of the last press."""
        try:
            person, rooms = await workspace.api.person(member), await _channels_of(workspace, member)
            mine = place_of(workspace.identity.workspace, await workspace.api.direct(member))
            home = await self._service.home(mine, Asker(member, person.manager, person.name), rooms, offset)
            with translate_errors():
                await workspace.api.answerer.views_publish(user_id=member, view=views.home(home, note, self._command))
        except PlatformError as error:
            log.warning("A home tab could not be shown.", why=str(error))

    async def _act(self, workspace: Workspace, asker: Asker, address: str, action: Action, event_id: str) -> Reply:
        place = place_of(workspace.identity.workspace, address or await workspace.api.direct(asker.member))
        if not await workspace.api.is_in(asker.member, place):
            return Reply("You are not in that channel any more, so nothing was changed there.", ok=False)
        return await self._service.act(place, asker, action, event_id)


async def _channels_of(workspace: Workspace, member: str) -> frozenset[str]:
    """The addresses of a member's channels; none if Slack does not say, so that the rest of the tab is still shown."""
    try:
        return await workspace.api.channels_of(member)
    except PlatformError as error:
        log.warning("A member's channels could not be read.", why=str(error))
        return frozenset()
