"""Installs the bot in a workspace: Bolt's OAuth flow with the project's store and pages.

An installation begins at /slack/install, which gives the browser a `state`. Slack sends the browser back to
/slack/oauth_redirect with that state and a code (docs.slack.dev/authentication/installing-with-oauth).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation as GrantedInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.platforms.slack import pages
from bot.platforms.slack.scopes import SCOPES
from bot.platforms.slack.token_store import SILENT, AppKeys
from bot.ports.installations import Installation, Installations
from bot.ports.platform import Clock

_WORKSPACE, _CODE = re.compile(r"T[A-Z0-9]{1,20}"), re.compile(r"[\w.-]{1,200}", re.ASCII)
_ERROR = re.compile(r"[a-z_]{1,60}")
log = structlog.get_logger(__name__)


class _OrgWide(BoltError):
    """Somebody tried to install the bot in a whole organization."""


class _GrantStore(AsyncInstallationStore):
    """Stores the installations that Slack granted."""

    def __init__(self, installations: Installations, clock: Clock, on_installed: Callable[[str], None]) -> None:
        self._installations, self._clock, self._on_installed = installations, clock, on_installed

    async def async_save(self, installation: GrantedInstallation) -> None:
        """Store an installation. Raises BoltError."""
        if installation.is_enterprise_install or not installation.team_id:
            raise _OrgWide("installed in a whole organization")
        now, ends = self._clock(), None
        if installation.bot_token_expires_at is not None:
            ends = now + timedelta(seconds=round(installation.bot_token_expires_at - installation.installed_at))
        try:
            await self._installations.put(
                Installation(
                    workspace=installation.team_id,
                    installed_at=now,
                    name=installation.team_name or "",
                    bot_user=installation.bot_user_id or "",
                    bot=installation.bot_id or "",
                    installer=installation.user_id or "",
                    scopes=tuple(installation.bot_scopes or ()),
                    token=installation.bot_token or "",
                    refresh_token=installation.bot_refresh_token or "",
                    expires_at=ends,
                )
            )
        except Exception as error:
            log.exception("An installation could not be kept.")
            raise BoltError(str(error)) from error
        self._on_installed(installation.team_id)


class _QuietClient(AsyncWebClient):
    """Slack's Web API for an installation. It logs only the name of Slack's error: requests and answers hold the code,
    the app's secret or tokens."""

    async def api_call(self, *args: Any, **kwargs: Any) -> AsyncSlackResponse:
        """Call a method. Raises SlackApiError."""
        try:
            return await super().api_call(*args, **kwargs)
        except SlackApiError as error:
            name = error.response.get("error") if isinstance(error.response, AsyncSlackResponse) else None
            readable = isinstance(name, str) and _ERROR.fullmatch(name)
            log.warning(
                "Slack refused an installation.", why=name if readable else "it gave no answer that can be read"
            )
            raise


class _StateStore(AsyncOAuthStateStore):
    """Issues and consumes the OAuth state, which binds an installation to the browser that began it."""

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        """Issue a new state."""
        return await self._installations.issue_state()

    async def async_consume(self, state: str) -> bool:
        """Whether the bot issued the state and it was not used before."""
        return await self._installations.consume_state(state)


class Flow(AsyncOAuthFlow):
    """Bolt's OAuth flow with the project's pages."""

    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """The address behind the button. The request may name a workspace (`?team=T…`) and nothing else."""
        [team] = (request.query.get("team") or [""])[:1]
        return self.settings.authorize_url_generator.generate(state, team if _WORKSPACE.fullmatch(team) else None)

    async def build_install_page_html(self, url: str, request: AsyncBoltRequest) -> str:
        """The page with the install button."""
        return pages.begin(url)

    async def finish(self, request: AsyncBoltRequest) -> BoltResponse:
        """Finish an installation; every outcome is a page."""
        if not all(_CODE.fullmatch(code) for code in request.query.get("code") or ()):
            return pages.went_wrong("invalid_code", 400)
        try:
            return await self.handle_callback(request)
        except Exception as error:
            # Neither the text nor the traceback is logged: they may hold what was sent.
            log.error("An installation could not be finished.", error=type(error).__name__)
            return pages.went_wrong("no_answer", 502)


def flow(
    installations: Installations, keys: AppKeys, api_url: str, clock: Clock, on_installed: Callable[[str], None]
) -> Flow:
    """The OAuth flow of this app. `on_installed` is called with the id of each installed workspace."""
    settings = AsyncOAuthSettings(
        client_id=keys.client_id,
        client_secret=keys.client_secret,
        scopes=sorted(SCOPES),
        user_scopes=[],
        installation_store=_GrantStore(installations, clock, on_installed),
        state_store=_StateStore(installations),
        callback_options=AsyncCallbackOptions(success=_installed, failure=_not_installed),
    )
    client = _QuietClient(base_url=api_url, retry_handlers=[], logger=SILENT)
    return Flow(client=client, logger=SILENT, settings=settings)


async def _installed(args: AsyncSuccessArgs) -> BoltResponse:
    granted, forget = args.installation, args.settings.state_utils.build_set_cookie_for_deletion()
    back = f"https://slack.com/app_redirect?app={granted.app_id}&team={granted.team_id}"
    page = pages.done(granted.team_name or "workspace", back)
    return BoltResponse(status=200, headers={"Set-Cookie": forget}, body=page)


async def _not_installed(args: AsyncFailureArgs) -> BoltResponse:
    reason = "org_wide" if isinstance(args.error, _OrgWide) else args.reason
    return pages.went_wrong(reason, args.suggested_status_code)
