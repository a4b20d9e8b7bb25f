"""Listeners for everything that Slack sends: events, commands, buttons.

Bolt acknowledges an event before its listener runs; an event whose listener then fails is lost. So events that must not
be lost are handled in a middleware, before the acknowledgement: if that fails, Slack gets no acknowledgement and sends
the event again. A repeated event is recognized by its `event_id`. Questions are acknowledged first and answered
afterwards, because an answer may take longer than Slack waits.
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
_MOST_EVENTS = 10_000
"""Event ids that are remembered. Slack repeats an event within minutes, or hourly for a day after an outage."""
_RATE_LIMITED = "app_rate_limited"
"""Sent once a minute instead of the events of a workspace that has more than 30,000 in an hour
(docs.slack.dev/reference/events/app_rate_limited)."""
_DELETED = "deleted"
_WHY_LEFT = {
    "left": "I was removed from the channel",
    "archive": "the channel was archived",
    _DELETED: "the channel was deleted",
}
log = structlog.get_logger(__name__)
_LIBRARY_LOG = logging.getLogger("slack_bolt")


class SlackListeners:
    """The listeners of one service, for all workspaces."""

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
        self._events: dict[str, asyncio.Task[None] | None] = {}
        self._bot_lookups = set[asyncio.Task[None]]()

    def app(self, api_url: str) -> AsyncApp:
        """A Bolt app with all listeners."""
        app = AsyncApp(
            client=AsyncWebClient(base_url=api_url, retry_handlers=[], logger=_LIBRARY_LOG),
            before_authorize=self._find_workspace,
            authorize=_authorize,  # type: ignore[arg-type]  # it may return None: not installed there
            user_facing_authorize_error_message=_NOT_INSTALLED,
            name="paperboy",
            logger=_LIBRARY_LOG,
            request_verification_enabled=False,
        )
        app.error(_on_error)
        app.use(self._handle_once)
        home = HomeTab(self._service, self._command, self._commands)
        modals = Modals(self._service, home, self._command, self._commands)
        presses = ActionHandlers(self._service, home, modals, self._command, self._commands)
        for name in QUESTIONS:
            app.event(name)(self._on_message)
        app.event(HOME)(home.opened)
        app.event(_ANY)(_ignore)
        app.command(_ANY)(self._asked)
        app.block_action(_ANY)(presses.pressed)
        app.view(_ANY)(modals.submitted)
        for command in self._commands.menus():
            app.message_shortcut(command)(presses.shortcut)
        return app

    async def _find_workspace(
        self,
        body: Json,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[None]],  # noqa: A002
    ) -> None:
        """Find the workspace of a payload; listeners get it as `workspace`.

        In a channel that two companies share, the payload may name the member's workspace, where the bot may be
        installed too. In that case the bot's own message names the right workspace. A payload for a workspace without
        the bot gets none.
        """
        begin_event(text_of(body, "event_id"))
        message = body.get("message") or {}
        author = text_of(message, "team")
        own = [author] if author and message.get("app_id") == body.get("api_app_id") else []
        for workspace_id in (*own, context.team_id, author, ""):
            with contextlib.suppress(AccessLost):
                context["workspace"] = await self._workspaces.get(workspace_id or "")
                break
        await next()

    async def _handle_once(
        self,
        body: Json,
        context: AsyncBoltContext,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse:
        """Let each event through once. An event of `BEFORE_ACK` is handled completely before its acknowledgement."""
        if body.get("type") == _RATE_LIMITED:
            log.warning("Slack withholds events: the workspace has too many.", workspace=context.team_id)
            team = context.team_id
            await self._service.resync_reactions_soon(PLATFORM, (lambda workspace: workspace == team) if team else None)
            return await context.ack()
        event_id, event = text_of(body, "event_id"), body.get("event")
        if not event_id or not isinstance(event, dict):
            return await next()
        if event_id not in self._events:
            kind, handling = text_of(event, "type"), None
            if kind in REMOVALS:
                handling = self._workspace_removed(context.team_id or "", body)
            elif handler := BEFORE_ACK.get(kind):
                handling = handler(self, context["workspace"], event, event_id)
            self._remember(event_id, asyncio.create_task(handling) if handling else None)
            if handling is None:
                return await next()
        if task := self._events.get(event_id):
            try:
                await asyncio.shield(task)
            except Exception:
                self._events.pop(event_id, None)
                raise
        return await context.ack()

    def _remember(self, event_id: str, task: asyncio.Task[None] | None) -> None:
        self._events[event_id] = task
        if len(self._events) > _MOST_EVENTS:
            del self._events[next(iter(self._events))]

    async def _workspace_removed(self, workspace_id: str, body: Json) -> None:
        """The bot was removed from a workspace, or its token revoked. The two events come in any order, perhaps
        late."""
        event, event_time = body["event"], body.get("event_time")
        if event["type"] == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
            return
        at = moment(str(event_time)) if isinstance(event_time, int | float) else self._clock()
        if await self._workspaces.mark_ended(workspace_id, at, uninstalled=event["type"] == "app_uninstalled"):
            await self._service.workspace_removed(PLATFORM, workspace_id, REMOVALS[event["type"]])

    async def _reacted(self, workspace: Workspace, event: Json, event_id: str) -> None:
        item, member = event.get("item") or {}, text_of(event, "user")
        channel, message = text_of(item, "channel"), text_of(item, "ts")
        ours = event.get("item_user", workspace.identity.user) == workspace.identity.user
        person = workspace.api.cached_person(member)
        bot = member == workspace.identity.user or (person is not None and person.bot)
        if bot or not (ours and channel and message and member):
            return
        on = event["type"] == "reaction_added"
        name, at = emoji(text_of(event, "reaction")), moment(text_of(event, "event_ts"))
        reaction = Reaction(place_of(workspace.identity.workspace, channel), message, member, name, on, at)
        await self._service.react(reaction, event_id)
        if on and not person:
            lookup = asyncio.create_task(self._retract_vote_of_bot(workspace, reaction))
            self._bot_lookups.add(lookup)
            lookup.add_done_callback(self._bot_lookups.discard)

    async def _retract_vote_of_bot(self, workspace: Workspace, reaction: Reaction) -> None:
        """Take the vote back if a bot gave it. The event does not say so, and Slack need not wait until the member is
        looked up. If the lookup fails, the daily resync of reactions removes the vote."""
        try:
            if (await workspace.api.person(reaction.member)).bot:
                await self._service.react(replace(reaction, on=False))
        except PlatformError as error:
            log.warning("A member who reacted could not be looked up.", why=str(error))
        except Exception:
            log.exception("A bot's vote could not be taken back.")

    async def _joined(self, workspace: Workspace, event: Json, event_id: str) -> None:
        if event.get("user") == workspace.identity.user:
            place, _ = await _describe(workspace, text_of(event, "channel"))
            await self._greet(place, text_of(event, "inviter"), event_id)

    async def _unarchived(self, workspace: Workspace, event: Json, event_id: str) -> None:
        place, joined = await _describe(workspace, text_of(event, "channel"))
        if joined:
            await self._greet(place, "", event_id)

    async def _left(self, workspace: Workspace, event: Json, event_id: str) -> None:
        kind = event["type"].rpartition("_")[2]
        place, joined = await _describe(workspace, text_of(event, "channel"))
        if not joined or kind == _DELETED:  # else the event came late, and the bot is back
            await self._service.left(place, _WHY_LEFT[kind])

    async def _renamed(self, workspace: Workspace, event: Json, event_id: str) -> None:
        channel = event.get("channel") or {}
        place, _ = await _describe(workspace, text_of(channel, "id"))
        await self._service.renamed(replace(place, name=place.name or text_of(channel, "name")))

    async def _greet(self, place: Place, by: str, event_id: str) -> None:
        """Begin in a channel and greet it, once for however many events of it."""
        greeting = await self._service.joined(place, by)
        if not greeting.text:
            return
        key = event_id[-_KEY:]
        try:
            if await self._platform.find(place, key, self._clock() - timedelta(days=1)) is None:
                await self._platform.send(place, Message(greeting.text, actions=greeting.actions), key)
        except AccessLost as error:  # the event came late, and the bot has been removed since
            await self._service.left(place, str(error))
        except Rejected as error:
            log.warning("A channel could not be greeted.", why=str(error))

    async def _on_message(self, event: Json, workspace: Workspace) -> None:
        """Answer a mention where it stands, or a direct message."""
        channel, member = text_of(event, "channel"), text_of(event, "user")
        direct = event.get("channel_type") == "im"
        addressed = direct or event.get("type") == "app_mention"
        if (
            not (addressed and channel and member)
            or event.get("subtype", _WITH_FILE) != _WITH_FILE
            or event.get("bot_id")
        ):
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
        """Answer the slash command."""
        await ack()
        name, channel, member = (text_of(body, each) for each in ("channel_name", "channel_id", "user_id"))
        hidden = name == _PRIVATE or name.startswith(_GROUP)
        # Any other name proves nothing: Slack documents no name for group conversations.
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


Handler = Callable[[SlackListeners, Workspace, Json, str], Coroutine[Any, Any, None]]
BEFORE_ACK: Mapping[str, Handler] = {
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
"""Events that are handled before their acknowledgement."""
QUESTIONS, HOME = ("app_mention", "message"), "app_home_opened"
"""Events that are answered after their acknowledgement."""
REMOVALS = {
    "app_uninstalled": "Paperboy was removed from the workspace",
    "tokens_revoked": "Paperboy's access to the workspace was revoked",
}
"""Events after which the bot may act nowhere in a workspace, and the reason that owners read."""
EVENTS = ("app_mention", "message.im", HOME, *BEFORE_ACK, *REMOVALS)
"""All events that the app subscribes to, by their names in the manifest."""
_WITH_FILE = "file_share"
_PRIVATE, _DIRECT, _GROUP = "privategroup", "directmessage", "mpdm-"
"""Slack's names of any private channel and any direct conversation, and the prefix of a group conversation's name."""


_NOT_INSTALLED = (
    "I am not installed in this workspace any more. Whoever runs Paperboy has the link that installs me again, and "
    "everything goes on."
)


_SHAPE_ERRORS = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError)
"""Errors that a payload of an unexpected form raises."""
_READING_PACKAGES = {*sys.stdlib_module_names, "slack_bolt", "slack_sdk"}
"""The packages that read payloads, beside the platform's own modules."""


