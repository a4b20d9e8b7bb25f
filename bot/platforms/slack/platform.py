"""The Slack platform: posts, finds again what it posted, reads reactions back, and listens over Socket Mode."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.model.commands import Commands
from bot.model.messages import Message, Place, PlaceKind
from bot.platforms.slack import checks, render
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
    NotAccepted,
    PlatformError,
    Rejected,
    Sleep,
    WorkspaceLost,
)

API_URL = "https://slack.com/api/"
_POST = "paperboy_post"
_IN_PEACE = {"message_not_found", "edit_window_closed", "thread_not_found"}
"""What Slack says of a message that was deleted, or is too old to be changed where a workspace wants it so."""
_PAGE = 200
_NEWEST_PAGES = 5
"""Pages that are read when nothing says where to begin: 1,000 messages, as the port promises."""
_CLOCKS_APART = timedelta(minutes=5)
"""Slack's clock and ours may differ by so much; looking further back costs nothing, keys are unique."""
_ROLL_EVERY, _ROLL_AGAIN = timedelta(days=1), timedelta(minutes=10)
_CONNECTING_SECONDS = 30.0
_PINGS_A_LOOK, _MISSED = 4, 3
log = structlog.get_logger(__name__)


class SlackPosting:
    """What Slack is on the way out: the half of `bot.ports.platform.Platform` that needs no listening."""

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

    def __init__(self, workspaces: Workspaces, clock: Clock, command: str, commands: Commands) -> None:
        self._workspaces, self._clock, self._command, self._commands = workspaces, clock, command, commands
        self._next_roll: dict[str, datetime] = {}

    @contextlib.asynccontextmanager
    async def _at(self, place: Place) -> AsyncIterator[Workspace]:
        """The workspace of a place; whatever goes wrong in it is a `PlatformError`, and a dead token is noted."""
        workspace = await self._workspaces.get(place.workspace)
        token = workspace.api.client.token or ""
        try:
            with translate_errors():
                yield workspace
        except WorkspaceLost as error:
            await self._workspaces.mark_revoked(workspace, token, str(error))
            raise

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Post a message under a key, by which `find` knows it again; its id is Slack's `ts`.

        Raises `NotAccepted`, `Rejected`, `AccessLost` and `Uncertain`; never tries twice.
        """
        shown = render.posted(message, self._commands, key, self._command)
        if not shown.blocks:
            raise Rejected("There is nothing in this message that could be shown.")
        async with self._at(place) as workspace:
            done = await workspace.api.client.chat_postMessage(
                channel=place.address,
                text=shown.text,
                blocks=shown.blocks,
                metadata=_metadata(key),
                thread_ts=message.thread or None,
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(done["ts"])

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """The id of the bot's own message under the key, told by its metadata or its block's id.

        `after` is a message's `ts`, which is Slack's own time. With no start given, Slack's newest pages are read.
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
                    if message.get("user") == workspace.identity.user and _carries(message, key):
                        return str(message["ts"])
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                pages += 1
                if not cursor or (oldest is None and pages == _NEWEST_PAGES):
                    return None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The standing (member, emoji) pairs on a message, those of bots left out."""
        async with self._at(place) as workspace:
            answer = await workspace.api.reader.reactions_get(channel=place.address, timestamp=message, full=True)
            found = (answer.get("message") or {}).get("reactions") or []
            pairs = [(member, emoji(each["name"])) for each in found for member in each.get("users") or []]
            return [
                pair
                for pair in pairs
                if pair[0] != workspace.identity.user and not (await workspace.api.person(pair[0])).bot
            ]

    async def rewrite(self, place: Place, posted: str, message: Message, key: str) -> None:
        """Put a message in the place of one that stands there; metadata and block id still tell its key."""
        shown = render.rewritten(message, self._commands, key, self._command)
        try:
            async with self._at(place) as workspace:
                await workspace.api.client.chat_update(
                    channel=place.address, ts=posted, text=shown.text, blocks=shown.blocks, metadata=_metadata(key)
                )
        except Rejected as error:
            if name_of(error) not in _IN_PEACE:
                raise

    async def tell(self, place: Place, member: str, text: str) -> None:
        """A private word to one member, as a direct message."""
        shown = render.posted(Message(text), self._commands, command=self._command)
        async with self._at(place) as workspace:
            address = await workspace.api.direct(member)
            await workspace.api.client.chat_postMessage(channel=address, text=shown.text, blocks=shown.blocks)

    async def attends(self, place: Place) -> bool:
        """Whether the bot is in a channel; a conversation with one member is always open to it."""
        async with self._at(place) as workspace:
            return place.kind is PlaceKind.DIRECT or (await workspace.api.channel(place.address)).joined

    async def describe(self, place: Place) -> Place:
        """The place with its name and whether it is private, as Slack's conversations.info tells."""
        async with self._at(place) as workspace:
            answer = await workspace.api.channel(place.address)
        return replace(place, name=place.name or ("" if answer.private else answer.name), private=answer.private)

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """What there is to look at in the workspaces of these channels."""
        by_workspace = groupby(sorted(places, key=lambda one: one.workspace), lambda one: one.workspace)
        looks = (self._checks_in(which, list(some), lost) for which, some in by_workspace)
        return [*chain.from_iterable(looks)]

    def _checks_in(self, workspace_id: str, places: Sequence[Place], lost: Sequence[Place]) -> list[Check]:
        left = [one for one in lost if one.workspace == workspace_id or not workspace_id]
        return checks.of_workspace(self._workspaces, workspace_id, places, left)

    async def sync_memberships(self, service: BotApi, workspace_id: str) -> None:
        """Once a day, and when the bot came: tell the service every channel of a workspace that the bot is in, and
        greet those that were lost. It also shows what no event tells: which channels were made private."""
        now = self._clock()
        if now < self._next_roll.get(workspace_id, now):
            return
        self._next_roll[workspace_id] = now + _ROLL_AGAIN
        try:
            await self._sync_memberships(service, workspace_id)
        except WorkspaceLost as error:
            await service.workspace_removed(PLATFORM, workspace_id, str(error))
        except PlatformError as error:
            log.warning("The rooms of a workspace could not be looked through.", why=str(error))
        except Exception:
            log.exception("The rooms of a workspace could not be looked through.")
        else:
            if workspace_id in self._next_roll:  # else it was installed anew meanwhile
                self._next_roll[workspace_id] = now + _ROLL_EVERY

    async def _sync_memberships(self, service: BotApi, workspace_id: str) -> None:
        async with self._at(place_of(workspace_id, "")) as workspace:
            known = await workspace.api.own_rooms()
        rooms = [place_of(workspace_id, room.address, room.name, private=room.private) for room in known]
        for place, greeting in await service.sync_memberships(PLATFORM, workspace_id, rooms):
            try:
                await self.send(place, Message(greeting.text), f"back-{self._clock():%Y%m%d%H%M%S}")
            except AccessLost as error:
                await service.left(place, str(error))
            except PlatformError as error:
                log.warning("A room could not be told that the bot is back.", why=str(error))


