"""Forms as modals: a button opens a form, and its submission is handled as a command line with the changes."""

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
from bot.platforms.slack.responses import reply_to
from bot.platforms.slack.workspaces import Workspace
from bot.ports.platform import BotApi, PlatformError

IN_TIME = 2.0
"""Seconds that work may take before an acknowledgement; Slack waits for three."""
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

        Slack takes a trigger for three seconds, so an empty modal is opened first and filled afterwards
        (docs.slack.dev/surfaces/modals).
        """
        with translate_errors():
            opened = await workspace.api.client.views_open(trigger_id=trigger, view=views.notice(_NAME, _WAIT))
        reply = await reply_to(workspace.api, member, lambda asker: self._ask(workspace, place, asker, command))
        view = views.notice(_NAME, reply.text, self._command)
        if reply.form:
            view = views.modal(reply.form, views.Origin(place.address, at_home))
        await self._update(workspace, opened["view"]["id"], view)

    async def submitted(self, ack: AsyncAck, body: Json, workspace: Workspace) -> None:
        """Handle a submitted form. An error is shown under its field; otherwise the modal shows the result."""
        member, view = text_of(body.get("user") or {}, "id"), body.get("view") or {}
        try:
            sent, origin = views.submitted_form(view, self._commands)
        except ValueError:
            await ack(response_action="update", view=views.notice(_NAME, _OUTDATED))
            return
        line = command_from_form(sent.command, sent.before, sent.now)
        if not line:
            await ack()
            return
        place = place_of(workspace.identity.workspace, origin.address)
        answering = asyncio.ensure_future(
            reply_to(workspace.api, member, lambda asker: self._ask(workspace, place, asker, line))
        )
        await asyncio.wait({answering}, timeout=IN_TIME)
        if not answering.done():
            await ack(response_action="update", view=views.notice(_NAME, _WAIT))
            reply = await answering
            await self._update(workspace, text_of(view, "id"), views.notice(_NAME, reply.text, self._command))
        else:
            reply = answering.result()
            errors = None if reply.ok else views.field_error(reply.field, sent, reply.text)
            if errors:
                await ack(response_action="errors", errors=dict(errors))
                return
            await ack(response_action="update", view=views.notice(_NAME, reply.text, self._command))
        if origin.home and reply.ok:
            await self._home.publish(workspace, member, reply.text)

    async def _ask(self, workspace: Workspace, place: Place, asker: Asker, line: str) -> Reply:
        # Only the modal itself says where it was opened, and the member may have left that channel since.
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
