"""The Slack platform: posts messages, finds them again, reads reactions back, and listens over Socket Mode."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.model.commands import Commands
from bot.model.messages import Message, Place, PlaceKind
from bot.platforms.slack import checks, render, sockets
from bot.platforms.slack.api import SlackApi, name_of, translate_errors
from bot.platforms.slack.blocks import MAX_TEXT
from bot.platforms.slack.connections import Connections
from bot.platforms.slack.listeners import SlackListeners
from bot.platforms.slack.reading import PLATFORM, emoji, place_of
from bot.platforms.slack.workspaces import OneWorkspace, Workspace, Workspaces
from bot.ports.installations import Installations
from bot.ports.platform import (
    AccessLost,
    BotApi,
    Capabilities,
    Check,
    Clock,
    Invitation,
    NotAccepted,
    PlatformError,
    Rejected,
    Sleep,
    WorkspaceLost,
)
from bot.ports.processes import Leases, OnlyProcess

API_URL = "https://slack.com/api/"
_POST = "paperboy_post"
_NOT_EDITABLE = {"message_not_found", "edit_window_closed", "thread_not_found"}
"""Slack's errors for a message that was deleted, or that the workspace's rules make too old to edit."""
_PAGE = 200
_NEWEST_PAGES = 5
"""Pages that are read if no start is given: 1,000 messages, as the port promises."""
_CLOCKS_APART = timedelta(minutes=5)
"""The most by which Slack's clock and ours may differ. Reading further back costs nothing, for keys are unique."""
_SYNC_EVERY, _SYNC_RETRY = timedelta(days=1), timedelta(minutes=10)
_CONNECTING_SECONDS = 30.0
_PINGS_A_LOOK, _MOST_MISSED = 4, 3
log = structlog.get_logger(__name__)


