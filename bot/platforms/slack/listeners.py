"""What Slack tells the bot: events, commands, buttons.

Bolt acknowledges an event before its listener runs, and what dies then is lost. So whatever must not be lost is worked
off in a middleware, before the acknowledgement: when it fails, Slack gets none and tells it again. What is told twice
is known by its `event_id`. Questions are acknowledged first and answered then, for that may take longer than Slack
waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import begin_event
from bot.model.commands import Commands
from bot.model.messages import Asker, Message, Place, Reaction, Reply
from bot.platforms.slack.action_handlers import ActionHandlers
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.files import with_files
from bot.platforms.slack.home import HomeTab
from bot.platforms.slack.modals import Modals
from bot.platforms.slack.reading import PLATFORM, emoji, moment, place_of, text_of, typed, unescaped
from bot.platforms.slack.responses import ResponseChannel
from bot.platforms.slack.workspaces import Workspace, Workspaces
from bot.ports.platform import AccessLost, BotApi, Clock, Platform, PlatformError, Rejected

_ANY = re.compile("")
_KEY = 25
_REMEMBERED = 10_000
"""Event ids; Slack repeats an event within minutes, or hourly for a day after an outage."""
_LIMITED = "app_rate_limited"
"""What Slack sends, once a minute, in place of the events of a workspace that has more than 30,000 in an hour
(docs.slack.dev/reference/events/app_rate_limited)."""
_FOR_GOOD = "deleted"
_WHY_LEFT = {
    "left": "I was removed from the channel",
    "archive": "the channel was archived",
    _FOR_GOOD: "the channel was deleted",
}
log = structlog.get_logger(__name__)
_LIBRARY_LOG = logging.getLogger("slack_bolt")


class SlackListeners:
    """The listeners over one service, of whatever workspaces."""

    def __init__(
        self,
        service: BotApi,
        platform: Platform,
        workspaces: Workspaces,
        clock: Clock,
        command: str,
        commands: Commands,
    ) -> None:
        self._service, self._platform, self._workspaces = service, platform, workspaces
        self._clock, self._command, self._commands = clock, command, commands
        self._heard: dict[str, asyncio.Task[None] | None] = {}
        self._doubts = set[asyncio.Task[None]]()

    def app(self, api_url: str) -> AsyncApp:
        """A Bolt app that listens for all that Slack may tell."""
        app = AsyncApp(
            client=AsyncWebClient(base_url=api_url, retry_handlers=[], logger=_LIBRARY_LOG),
            before_authorize=self._located,
            authorize=_authorized,  # type: ignore[arg-type]  # None, not installed there, is an answer too
            user_facing_authorize_error_message=_NOT_INSTALLED,
            name="paperboy",
            logger=_LIBRARY_LOG,
            request_verification_enabled=False,
        )
        app.error(_failed)
        app.use(self._once)
        home = HomeTab(self._service, self._command, self._commands)
        modals = Modals(self._service, home, self._command, self._commands)
        presses = ActionHandlers(self._service, home, modals, self._command, self._commands)
        for name in QUESTIONS:
            app.event(name)(self._mentioned)
        app.event(HOME)(home.opened)
        app.event(_ANY)(_nothing)
        app.command(_ANY)(self._asked)
        app.block_action(_ANY)(presses.pressed)
        app.view(_ANY)(modals.submitted)
        for command in self._commands.menus():
            app.message_shortcut(command)(presses.shortcut)
        return app

    async def _located(
        self,
        body: Json,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Find the workspace that this is for; listeners get it as `workspace`.

        Where a channel is shared between companies, the payload may name the workspace of whoever acts there, and the
        bot may be installed there too; its own message then names the right one. What is for no workspace of ours
        finds none.
        """
        begin_event(text_of(body, "event_id"))
        message = body.get("message") or {}
        author = text_of(message, "team")
        named = [author] if author and message.get("app_id") == body.get("api_app_id") else []
        for workspace_id in (*named, context.team_id, author, ""):
            with contextlib.suppress(AccessLost):
                context["workspace"] = await self._workspaces.get(workspace_id or "")
                break
        await next()

    async def _once(
        self,
        body: Json,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse:
        """Let each event through once; those of `FIRST` are done when they are acknowledged."""
        if body.get("type") == _LIMITED:
            log.warning("Slack holds events back: the workspace has too many.", workspace=context.team_id)
            await self._service.resync_reactions_soon()
            return await context.ack()
        event_id, event = text_of(body, "event_id"), body.get("event")
        if not event_id or not isinstance(event, dict):
            return await next()
        if event_id not in self._heard:
            kind, doing = text_of(event, "type"), None
            if kind in FAREWELLS:
                doing = self._dismissed(context.team_id or "", body)
            elif work := FIRST.get(kind):
                doing = work(self, context["workspace"], event, event_id)
            self._remember(event_id, asyncio.create_task(doing) if doing else None)
            if doing is None:
                return await next()
        if task := self._heard.get(event_id):
            try:
                await asyncio.shield(task)
            except Exception:
                self._heard.pop(event_id, None)
                raise
        return await context.ack()

    def _remember(self, event_id: str, task: asyncio.Task[None] | None) -> None:
        self._heard[event_id] = task
        if len(self._heard) > _REMEMBERED:
            del self._heard[next(iter(self._heard))]

    async def _dismissed(self, workspace_id: str, body: Json) -> None:
        """The bot was removed from a workspace, or its token revoked: the two come in any order, and perhaps late."""
        event, told_at = body["event"], body.get("event_time")
        if event["type"] == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
            return
        at = moment(str(told_at)) if isinstance(told_at, int | float) else self._clock()
        if await self._workspaces.mark_ended(workspace_id, at, uninstalled=event["type"] == "app_uninstalled"):
            await self._service.workspace_removed(PLATFORM, workspace_id, FAREWELLS[event["type"]])

    async def _reacted(self, workspace: Workspace, event: Json, event_id: str) -> None:
        item, member = event.get("item") or {}, text_of(event, "user")
        channel, message = text_of(item, "channel"), text_of(item, "ts")
        ours = event.get("item_user", workspace.identity.user) == workspace.identity.user
        known = workspace.api.known(member)
        if not (ours and channel and message and member) or member == workspace.identity.user or (known and known.bot):
            return
        on = event["type"] == "reaction_added"
        name, at = emoji(text_of(event, "reaction")), moment(text_of(event, "event_ts"))
        reaction = Reaction(place_of(workspace.identity.workspace, channel), message, member, name, on, at)
        await self._service.react(reaction, event_id)
        if on and not known:
            doubting = asyncio.create_task(self._doubt(workspace, reaction))
            self._doubts.add(doubting)
            doubting.add_done_callback(self._doubts.discard)

    async def _doubt(self, workspace: Workspace, reaction: Reaction) -> None:
        """Take a bot's vote back. The event does not say that it is one's, and Slack need not wait until it has been
        asked. Where it does not answer, the daily reading back finds no such vote."""
        try:
            if (await workspace.api.person(reaction.member)).bot:
                await self._service.react(replace(reaction, on=False))
        except PlatformError as error:
            log.warning("Who reacted could not be looked up.", why=str(error))
        except Exception:
            log.exception("A bot's vote could not be taken back.")

    async def _joined(self, workspace: Workspace, event: Json, event_id: str) -> None:
        if event.get("user") == workspace.identity.user:
            place, _ = await _shown(workspace, text_of(event, "channel"))
            await self._begin(place, text_of(event, "inviter"), event_id)

    async def _unarchived(self, workspace: Workspace, event: Json, event_id: str) -> None:
        place, joined = await _shown(workspace, text_of(event, "channel"))
        if joined:
            await self._begin(place, "", event_id)

    async def _left(self, workspace: Workspace, event: Json, event_id: str) -> None:
        how = event["type"].rpartition("_")[2]
        place, joined = await _shown(workspace, text_of(event, "channel"))
        if not joined or how == _FOR_GOOD:  # else this is told late, and the bot is back
            await self._service.left(place, _WHY_LEFT[how])

    async def _renamed(self, workspace: Workspace, event: Json, event_id: str) -> None:
        channel = event.get("channel") or {}
        place, _ = await _shown(workspace, text_of(channel, "id"))
        await self._service.renamed(replace(place, name=place.name or text_of(channel, "name")))

    async def _begin(self, place: Place, by: str, event_id: str) -> None:
        """Begin in a channel and greet it, once however often Slack tells of it."""
        greeting = await self._service.joined(place, by)
        key = event_id[-_KEY:]
        try:
            if await self._platform.find(place, key, self._clock() - timedelta(days=1)) is None:
                await self._platform.send(place, Message(greeting.text), key)
        except AccessLost as error:  # it was told late, and the bot has been removed since
            await self._service.left(place, str(error))
        except Rejected as error:
            log.warning("A channel could not be greeted.", why=str(error))

    async def _mentioned(self, event: Json, workspace: Workspace) -> None:
        """A mention in a channel, answered where it stands, or a direct message."""
        channel, member = text_of(event, "channel"), text_of(event, "user")
        direct = event.get("channel_type") == "im"
        spoken = direct or event.get("type") == "app_mention"
        if not (spoken and channel and member) or event.get("subtype", _WITH_FILE) != _WITH_FILE or event.get("bot_id"):
            return
        place = place_of(workspace.identity.workspace, channel)
        line = typed(text_of(event, "text"), workspace.identity.user)
        response = ResponseChannel(
            workspace.api, self._command, self._commands, place, member, text_of(event, "thread_ts")
        )
        try:
            line = await with_files(workspace.api, self._commands, line, event)
        except PlatformError as error:
            await response.show_or_log(Reply(f"{error} You can also paste its text after `teach`.", ok=False))
            return
        await response.answer(lambda asker: self._service.ask(place, asker, line))

    async def _asked(self, ack: AsyncAck, body: Json, workspace: Workspace) -> None:
        """The slash command."""
        await ack()
        name, channel, member = (text_of(body, each) for each in ("channel_name", "channel_id", "user_id"))
        hidden = name == _PRIVATE or name.startswith(_GROUP)
        # A name that stands for no private channel proves nothing: Slack documents none for group conversations.
        private = True if hidden else None
        place = place_of(
            workspace.identity.workspace, channel, "" if hidden or name == _DIRECT else name, private=private
        )
        response = ResponseChannel(
            workspace.api, self._command, self._commands, place, member, response_url=text_of(body, "response_url")
        )

        async def ask(asker: Asker) -> Reply:
            return await self._service.ask(await response.resolve_place(), asker, unescaped(text_of(body, "text")))

        await response.answer(ask)


Work = Callable[[SlackListeners, Workspace, Json, str], Coroutine[Any, Any, None]]
FIRST: Mapping[str, Work] = {
    "reaction_added": SlackListeners._reacted,
    "reaction_removed": SlackListeners._reacted,
    "member_joined_channel": SlackListeners._joined,
    "channel_left": SlackListeners._left,
    "group_left": SlackListeners._left,
    "channel_archive": SlackListeners._left,
    "group_archive": SlackListeners._left,
    "channel_deleted": SlackListeners._left,
    "group_deleted": SlackListeners._left,
    "channel_unarchive": SlackListeners._unarchived,
    "group_unarchive": SlackListeners._unarchived,
    "channel_rename": SlackListeners._renamed,
    "group_rename": SlackListeners._renamed,
}
"""Events whose work is done before they are acknowledged."""
QUESTIONS, HOME = ("app_mention", "message"), "app_home_opened"
"""Events that are answered after their acknowledgement."""
FAREWELLS = {
    "app_uninstalled": "Paperboy was removed from the workspace",
    "tokens_revoked": "Paperboy's access to the workspace was revoked",
}
"""Events after which the bot may act nowhere in a workspace, and what is said of them."""
EVENTS = ("app_mention", "message.im", HOME, *FIRST, *FAREWELLS)
"""What Slack is asked to tell, by the names that a manifest has for it."""
_WITH_FILE = "file_share"
_PRIVATE, _DIRECT, _GROUP = "privategroup", "directmessage", "mpdm-"
"""What Slack calls a private channel and a direct conversation, and how the names of group conversations begin."""


_NOT_INSTALLED = (
    "I am not installed in this workspace any more. Whoever runs Paperboy has the link that installs me again, and "
    "everything goes on."
)


_ODD = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError)
"""What reading a payload of another form raises."""
_READERS = {*sys.stdlib_module_names, "slack_bolt", "slack_sdk"}
"""Whose code reads payloads, beside the platform's own."""


