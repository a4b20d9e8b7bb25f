"""Buttons under messages, and shortcuts on messages.

The member who pressed a vote button gets a private answer: the vote, and how to take it back. The message itself shows
the votes of all members, but these handlers do not edit it: an edit for each press would exceed Slack's rate limits,
and two edits at once would overwrite each other. `bot/jobs/vote_counts.py` edits the message, once for all presses
within two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from hashlib import sha256

from slack_bolt.async_app import AsyncAck

from bot.model.commands import Commands
from bot.model.messages import Action, Asker, Reply
from bot.platforms.slack import render, views
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.home import HomeTab
from bot.platforms.slack.modals import IN_TIME, Modals
from bot.platforms.slack.reading import links, place_of, text_of, thread_of
from bot.platforms.slack.responses import ResponseChannel, reply_or_error
from bot.platforms.slack.workspaces import Workspace
from bot.ports.platform import BotApi, PlatformError


class ActionHandlers:
    """Handles the buttons and shortcuts of one service."""

    def __init__(self, service: BotApi, home: HomeTab, modals: Modals, command: str, commands: Commands) -> None:
        self._service, self._home, self._modals, self._command = service, home, modals, command
        self._commands = commands

    async def pressed(self, ack: AsyncAck, body: Json, workspace: Workspace) -> None:
        """Handle a press on a button or in a menu: of a card, under an answer, or on the home tab."""
        [button, *_] = body.get("actions") or [{}]
        if body.get("view"):
            await ack()
            await self._pressed_at_home(body, button, workspace)
            return
        action, response = render.pressed(button), self._response(body, body.get("container") or {}, workspace)
        if action is None:
            await ack()
            return
        trigger = text_of(body, "trigger_id")
        event_id = _event_id(button, response.member, action.command)
        traits = self._commands.traits(action.command)
        if traits.has_form:
            await ack()
            try:
                await self._modals.open(
                    workspace, response.member, trigger, await response.resolve_place(), action.command
                )
            except PlatformError:
                late = f"Slack did not open the form in time. Press again, or say `/papers {action.command}`."
                await response.show_or_log(Reply(late, ok=False))
        elif traits.answers_at_once:
            # The member is not looked up: every member's vote counts.
            counting = self._act(response, Asker(response.member), action, event_id)
            await response.show_or_log(await _answer_then_acknowledge(ack, reply_or_error(counting)))
        else:
            await ack()
            await response.answer(lambda asker: self._act(response, asker, action, event_id))

    async def shortcut(self, ack: AsyncAck, body: Json, workspace: Workspace) -> None:
        """Handle a shortcut on any message, also in a thread, where Slack takes no slash command."""
        command, message = text_of(body, "callback_id"), body.get("message") or {}
        response = self._response(body, message, workspace)
        event_id = _event_id(body, response.member, command)
        asker, ts = Asker(response.member), text_of(body, "message_ts")

        async def answer() -> Reply:
            return await self._service.act_on_message(
                await response.resolve_place(), asker, command, ts, links(message), event_id
            )

        await response.show_or_log(await _answer_then_acknowledge(ack, reply_or_error(answer())))

    async def _act(self, response: ResponseChannel, asker: Asker, action: Action, event_id: str) -> Reply:
        return await self._service.act(await response.resolve_place(), asker, action, event_id)

    async def _pressed_at_home(self, body: Json, button: Json, workspace: Workspace) -> None:
        pressed, member = views.action_of(button), text_of(body.get("user") or {}, "id")
        if pressed is None:
            return
        address, action = pressed
        if not self._commands.traits(action.command).has_form:
            event_id = _event_id(button, member, action.command)
            await self._home.pressed(workspace, member, address, action, event_id)
            return
        try:
            place = place_of(workspace.identity.workspace, address or await workspace.api.direct(member))
            await self._modals.open(workspace, member, text_of(body, "trigger_id"), place, action.command, at_home=True)
        except PlatformError:
            await self._home.publish(workspace, member, "Slack did not open the form in time. Please press again.")

    def _response(self, body: Json, message: Json, workspace: Workspace) -> ResponseChannel:
        """The response channel to the member who pressed; `message` says which thread it is in."""
        channel = text_of(body.get("channel") or {}, "id") or text_of(message, "channel_id")
        thread = thread_of(message, text_of(message, "message_ts") or text_of(message, "ts"))
        place, member = place_of(workspace.identity.workspace, channel), text_of(body.get("user") or {}, "id")
        return ResponseChannel(
            workspace.api, self._command, self._commands, place, member, thread, text_of(body, "response_url")
        )


async def _answer_then_acknowledge(ack: AsyncAck, answering: Awaitable[Reply]) -> Reply:
    """Answer, then acknowledge: if the process dies before, Slack does not take the press for done. An answer that
    takes longer than Slack waits is acknowledged first and finished afterwards."""
    task = asyncio.ensure_future(answering)
    await asyncio.wait({task}, timeout=IN_TIME)
    if task.done():
        task.result()  # after an error nothing is acknowledged
    await ack()
    return await task


def _event_id(payload: Json, member: str, command: str) -> str:
    """An id for one press: Slack gives none, but the time of the press to the microsecond. The id is stored for days,
    so it is hashed and names no member."""
    at = text_of(payload, "action_ts")
    return f"press:{sha256(f'{at}:{member}:{command}'.encode()).hexdigest()}" if at else ""