class SlackPosting:
    """The outgoing half of `bot.ports.platform.Platform`, which both ways of listening share."""

    name = PLATFORM
    capabilities = Capabilities(
        max_text=MAX_TEXT,
        lookup=True,
        reads_reactions=True,
        private_replies=True,
        threads=True,
        asides_in_threads=True,
        numbers=10,
    )

    def __init__(
        self,
        workspaces: Workspaces,
        connections: Connections,
        clock: Clock,
        command: str,
        commands: Commands,
        installations: Installations | None,
    ) -> None:
        self._workspaces, self._connections, self._clock = workspaces, connections, clock
        self._command, self._commands, self._installations = command, commands, installations
        self._next_sync: dict[str, datetime] = {}

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Keep connections to Slack open until the block ends."""
        return self._connections.kept()

    @contextlib.asynccontextmanager
    async def _at(self, place: Place) -> AsyncIterator[Workspace]:
        """The workspace of a place. Errors inside become `PlatformError`s, and a token that Slack refused is marked."""
        workspace = await self._workspaces.get(place.workspace)
        token = workspace.api.client.token or ""
        try:
            with translate_errors():
                yield workspace
        except WorkspaceLost as error:
            await self._workspaces.mark_revoked(workspace, token, str(error))
            raise

    async def turn(self, place: Place) -> None:
        """Wait until a second has passed since the last post in a channel."""
        with contextlib.suppress(PlatformError):  # `send` meets the same error, and says so
            async with self._at(place) as workspace:
                await workspace.api.turn(place.address)

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key, by which `find` finds it again; its id is Slack's `ts`.

        Raises `NotAccepted`, `Rejected`, `AccessLost` and `Uncertain`. It never tries twice.
        """
        content = render.posted(message, self._commands, key, self._command)
        if not content.blocks:
            raise Rejected("There is nothing in this message that could be shown.")
        async with self._at(place) as workspace:
            response = await workspace.api.client.chat_postMessage(
                channel=place.address,
                text=content.text,
                blocks=content.blocks,
                metadata=_metadata(key),
                thread_ts=message.thread or None,
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(response["ts"])

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the bot's own message under the key, which stands in its metadata and its first block's id.

        `after` is a message's `ts`, which is Slack's own time. If no start is given, the newest pages are read.
        """
        oldest = after or (f"{max((since - _CLOCKS_APART).timestamp(), 0):.6f}" if since else None)
        cursor, pages = "", 0
        async with self._at(place) as workspace:
            while True:
                page = await _page(
                    workspace.api,
                    thread,
                    channel=place.address,
                    oldest=oldest,
                    include_all_metadata=True,
                    limit=_PAGE,
                    cursor=cursor or None,
                )
                for message in page.get("messages") or []:
                    if message.get("user") == workspace.identity.user and _has_key(message, key):
                        return str(message["ts"])
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                pages += 1
                if not cursor or (oldest is None and pages == _NEWEST_PAGES):
                    return None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The current (member, emoji) pairs on a message, without those of bots."""
        async with self._at(place) as workspace:
            answer = await workspace.api.reader.reactions_get(channel=place.address, timestamp=message, full=True)
            entries = (answer.get("message") or {}).get("reactions") or []
            pairs = [(member, emoji(each["name"])) for each in entries for member in each.get("users") or []]
            return [
                pair
                for pair in pairs
                if pair[0] != workspace.identity.user and not (await workspace.api.person(pair[0])).bot
            ]

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Replace a posted message; its metadata and first block's id keep the key."""
        content = render.rewritten(message, self._commands, key, self._command)
        try:
            async with self._at(place) as workspace:
                await workspace.api.client.chat_update(
                    channel=place.address, ts=posted, text=content.text, blocks=content.blocks, metadata=_metadata(key)
                )
        except Rejected as error:
            if name_of(error) not in _NOT_EDITABLE:
                raise

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Send a text to one member, as a direct message."""
        content = render.posted(Message(text), self._commands, command=self._command)
        async with self._at(place) as workspace:
            address = await workspace.api.direct(member)
            await workspace.api.client.chat_postMessage(channel=address, text=content.text, blocks=content.blocks)

    async def attends(self, place: Place) -> bool:
        """Whether the bot is in a channel. A direct conversation is always open to it."""
        async with self._at(place) as workspace:
            return place.kind is PlaceKind.DIRECT or (await workspace.api.channel(place.address)).joined

    async def zone_of(self, place: Place, member: str) -> str:
        """The time zone in a member's profile."""
        async with self._at(place) as workspace:
            return (await workspace.api.person(member)).zone

    async def describe(self, place: Place) -> Place:
        """The place with its name and whether it is private, from Slack's conversations.info."""
        async with self._at(place) as workspace:
            answer = await workspace.api.channel(place.address)
        return replace(place, name=place.name or ("" if answer.private else answer.name), private=answer.private)

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of the workspaces of these channels."""
        by_workspace = groupby(sorted(places, key=attrgetter("workspace")), attrgetter("workspace"))
        return [
            check for workspace_id, group in by_workspace for check in self._checks_in(workspace_id, list(group), lost)
        ]

    def _checks_in(self, workspace_id: str, places: Sequence[Place], lost: Sequence[Place]) -> list[Check]:
        left = [place for place in lost if not workspace_id or place.workspace == workspace_id]
        return checks.workspace_checks(self._workspaces, workspace_id, places, left)

    async def sync_memberships(self, service: BotApi, workspace_id: str) -> None:
        """Once a day, and after an installation: tell the service every channel of a workspace that the bot is in, and
        greet the channels that had been lost. This also shows which channels were made private, which no event says."""
        now, is_first = self._clock(), workspace_id not in self._next_sync
        if now < self._next_sync.get(workspace_id, now):
            return
        self._next_sync[workspace_id] = now + _SYNC_RETRY
        # A process that has just started may have been away, and nobody may have listened.
        since = now - (_SYNC_RETRY if is_first else _SYNC_EVERY)
        if self._installations and not await self._installations.begin_roll_call(workspace_id, since):
            return  # another process does it, or has done it
        try:
            await self._sync_memberships(service, workspace_id)
        except WorkspaceLost as error:
            await service.workspace_removed(PLATFORM, workspace_id, str(error))
        except PlatformError as error:
            log.warning("The channels of a workspace could not be listed.", why=str(error))
            await self._roll_call_failed(workspace_id)
        except Exception:
            log.exception("The channels of a workspace could not be listed.")
            await self._roll_call_failed(workspace_id)
        else:
            if workspace_id in self._next_sync:  # else it was installed anew meanwhile
                self._next_sync[workspace_id] = now + _SYNC_EVERY

    async def _roll_call_failed(self, workspace_id: str) -> None:
        """Let this process, or another one, try again."""
        if self._installations:
            await self._installations.end_roll_call(workspace_id)

    async def _sync_memberships(self, service: BotApi, workspace_id: str) -> None:
        async with self._at(place_of(workspace_id, "")) as workspace:
            own = await workspace.api.own_channels()
        rooms = [place_of(workspace_id, channel.address, channel.name, private=channel.private) for channel in own]
        for place, greeting in await service.sync_memberships(PLATFORM, workspace_id, rooms):
            try:
                message = Message(greeting.text, actions=greeting.actions)
                await self.send(place, message, f"back-{self._clock():%Y%m%d%H%M%S}")
            except AccessLost as error:
                await service.left(place, str(error))
            except PlatformError as error:
                log.warning("A channel could not be told that the bot is back.", why=str(error))


class SlackPlatform(SlackPosting):
    """Implements `bot.ports.platform.Platform` for one workspace, with a bot token and an app-level token.

    A broken connection is noticed within `ping_seconds`; Slack sends the events of that time again.
    """

    def __init__(
        self,
        bot_token: str,
        app_token: str,
        clock: Clock,
        commands: Commands,
        *,
        api_url: str = API_URL,
        command: str = "/papers",
        ping_seconds: float = 5.0,
        sleep: Sleep = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
        installations: Installations | None = None,
        managers: Collection[str] = (),
        leases: Leases | None = None,
    ) -> None:
        connections, self._leases = Connections(), leases or OnlyProcess()
        self._api = SlackApi(bot_token, api_url, clock, sleep, seconds, connections=connections, managers=managers)
        self._workspace = OneWorkspace(self._api, clock, installations)
        super().__init__(self._workspace, connections, clock, command, commands, installations)
        self._app_token, self._ping_seconds = app_token, ping_seconds
        self._listened = False

    @property
    def invitation(self) -> Invitation:
        """A token of one workspace serves that workspace alone."""
        return Invitation(
            "Slack",
            "This Paperboy serves one workspace, and no other can install it. There it comes into a channel by",
            "/invite @Paperboy",
        )

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of the tokens, their scopes, and each of these channels."""
        own = super().checks(places, lost) or self._checks_in("", (), lost)
        more = checks.app_token_check(self._api, self._app_token), checks.sockets_check(self._leases)
        return [*own, *more, checks.EVENTS_CHECK]

    async def run(self, service: BotApi) -> None:
        """Listen over Socket Mode until cancelled. Raises when the connection can't be made or is gone for good."""
        async with self._connections.kept(), sockets.one_of_ten(self._leases):
            await self._listen(service)

    async def _listen(self, service: BotApi) -> None:
        workspace = await self._workspace.register()
        listeners = SlackListeners(service, self, self._workspaces, self._clock, self._command, self._commands)
        app = listeners.app(str(workspace.api.client.base_url))
        handler = Acknowledging(app, self._app_token, ping_interval=self._ping_seconds)
        try:
            with translate_errors():
                # The address is asked for here, because the library would try a wrong token again and again.
                opened = await handler.client.web_client.apps_connections_open(app_token=self._app_token)
                handler.client.wss_uri = opened["url"]
                async with asyncio.timeout(_CONNECTING_SECONDS):
                    await handler.connect_async()  # type: ignore[no-untyped-call]
            if self._listened:  # Slack repeats events for minutes only, and connecting may have taken longer
                await service.resync_reactions_soon(PLATFORM)
            self._listened = True
            await self._watch(handler, service, workspace.identity.workspace)
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _watch(self, handler: AsyncSocketModeHandler, service: BotApi, workspace_id: str) -> None:
        """Watch the connection, which the library opens again by itself. Raises NotAccepted if it stays broken."""
        missed = 0
        while missed < _MOST_MISSED:
            await self.sync_memberships(service, workspace_id)
            await asyncio.sleep(_PINGS_A_LOOK * self._ping_seconds)
            missed = 0 if await handler.client.is_connected() else missed + 1
        raise NotAccepted("The connection to Slack is gone and did not come back.")


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": _POST, "event_payload": {"key": key}}


def _has_key(message: dict[str, Any], key: str) -> bool:
    """Whether a message has the key in its metadata or its first block's id: Slack's documents disagree on whether
    metadata is kept that no manifest declares."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == _POST and (metadata.get("event_payload") or {}).get("key") == key:
        return True
    return any(block.get("block_id") == render.block_id(key) for block in message.get("blocks") or [])


async def _page(api: SlackApi, thread: str, **options: Any) -> AsyncSlackResponse:
    """A page of the messages in a channel, or in a thread of it."""
    if thread:
        return await api.reader.conversations_replies(ts=thread, **options)
    return await api.reader.conversations_history(**options)


class Acknowledging(AsyncSocketModeHandler):
    """Bolt's handler of Socket Mode. A connection that closes before an acknowledgement is no error here: Slack sends
    the event again."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Handle a request, and acknowledge it."""
        try:
            await super().handle(client, req)
        except ConnectionError:
            log.info("The connection to Slack closed before an acknowledgement. Slack sends the event again.")