async def _failed(error: Exception) -> BoltResponse:
    """What Slack is told when something failed. Where it failed while the payload was read, and nothing was done yet,
    the payload has a form that Slack's documents do not know."""
    where = [(frame.f_globals.get("__name__", ""), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    only_read = all(name.startswith("bot.platforms.") or name.partition(".")[0] in _READERS for name, _ in where)
    if isinstance(error, _ODD) and only_read:
        name, line = where[-1] if where else ("", 0)
        log.warning("Slack sent a payload that can't be read.", error=type(error).__name__, module=name, line=line)
        return BoltResponse(status=400, body="")
    log.error("A payload from Slack could not be handled.", exc_info=error)
    return BoltResponse(status=500, body="")


async def _authorized(context: AsyncBoltContext) -> AuthorizeResult | None:
    # Where Bolt asks Slack itself who the bot is, and gets no answer, it acknowledges what nobody took in.
    workspace: Workspace | None = context.get("workspace")
    if workspace is None:
        return None
    return AuthorizeResult(
        enterprise_id=None,
        team_id=workspace.identity.workspace,
        bot_user_id=workspace.identity.user,
        bot_id=workspace.identity.bot,
    )


async def _shown(workspace: Workspace, address: str) -> tuple[Place, bool]:
    """A channel as Slack shows it, and whether the bot is in it and may write there."""
    channel = await workspace.api.channel(address)
    return place_of(workspace.identity.workspace, address, channel.name, private=channel.private), channel.joined


async def _nothing() -> None:
    """An event of no concern is acknowledged all the same, or Slack would tell it again."""
