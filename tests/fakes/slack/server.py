"""The fake Slack itself: one server, its state, and its doors."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from tests.fakes.door import Door
from tests.fakes.slack.faults import Faults, Rates
from tests.fakes.slack.hooks import Hooks
from tests.fakes.slack.post_office import PostOffice
from tests.fakes.slack.signed import Signed
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.values import Call, Delivery, Json
from tests.fakes.slack.views import Triggers, Views
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import Workspace


def _now() -> datetime:
    return datetime.now(UTC)


class FakeSlack(Door):
    """Slack, until the block ends. `clock` is its time for everything but the wait for acknowledgements and the
    signatures: those are in real seconds, `ack_within` and `stamp`."""

    def __init__(self, clock: Callable[[], datetime] = _now, *, ack_within: float = 3.0, retries: int = 3) -> None:
        super().__init__()
        self.clock, self.ack_within = clock, ack_within
        self.stamp: Callable[[], float] = time.time
        self.listener = ""
        """Where events, commands and interactions are posted; while empty they go through sockets."""
        self.app_id, self.app_token = "A0PAPERBOY", "xapp-1-A0PAPERBOY-fake"
        self.app_scopes = {"connections:write"}
        self.signing_secret, self.client_id, self.client_secret = "5ecre7", "111.222", "c11en7"
        self.workspaces: dict[str, Workspace] = {}
        self.calls: list[Call] = []
        self.unknown: list[str] = []
        self.faults, self.rates = Faults(), Rates()
        self.post_office = PostOffice(self, retries)
        self.sockets, self.signed, self.hooks = Sockets(self), Signed(self), Hooks(self)
        self.triggers, self.views = Triggers(self), Views(self)
        self._numbers = itertools.count(1)
        self._later: set[asyncio.Task[Any]] = set()

    @property
    def api(self) -> str:
        """The Web API's `base_url` for slack_sdk."""
        return f"{self.url}/api/"

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything that was handed to the bot, or tried to."""
        return self.post_office.deliveries

    @property
    def subscribed(self) -> set[str]:
        """The events that the app gets."""
        return self.post_office.subscribed

    @property
    def retries(self) -> int:
        """How often an event that was not acknowledged is sent again at once."""
        return self.post_office.retries

    @retries.setter
    def retries(self, count: int) -> None:
        self.post_office.retries = count

    @property
    def twice(self) -> bool:
        """Whether each event is delivered twice, though it was acknowledged."""
        return self.post_office.twice

    @twice.setter
    def twice(self, twice: bool) -> None:
        self.post_office.twice = twice

    @property
    def response_urls(self) -> list[Json]:
        """What was posted to response URLs."""
        return self.hooks.used

    def workspace(self, key: str, name: str = "") -> Workspace:
        """A new workspace with the app installed."""
        made = Workspace(self, key, name or key.lower())
        self.workspaces[key] = made
        return made

    def calls_to(self, method: str) -> list[Call]:
        """The calls of one method, in order."""
        return [call for call in self.calls if call.method == method]

    def unique(self, prefix: str) -> str:
        """An id that no other thing has."""
        return f"{prefix}{next(self._numbers):08X}"

    def holding(self) -> AbstractContextManager[list[Delivery]]:
        """Keep events back while the block lasts."""
        return self.post_office.holding()

    async def release(self, held: Iterable[Delivery]) -> None:
        """Let events go that were kept back, in this order."""
        await self.post_office.release(held)

    async def again(self, delivery: Delivery) -> Delivery:
        """Send a payload once more, as Slack does when it did not notice the acknowledgement."""
        return await self.post_office.again(delivery)

    async def retry_unacked(self) -> list[Delivery]:
        """Send again what was never acknowledged."""
        return await self.post_office.retry_unacked()

    async def verifies_url(self) -> bool:
        """Whether the listener answers Slack's challenge."""
        return await self.signed.verify_url()

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something after the call that caused it was answered."""
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def settled(self) -> None:
        """Return when every event that a call caused was delivered."""
        while self._later:
            await asyncio.gather(*self._later)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        api = WebApi(self)
        app.router.add_route("*", "/api/{method}", api.serve)
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_post("/actions/{team}/{key}", self.hooks.serve)
        app.router.add_post("/upload/{team}/{file}", self._upload)
        app.router.add_get("/files-pri/{team}/{file}", self._file)
        await self.opens(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        self.faults.let_go()
        await self.sockets.close()
        await self.signed.close()
        await self.closes()

    async def _upload(self, request: web.Request) -> web.Response:
        workspace = self.workspaces[request.match_info["team"]]
        content = await request.read()
        kept = workspace.files[request.match_info["file"]]
        if len(content) != kept["size"]:
            return web.Response(status=400, text="the length is not the announced one")
        workspace.uploads[kept["id"]] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _file(self, request: web.Request) -> web.Response:
        """A file's content for a token that may read files; for anybody else the page to sign in."""
        workspace = self.workspaces[request.match_info["team"]]
        allowed = request.headers.get("Authorization") == f"Bearer {workspace.bot_token}"
        if not allowed or "files:read" not in workspace.scopes:
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        return web.Response(body=workspace.uploads[request.match_info["file"]], content_type="text/plain")
