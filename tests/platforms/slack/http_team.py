"""The same team when its bot serves many workspaces: signed requests over HTTP, tokens in a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlparse

import aiohttp

from bot.commands.registry import COMMANDS
from bot.installations.encryption import TokenCipher
from bot.installations.store_backed import StoredInstallations
from bot.platforms.slack.http import AppSecrets, HttpSlack
from bot.platforms.slack.scopes import SCOPES
from bot.platforms.slack.token_store import AppKeys
from bot.ports.installations import Installation
from bot.store.database import Store
from bot.store.leases import Leases
from bot.web.server import serving
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.world import TOKEN_LIVES, Workspace
from tests.platforms.recording_service import RecordingService
from tests.platforms.slack.team import SlackTeam


class HttpTeam(SlackTeam):
    """Implements `conformance.PlatformUnderTest` for Slack over HTTP. The lab has installed the bot."""

    def __init__(
        self, slack: FakeSlack, clock: Clock, store: Store, key: Path, service: RecordingService | None = None
    ):
        self.installations = StoredInstallations(store, TokenCipher((), key), clock, "slack")
        self._store, self._serving = store, AsyncExitStack()
        self.url = ""
        slack.stamp = lambda: clock().timestamp()
        super().__init__(slack, clock, service)

    def new(self, process: str = "the only process") -> HttpSlack:
        keys = AppKeys(self.slack.client_id, self.slack.client_secret)
        secrets = AppSecrets(keys, self.slack.signing_secret)
        clock = self.clock
        return HttpSlack(
            secrets,
            self.installations,
            clock,
            COMMANDS,
            api_url=self.slack.api,
            sleep=clock.sleep,
            seconds=clock.seconds,
            starting_seconds=0.1,
            leases=Leases(self._store, clock=clock, holder=process),
        )

    @property
    def http(self) -> HttpSlack:
        return cast("HttpSlack", self.platform)

    async def start(self) -> None:
        self.begin()
        self.url = await self._serving.enter_async_context(serving(self.http.routes, "127.0.0.1", 0))
        self.slack.listener = f"{self.url}/slack/events"
        assert await self.slack.verifies_url()

    async def stop(self) -> None:
        await self.end()
        await self._serving.aclose()

    async def install(self, workspace: Workspace) -> Installation:
        """Put a workspace's newest token into the store, as if it had been installed now."""
        ends = self.clock() + TOKEN_LIVES if workspace.rotates else None
        refresh_token = workspace.new_refresh_token() if workspace.rotates else ""
        installed = Installation(
            workspace.id,
            self.clock(),
            workspace.name,
            workspace.bot_user,
            workspace.bot_id,
            "U1",
            tuple(sorted(SCOPES)),
            workspace.bot_token,
            refresh_token,
            ends,
        )
        await self.installations.put(installed)
        return installed

    async def browse(self, path: str, cookie: str = "") -> tuple[int, str, str]:
        """Look at a page: its status, what it says, and the cookie it gives."""
        headers = {"Cookie": cookie} if cookie else {}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser,
            browser.get(self.url + path, headers=headers, allow_redirects=False) as page,
        ):
            given = page.headers.get("Set-Cookie", "").partition(";")[0]
            return page.status, await page.text(), given

    async def begins_installing(self) -> tuple[str, str]:
        """Open the install page: the state that Slack is told, and the browser's cookie."""
        _, page, cookie = await self.browse("/slack/install")
        link = page.split('class="go" href="')[1].partition('"')[0].replace("&amp;", "&")
        [state] = parse_qs(urlparse(link).query)["state"]
        return state, cookie


@asynccontextmanager
async def http_team_at_work(
    store: Store, folder: Path, service: RecordingService | None = None
) -> AsyncIterator[HttpTeam]:
    """A team whose bot is installed and runs."""
    clock = Clock()
    async with FakeSlack(clock=clock) as slack:
        team = HttpTeam(slack, clock, store, folder / "encryption.key", service)
        await team.install(team.lab)
        await team.start()
        try:
            yield team
        finally:
            await team.stop()
