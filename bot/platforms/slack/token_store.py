"""Many workspaces, each with the token of its installation.

A token that expires soon is renewed before its next use: for an event, a digest, or the job that renews the tokens of
quiet workspaces. Slack takes a refresh token once (docs.slack.dev/authentication/using-token-rotation). If the answer
is lost, or the process dies before the new pair is committed, the old token works until it expires, two hours later. If
no later try succeeds until then, the workspace has to install the bot again; the log says so from the first failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.api import BotIdentity, SlackApi, translate_errors
from bot.platforms.slack.workspaces import Workspace
from bot.ports.installations import Installation, Installations
from bot.ports.platform import Clock, NotAccepted, PlatformError, Rejected, Uncertain, WorkspaceLost
from bot.ports.processes import Leases

RENEWED_BEFORE = timedelta(hours=2)
_NEXT_TRY = timedelta(minutes=5)
_LOOKED_AT_FOR = timedelta(seconds=10)
"""How long the row of a workspace need not be looked at again: another process may have heard that it removed the bot,
or installed it again."""
_RENEWING_SECONDS = 5.0
"""When to try again while another process renews the token."""
_MOST_CACHED = 1_000
"""The most workspaces in the cache; the least recently used is dropped first."""
log = structlog.get_logger(__name__)
SILENT = logging.Logger("silent", logging.CRITICAL + 1)
"""A logger that logs nothing, for clients that would log secrets."""


@dataclass(frozen=True, slots=True)
class AppKeys:
    """The app's credentials at Slack."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Cached:
    """A workspace, the time until which its row need not be looked at again, and the time at which its token may be
    renewed."""

    workspace: Workspace
    looked_until: datetime
    renew_at: datetime | None