class SlackPlatform(SlackPosting):
    """Implements `bot.ports.platform.Platform` for one workspace, with a bot token and an app-level token.

    A broken connection is noticed within `ping_seconds`; what Slack tells meanwhile, it tells again.
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
    ) -> None:
        self._connections = Connections()
        kept = self._connections
        self._api = SlackApi(bot_token, api_url, clock, sleep, seconds, connections=kept, managers=managers)
        self._one = OneWorkspace(self._api, clock, installations)
        super().__init__(self._one, clock, command, commands)
        self._app_token, self._ping_seconds = app_token, ping_seconds
        self._listened = False

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """What there is to look at: the tokens, their scopes, and each of these channels."""
        own = super().checks(places, lost) or self._checks_in("", (), lost)
        return [*own, checks.of_app_token(self._api, self._app_token), checks.EVENTS_CHECK]

    async def run(self, service: BotApi) -> None:
        """Listen over Socket Mode until cancelled. Raises when the connection can't be made or is gone for good."""
        async with self._connections.kept():
            await self._listen(service)

    async def _listen(self, service: BotApi) -> None:
        workspace = await self._one.register()
        intake = SlackListeners(service, self, self._workspaces, self._clock, self._command, self._commands)
        app = intake.app(str(workspace.api.client.base_url))
        handler = Acknowledging(app, self._app_token, ping_interval=self._ping_seconds)
        try:
            with translate_errors():
                # Asked for here, for the library would try a wrong token again and again.
                opened = await handler.client.web_client.apps_connections_open(app_token=self._app_token)
                handler.client.wss_uri = opened["url"]
                async with asyncio.timeout(_CONNECTING_SECONDS):
                    await handler.connect_async()  # type: ignore[no-untyped-call]
            if self._listened:  # Slack repeats for minutes, and this may have taken longer
                await service.resync_reactions_soon()
            self._listened = True
            await self._watch(handler, service, workspace.identity.workspace)
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _watch(self, handler: AsyncSocketModeHandler, service: BotApi, workspace_id: str) -> None:
        """The library connects again by itself; where it does not succeed, everything is built up anew."""
        missed = 0
        while missed < _MISSED:
            await self.sync_memberships(service, workspace_id)
            await asyncio.sleep(_PINGS_A_LOOK * self._ping_seconds)
            missed = 0 if await handler.client.is_connected() else missed + 1
        raise NotAccepted("The connection to Slack is gone and did not come back.")


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": _POST, "event_payload": {"key": key}}


def _carries(message: dict[str, Any], key: str) -> bool:
    """Two marks, for Slack's documents disagree on what becomes of metadata that no manifest declares."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == _POST and (metadata.get("event_payload") or {}).get("key") == key:
        return True
    return any(block.get("block_id") == render.block_id(key) for block in message.get("blocks") or [])


async def _page(api: SlackApi, thread: str, **asked: Any) -> AsyncSlackResponse:
    """A page of what was posted in a channel, or in a thread of it."""
    if thread:
        return await api.reader.conversations_replies(ts=thread, **asked)
    return await api.reader.conversations_history(**asked)


class Acknowledging(AsyncSocketModeHandler):
    """Bolt's handler of Socket Mode, for which a connection that closes before an acknowledgement is no error: Slack
    tells again what was not acknowledged."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Work off what Slack told, and acknowledge it."""
        try:
            await super().handle(client, req)
        except ConnectionError:
            log.info("The connection to Slack closed before an acknowledgement. Slack tells it again.")