async def _on_error(error: Exception) -> BoltResponse:
    """The response to Slack after an error. If the error came while the payload was read, before anything was done, the
    payload has a form that Slack's documents do not describe."""
    frames = [(frame.f_globals.get("__name__", ""), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    packages = {name.partition(".")[0] for name, _ in frames if not name.startswith("bot.platforms.")}
    if isinstance(error, _SHAPE_ERRORS) and packages <= _READING_PACKAGES:
        name, line = frames[-1] if frames else ("", 0)
        log.warning("Slack sent a payload that can't be read.", error=type(error).__name__, module=name, line=line)
        return BoltResponse(status=400, body="")
    log.error("A payload from Slack could not be handled.", exc_info=error)
    return BoltResponse(status=500, body="")


async def _authorize(context: AsyncBoltContext) -> AuthorizeResult | None:
    # If Bolt asked Slack itself for the identity and got no answer, it would acknowledge an event that nobody handled.
    workspace: Workspace | None = context.get("workspace")
    if workspace is None:
        return None
    return AuthorizeResult(
        enterprise_id=None,
        team_id=workspace.identity.workspace,
        bot_user_id=workspace.identity.user,
        bot_id=workspace.identity.bot,
    )


async def _describe(workspace: Workspace, address: str) -> tuple[Place, bool]:
    """A channel's place as Slack describes it, and whether the bot is in it and may write there."""
    channel = await workspace.api.channel(address)
    return place_of(workspace.identity.workspace, address, channel.name, private=channel.private), channel.joined


async def _ignore() -> None:
    """Ignore an event. It is still acknowledged, or Slack would send it again."""