class InstalledWorkspaces:
    """Implements `Workspaces` over stored installations; `new_api` makes the `SlackApi` of a token and an identity."""

    def __init__(
        self,
        installations: Installations,
        keys: AppKeys,
        api_url: str,
        clock: Clock,
        new_api: Callable[..., SlackApi],
        leases: Leases,
    ) -> None:
        self._installations, self._keys, self._clock = installations, keys, clock
        self._url, self._new_api, self._leases = api_url, new_api, leases
        self._cache: OrderedDict[str, _Cached] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace with this id, its token good for a while."""
        if cached := self._cached(workspace_id):
            return cached
        async with self._lock_for(workspace_id):
            return self._cached(workspace_id) or await self._fetch(workspace_id)

    async def mark_revoked(self, workspace: Workspace, token: str, why: str) -> None:
        """Slack refused this token: the workspace is lost unless a newer token is stored, or Slack gives one."""
        workspace_id = workspace.identity.workspace
        async with self._lock_for(workspace_id):
            self.forget(workspace_id)
            installation = await self._installations.get(workspace_id)
            if installation is None or not installation.alive:
                return
            dead = installation.token == token and not await self._refreshed(installation)
            if dead and await self._end(installation, uninstalled="account_inactive" in why):
                return
        raise NotAccepted("The token was renewed meanwhile.")

    async def mark_ended(self, workspace_id: str, at: datetime, *, uninstalled: bool) -> bool:
        """Record that the token was revoked or the bot removed at that time; False if the bot was installed again
        since."""
        self.forget(workspace_id)
        return await self._installations.end(workspace_id, at, uninstalled=uninstalled)

    def forget(self, workspace_id: str) -> None:
        """Drop the workspace from the cache."""
        self._cache.pop(workspace_id, None)

    def _lock_for(self, workspace_id: str) -> asyncio.Lock:
        return self._locks.setdefault(workspace_id, asyncio.Lock())

    def _cached(self, workspace_id: str) -> Workspace | None:
        entry = self._cache.get(workspace_id)
        if entry is None or entry.looked_until <= self._clock():
            return None
        self._cache.move_to_end(workspace_id)
        return entry.workspace

    async def _fetch(self, workspace_id: str) -> Workspace:
        entry, now = self._cache.get(workspace_id), self._clock()
        try:
            installed = await self._installations.get(workspace_id)
        except Exception:
            if entry is None or (entry.renew_at and entry.renew_at <= now):
                raise
            return entry.workspace  # the store does not answer now, and members are told so with this token
        if installed is None:
            raise WorkspaceLost(f"I am not installed in the workspace {workspace_id}")
        is_known = entry is not None and entry.workspace.api.client.token == installed.token
        renew_at = entry.renew_at if entry and is_known else _renewal(installed)
        if renew_at and renew_at <= now:
            installed = await self._renew(installed)
            renew_at = _renewal(installed)
            if renew_at and installed.expires_at and renew_at <= now:  # it could not be renewed
                renew_at = min(now + _NEXT_TRY, installed.expires_at)
        if not installed.alive:
            self.forget(workspace_id)
            raise WorkspaceLost(f"I am no longer installed in the workspace {installed.name or workspace_id}")
        identity = BotIdentity(installed.bot_user, installed.bot, workspace_id)
        api = entry.workspace.api if entry else self._new_api(installed.token, identity=identity)
        api.set_token(installed.token)
        workspace = Workspace(api, identity)
        self._cache[workspace_id] = _Cached(workspace, self._clock() + _LOOKED_AT_FOR, renew_at)
        self._cache.move_to_end(workspace_id)
        if len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)
        return workspace

    async def _renew(self, installed: Installation) -> Installation:
        """The installation with a renewed token. While another process renews it, the old token is used until it
        expires. Raises NotAccepted once it has expired."""
        async with self._leases.holding(_lease(installed)) as held:
            if held:
                newest = await self._installations.get(installed.workspace)
                if newest is None or newest.token != installed.token:  # another process was faster
                    return newest or replace(installed, revoked_at=self._clock())
                return await self._renew_alone(installed)
        if installed.expires_at and installed.expires_at > self._clock():
            return installed
        raise NotAccepted("Another process renews the token of the workspace.", _RENEWING_SECONDS)

    async def _renew_alone(self, installed: Installation) -> Installation:
        """The installation with a renewed token, committed. If that fails, the old token is used until it expires."""
        try:
            renewed = await self._exchange(installed)
        except PlatformError as error:
            newest = await self._installations.get(installed.workspace)
            if newest and newest.expires_at != installed.expires_at:  # another process was faster
                return newest
            name = installed.name or installed.workspace
            if installed.expires_at and installed.expires_at > self._clock():
                log.warning(
                    "A workspace's token could not be renewed. It still holds for a while; if no later try succeeds, "
                    "somebody there has to open /slack/install again.",
                    workspace=name,
                    expires_at=installed.expires_at.isoformat(),
                    why=str(error),
                )
                return installed
            if isinstance(error, NotAccepted | Uncertain):
                raise NotAccepted(str(error)) from error
            await self._end(installed, uninstalled=False)
            raise WorkspaceLost(
                f"the token of the workspace {name} ended and can't be renewed ({error}); /slack/install gives another"
            ) from error
        if await self._installations.renew(installed, renewed):
            return renewed
        return await self._installations.get(installed.workspace) or replace(installed, revoked_at=self._clock())

    async def _end(self, installation: Installation, *, uninstalled: bool) -> bool:
        """Record that this installation ended; False if there is a later one by now."""
        return await self._installations.end(
            installation.workspace, self._clock(), uninstalled=uninstalled, installed_until=installation.installed_at
        )

    async def _refreshed(self, installed: Installation) -> bool:
        """Whether Slack gives a new token in place of a refused one. Raises NotAccepted while Slack does not answer."""
        if not installed.refresh_token:
            return False
        async with self._leases.holding(_lease(installed)) as held:
            if not held:
                raise NotAccepted("Another process renews the token of the workspace.", _RENEWING_SECONDS)
            newest = await self._installations.get(installed.workspace)
            if newest and newest.token != installed.token:
                return newest.alive
            try:
                renewed = await self._exchange(installed)
            except (NotAccepted, Uncertain) as error:
                raise NotAccepted(str(error)) from error
            except PlatformError:
                return False
            return await self._installations.renew(installed, renewed)

    async def _exchange(self, installed: Installation) -> Installation:
        client = AsyncWebClient(base_url=self._url, retry_handlers=[], logger=SILENT)
        with translate_errors():
            answer = await client.oauth_v2_access(
                client_id=self._keys.client_id,
                client_secret=self._keys.client_secret,
                grant_type="refresh_token",
                refresh_token=installed.refresh_token,
            )
        token, refresh_token, seconds = (answer.get(each) for each in ("access_token", "refresh_token", "expires_in"))
        if not (token and refresh_token and isinstance(seconds, int)):
            raise Rejected("Slack gave no whole new token")
        ends = self._clock() + timedelta(seconds=seconds)
        return replace(installed, token=str(token), refresh_token=str(refresh_token), expires_at=ends)


def _lease(installed: Installation) -> str:
    """The name of the lease of the process that renews the workspace's token."""
    return f"token slack {installed.workspace}"


def _renewal(installed: Installation) -> datetime | None:
    """When the token of a workspace is renewed, None if it does not expire."""
    return installed.expires_at and installed.expires_at - RENEWED_BEFORE
