"""Installing the bot in a workspace: Bolt's own OAuth flow over the project's store, with pages of ours.

An installation begins at /slack/install, which gives the browser a `state`; Slack sends it back to
/slack/oauth_redirect with a code (docs.slack.dev/authentication/installing-with-oauth).
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
from slack_sdk.oauth.installation_store import Installation as Granted
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
    """The bot was to be installed in a whole organization."""


class _Granted(AsyncInstallationStore):
    """Takes in what Slack granted."""

    def __init__(self, installations: Installations, clock: Clock, arrived: Callable[[str], None]) -> None:
        self._installations, self._clock, self._arrived = installations, clock, arrived

    async def async_save(self, installation: Granted) -> None:
        """Keep an installation. Raises BoltError."""
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
        self._arrived(installation.team_id)


class _Client(AsyncWebClient):
    """Slack's Web API for an installation. Nothing that is sent or answered reaches a log, for it holds the code, the
    app's secret or tokens; only the name of Slack's error does."""

    async def api_call(self, *args: Any, **kwargs: Any) -> AsyncSlackResponse:
        """Call a method. Raises SlackApiError."""
        try:
            return await super().api_call(*args, **kwargs)
        except SlackApiError as error:
            name = error.response.get("error") if isinstance(error.response, AsyncSlackResponse) else None
            known = isinstance(name, str) and _ERROR.fullmatch(name)
            log.warning("Slack refused an installation.", why=name if known else "it gave no answer that can be read")
            raise


class _Tickets(AsyncOAuthStateStore):
    """Hands out and takes back the word that binds an installation to the browser that began it."""

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        """A new one."""
        return await self._installations.issue_state()

    async def async_consume(self, state: str) -> bool:
        """Whether it is one of ours, not used before."""
        return await self._installations.consume_state(state)


class Flow(AsyncOAuthFlow):
    """Bolt's flow with pages of ours."""

    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """Where the button leads; a workspace may be named (`?team=T…`), and nothing else."""
        [team] = (request.query.get("team") or [""])[:1]
        return self.settings.authorize_url_generator.generate(state, team if _WORKSPACE.fullmatch(team) else None)

    async def build_install_page_html(self, url: str, request: AsyncBoltRequest) -> str:
        """The page with the button."""
        return pages.begin(url)

    async def finish(self, request: AsyncBoltRequest) -> BoltResponse:
        """The callback, whatever becomes of it."""
        if not all(_CODE.fullmatch(code) for code in request.query.get("code") or ()):
            return pages.went_wrong("invalid_code", 400)
        try:
            return await self.handle_callback(request)
        except Exception as error:
            # Neither its text nor its traceback: what was sent stands in some.
            log.error("An installation could not be finished.", error=type(error).__name__)
            return pages.went_wrong("no_answer", 502)


def flow(
    installations: Installations, keys: AppKeys, api_url: str, clock: Clock, arrived: Callable[[str], None]
) -> Flow:
    """The flow of this app; `arrived` is told each workspace that was installed."""
    settings = AsyncOAuthSettings(
        client_id=keys.client_id,
        client_secret=keys.client_secret,
        scopes=sorted(SCOPES),
        user_scopes=[],
        installation_store=_Granted(installations, clock, arrived),
        state_store=_Tickets(installations),
        callback_options=AsyncCallbackOptions(success=_installed, failure=_not_installed),
    )
    client = _Client(base_url=api_url, retry_handlers=[], logger=SILENT)
    return Flow(client=client, logger=SILENT, settings=settings)


async def _installed(args: AsyncSuccessArgs) -> BoltResponse:
    granted, forget = args.installation, args.settings.state_utils.build_set_cookie_for_deletion()
    back = f"https://slack.com/app_redirect?app={granted.app_id}&team={granted.team_id}"
    page = pages.done(granted.team_name or "workspace", back)
    return BoltResponse(status=200, headers={"Set-Cookie": forget}, body=page)


async def _not_installed(args: AsyncFailureArgs) -> BoltResponse:
    reason = "org_wide" if isinstance(args.error, _OrgWide) else args.reason
    return pages.went_wrong(reason, args.suggested_status_code)
