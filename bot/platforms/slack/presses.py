"""Buttons under messages, and shortcuts on messages.

Whoever pressed is told alone what was counted and how to take it back. What all pressed stands on the message, but not
by anything done here: a count written anew at each press would go against Slack's rates, and one press against another.
`bot/jobs/vote_counts.py` writes it from the votes, once for all that were pressed in two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from hashlib import sha256

from slack_bolt.async_app import AsyncAck

from bot.model.commands import Commands
from bot.model.messages import Action, Asker, Reply
from bot.platforms.slack import render, views
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.home import HomeTab
from bot.platforms.slack.modals import IN_TIME, Modals
from bot.platforms.slack.outlet import Outlet, in_words
from bot.platforms.slack.reading import links, place_of, text_of, thread_of
from bot.platforms.slack.workspaces import Workspace
from bot.ports.platform import BotApi, PlatformError


class Presses:
    """What members press and choose, over one service."""

    def __init__(self, service: BotApi, home: HomeTab, modals: Modals, command: str, commands: Commands) -> None:
        self._service, self._home, self._modals, self._command = service, home, modals, command
        self._commands = commands

    async def pressed(self, ack: AsyncAck, body: Json, here: Workspace) -> None:
        """A button of a card, under an answer, or on the home tab."""
        [button, *_] = body.get("actions") or [{}]
        if body.get("view"):
            await ack()
            await self._pressed_at_home(body, button, here)
            return
        action, outlet = render.pressed(text_of(button, "value")), self._outlet(body, body.get("container") or {}, here)
        if action is None:
            await ack()
            return
        action = replace(action, label=text_of(button.get("text") or {}, "text"))
        trigger = text_of(body, "trigger_id")
        event_id = _event_id(button, outlet.member, action.verb)
        traits = self._commands.traits(action.verb)
        if traits.has_form:
            await ack()
            try:
                await self._modals.open(here, outlet.member, trigger, await outlet.meant(), action.verb)
            except PlatformError:
                late = f"Slack did not open the form in time. Press again, or say `/papers {action.verb}`."
                await outlet.show_or_log(Reply(late, ok=False))
        elif traits.answers_at_once:
            # Who presses needs no looking up: anybody's vote counts.
            counting = self._act(outlet, Asker(outlet.member), action, event_id)
            await outlet.show_or_log(await _acknowledged(ack, in_words(counting)))
        else:
            await ack()
            await outlet.answer(lambda asker: self._act(outlet, asker, action, event_id))

    async def chosen(self, ack: AsyncAck, body: Json, here: Workspace) -> None:
        """A shortcut on any message, also in a thread, where no command can be given."""
        verb, message = text_of(body, "callback_id"), body.get("message") or {}
        outlet = self._outlet(body, message, here)
        event_id = _event_id(body, outlet.member, verb)
        asker, ts = Asker(outlet.member), text_of(body, "message_ts")

        async def answer() -> Reply:
            return await self._service.act_on_message(await outlet.meant(), asker, verb, ts, links(message), event_id)

        await outlet.show_or_log(await _acknowledged(ack, in_words(answer())))

    async def _act(self, outlet: Outlet, asker: Asker, action: Action, event_id: str) -> Reply:
        return await self._service.act(await outlet.meant(), asker, action, event_id)

    async def _pressed_at_home(self, body: Json, button: Json, here: Workspace) -> None:
        found, member = views.pressed(button), text_of(body.get("user") or {}, "id")
        if found is None:
            return
        address, action = found
        if not self._commands.traits(action.verb).has_form:
            event_id = _event_id(button, member, action.verb)
            await self._home.pressed(here, member, address, action, event_id)
            return
        try:
            place = place_of(here.me.workspace, address or await here.web.direct(member))
            await self._modals.open(here, member, text_of(body, "trigger_id"), place, action.verb, at_home=True)
        except PlatformError:
            await self._home.publish(here, member, "Slack did not open the form in time. Please press again.")

    def _outlet(self, body: Json, message: Json, here: Workspace) -> Outlet:
        """The way back to whoever pressed; `message` tells the thread."""
        channel = text_of(body.get("channel") or {}, "id") or text_of(message, "channel_id")
        thread = thread_of(message, text_of(message, "message_ts") or text_of(message, "ts"))
        place, member = place_of(here.me.workspace, channel), text_of(body.get("user") or {}, "id")
        return Outlet(here.web, self._command, self._commands, place, member, thread, text_of(body, "response_url"))


async def _acknowledged(ack: AsyncAck, answering: Awaitable[Reply]) -> Reply:
    """Answer, and acknowledge as soon as that is done: what dies before is not taken for done. What takes longer than
    Slack waits is acknowledged all the same, and done then."""
    task = asyncio.ensure_future(answering)
    await asyncio.wait({task}, timeout=IN_TIME)
    if task.done():
        task.result()  # what it died of is no acknowledgement
    await ack()
    return await task


def _event_id(told: Json, member: str, verb: str) -> str:
    """What tells one press from any other: Slack has no event id for it, but its time, to the microsecond. It is kept
    for days, so it names nobody."""
    at = text_of(told, "action_ts")
    return f"press:{sha256(f'{at}:{member}:{verb}'.encode()).hexdigest()}" if at else ""
