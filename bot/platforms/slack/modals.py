"""Forms as modals: opened by a button, sent as the one line that says what was changed."""

from __future__ import annotations

import asyncio

import structlog
from slack_bolt.async_app import AsyncAck

from bot.model.commands import Commands, command_from_form
from bot.model.messages import Asker, Place, Reply
from bot.platforms.slack import views
from bot.platforms.slack.api import translate_errors
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.home import HomeTab
from bot.platforms.slack.reading import place_of, text_of
from bot.platforms.slack.responses import asked
from bot.platforms.slack.workspaces import Workspace
from bot.ports.platform import BotApi, PlatformError

IN_TIME = 2.0
"""Seconds for what is done before an acknowledgement; Slack waits for three."""
_NAME = "Paperboy"
_WAIT = "One moment …"
_OUTDATED = "This form is from another time. Open it anew."
log = structlog.get_logger(__name__)


class Modals:
    """The modals of one service's forms."""

    def __init__(self, service: BotApi, home: HomeTab, command: str, commands: Commands) -> None:
        self._service, self._home, self._command, self._commands = service, home, command, commands

    async def open(
        self, workspace: Workspace, member: str, trigger: str, place: Place, command: str, *, at_home: bool = False
    ) -> None:
        """Show the form of a command. Raises PlatformErrors where Slack does not open it.

        Slack takes a trigger for three seconds, so what needs no asking is opened first and filled then
        (docs.slack.dev/surfaces/modals).
        """
        with translate_errors():
            opened = await workspace.api.client.views_open(trigger_id=trigger, view=views.notice(_NAME, _WAIT))
        reply = await asked(workspace.api, member, lambda asker: self._ask(workspace, place, asker, command))
        shown = views.notice(_NAME, reply.text, self._command)
        if reply.form:
            shown = views.modal(reply.form, views.Origin(place.address, at_home))
        await self._update(workspace, opened["view"]["id"], shown)

    async def submitted(self, ack: AsyncAck, body: Json, workspace: Workspace) -> None:
        """A form that was sent: what is wrong is told under its field, else the modal tells what was done."""
        member, view = text_of(body.get("user") or {}, "id"), body.get("view") or {}
        try:
            sent, origin = views.filled(view, self._commands)
        except ValueError:
            await ack(
                response_action="update", view=views.notice(_NAME, "This form is from another time. Open it anew.")
            )
            return
        line = command_from_form(sent.command, sent.before, sent.now)
        if not line:
            await ack()
            return
        place = place_of(workspace.identity.workspace, origin.address)
        asking = asyncio.ensure_future(
            asked(workspace.api, member, lambda asker: self._ask(workspace, place, asker, line))
        )
        await asyncio.wait({asking}, timeout=IN_TIME)
        if not asking.done():
            await ack(response_action="update", view=views.notice(_NAME, _WAIT))
            reply = await asking
            await self._update(workspace, text_of(view, "id"), views.notice(_NAME, reply.text, self._command))
        else:
            reply = asking.result()
            wrong = None if reply.ok else views.wrong(reply.field, sent, reply.text)
            if wrong:
                await ack(response_action="errors", errors=dict(wrong))
                return
            await ack(response_action="update", view=views.notice(_NAME, reply.text, self._command))
        if origin.home and reply.ok:
            await self._home.publish(workspace, member, reply.text)

    async def _ask(self, workspace: Workspace, place: Place, asker: Asker, line: str) -> Reply:
        # A modal says only itself where it was opened: who sends it may have left the channel since.
        if not await workspace.api.is_in(asker.member, place):
            return Reply(
                f"I can't see you in that channel: invite me to it, or say it there, as `/papers {line}`.", ok=False
            )
        return await self._service.ask(place, asker, line)

    async def _update(self, workspace: Workspace, view_id: str, view: Json) -> None:
        try:
            with translate_errors():
                await workspace.api.answerer.views_update(view_id=view_id, view=view)
        except PlatformError as error:  # most likely closed in the meantime
            log.info("A modal could not be filled.", why=str(error))
