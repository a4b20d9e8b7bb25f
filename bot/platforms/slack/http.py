"""The Slack platform for many workspaces: Slack sends events as signed requests to one address.

The body of a request is read only if its headers have Slack's form and a recent time. It is parsed only if its
signature is right (docs.slack.dev/authentication/verifying-requests-from-slack).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock as UnixClock
from slack_sdk.signature import SignatureVerifier

from bot.model.commands import Commands
from bot.model.messages import Place
from bot.platforms.slack import checks, oauth, pages
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.connections import Connections
from bot.platforms.slack.listeners import SlackListeners
from bot.platforms.slack.platform import API_URL, SlackPosting
from bot.platforms.slack.reading import is_plain
from bot.platforms.slack.token_store import RENEWED_BEFORE, AppKeys, InstalledWorkspaces
from bot.ports.installations import Installations
from bot.ports.platform import BotApi, Check, Clock, Invitation, PlatformError, Sleep
from bot.ports.processes import Leases, OnlyProcess
from bot.web.security import unlimited
from bot.web.server import body_of

_STAMP, _SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
_SECONDS, _SIGNED = re.compile("[0-9]{1,12}"), re.compile("v0=[0-9a-f]{64}")
_FRESH_SECONDS = 60 * 5
"""Slack's own advice; `SignatureVerifier` uses the same."""
_UPKEEP_SECONDS = 600.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """The three secrets on the app's page in Slack."""

    keys: AppKeys
    signing_secret: str = field(repr=False)


class HttpSlack(SlackPosting):
    """Implements `bot.ports.platform.Platform` for every workspace that installs the bot. `routes` belong on a server
    that Slack can reach. A request that comes while the bot is starting waits for up to `starting_seconds`."""

    def __init__(
        self,
        secrets: AppSecrets,
        installations: Installations,
        clock: Clock,
        commands: Commands,
        *,
        api_url: str = API_URL,
        command: str = "/papers",
        sleep: Sleep = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
        starting_seconds: float = 2.0,
        managers: Collection[str] = (),
        leases: Leases | None = None,
    ) -> None:
        connections = Connections()
        new_api = partial(
            SlackApi,
            url=api_url,
            clock=clock,
            sleep=sleep,
            seconds=seconds,
            connections=connections,
            managers=managers,
        )
        self._tokens = InstalledWorkspaces(
            installations, secrets.keys, api_url, clock, new_api, leases or OnlyProcess()
        )
        super().__init__(self._tokens, connections, clock, command, commands, installations)
        self._installed_workspaces, self._url, self._installed = installations, api_url, asyncio.Event()
        self._verifier = SignatureVerifier(secrets.signing_secret, _Unix(clock))
        self._flow = oauth.flow(installations, secrets.keys, api_url, clock, self._on_installed)
        self._app: asyncio.Future[AsyncApp] = asyncio.get_running_loop().create_future()
        self._starting_seconds = starting_seconds

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes for Slack's events and for installing the bot."""
        return [
            web.post("/slack/events", self._receive_event),
            web.get(pages.INSTALL, self._start_installation),
            web.get("/slack/oauth_redirect", self._finish_installation),
        ]

    @property
    def invitation(self) -> Invitation:
        """Installing the bot in a workspace, for anybody who may do so there."""
        return Invitation(
            "Slack",
            "Any workspace can install it, if its rules let you add apps. Afterwards it comes into a channel by",
            "/invite @Paperboy",
            "Add to Slack",
            pages.INSTALL,
        )

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of the installations and of the workspaces of these channels."""
        installed = checks.installations_check(self._installed_workspaces)
        return [installed, *super().checks(places, lost), checks.EVENTS_CHECK]

    async def run(self, service: BotApi) -> None:
        """Listen until cancelled, and update the memberships in quiet workspaces."""
        async with self._connections.kept():
            self._app.set_result(
                SlackListeners(service, self, self._workspaces, self._clock, self._command, self._commands).app(
                    self._url
                )
            )
            try:
                while True:
                    self._installed.clear()
                    try:
                        await self.upkeep(service)
                    except Exception:
                        log.exception("The memberships in the workspaces could not be updated; it is tried again.")
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_UPKEEP_SECONDS):
                            await self._installed.wait()
            finally:
                self._app = asyncio.get_running_loop().create_future()

    async def renew_tokens(self) -> None:
        """Renew the tokens that expire soon, also those of workspaces where nothing happens."""
        for workspace_id in await self._installed_workspaces.ending(self._clock() + RENEWED_BEFORE):
            try:
                await self._tokens.get(workspace_id)
            except PlatformError as error:
                log.warning("A workspace's token was not renewed.", why=str(error))

    async def upkeep(self, service: BotApi) -> None:
        """Update the memberships in every workspace."""
        for workspace_id in await self._installed_workspaces.alive():
            await self.sync_memberships(service, workspace_id)

    def _on_installed(self, workspace_id: str) -> None:
        """The bot was installed in a workspace: its lost channels go on."""
        self._tokens.forget(workspace_id)
        self._next_sync.pop(workspace_id, None)
        self._installed.set()

    @unlimited
    async def _receive_event(self, request: web.Request) -> web.Response:
        if not self._may_be_signed(request.headers):
            return _unsigned()
        body = await body_of(request)
        if not _is_signed(self._verifier, request.headers, body):
            return _unsigned()
        parsed = _parsed(request, body)
        if parsed is None:
            return web.Response(status=400, text="This is neither a form nor a JSON object.")
        try:
            async with asyncio.timeout(self._starting_seconds):
                app = await asyncio.shield(self._app)
        except TimeoutError:  # Slack sends the event again
            return web.Response(status=503)
        return await to_aiohttp_response(await app.async_dispatch(parsed))

    async def _start_installation(self, request: web.Request) -> web.Response:
        return await _page(await self._flow.handle_installation(_bolt_request(request, "")))

    async def _finish_installation(self, request: web.Request) -> web.Response:
        return await _page(await self._flow.finish(_bolt_request(request, "")))

    def _may_be_signed(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers have the form of Slack's signature and a recent time. Else the body need not be read."""
        stamp, signature = headers.get(_STAMP, ""), headers.get(_SIGNATURE, "")
        if not (_SECONDS.fullmatch(stamp) and _SIGNED.fullmatch(signature)):
            return False
        return abs(self._clock().timestamp() - int(stamp)) <= _FRESH_SECONDS


async def _page(built: BoltResponse) -> web.Response:
    answer = await to_aiohttp_response(built)
    answer.headers.update({"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"})
    return answer


class _Unix(UnixClock):
    """The bot's clock in the form that `SignatureVerifier` takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock().timestamp()


def _is_signed(verifier: SignatureVerifier, headers: Mapping[str, str], body: bytes) -> bool:
    stamp, signature = headers.get(_STAMP, ""), headers.get(_SIGNATURE, "")
    try:
        return stamp.isdecimal() and verifier.is_valid(body, stamp, signature)
    except (
        ValueError,
        TypeError,
        OverflowError,
    ):  # the body is no text, the signature no ASCII, the time out of range
        return False


def _unsigned() -> web.Response:
    return web.Response(status=401, text="This request is not signed by Slack, or too old.")


def _bolt_request(request: web.Request, body: str) -> AsyncBoltRequest:
    return AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))


def _parsed(request: web.Request, body: bytes) -> AsyncBoltRequest | None:
    """The request for Bolt, None if the body is not of Slack's form."""
    try:
        parsed = _bolt_request(request, body.decode())
        return parsed if isinstance(parsed.body, dict) and is_plain(parsed.body) else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # errors that unexpected JSON raises
        return None
