"""A fake Slack with one workspace, and the real client and app that use it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import Clock
from tests.fakes.slack import Channel, FakeSlack, Member, Workspace


@pytest.fixture(autouse=True)
def quiet() -> None:
    """The libraries log what these tests break on purpose."""
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(clock, ack_within=2) as fake:
        yield fake


@pytest.fixture
def lab(slack: FakeSlack) -> Workspace:
    return slack.workspace("T1", name="lab")


@pytest.fixture
def ml(lab: Workspace) -> Channel:
    return lab.channel("C1", name="ml-papers")


@pytest.fixture
def ada(lab: Workspace) -> Member:
    return lab.member("U1", name="ada", admin=True)


@pytest.fixture
def client(slack: FakeSlack, lab: Workspace) -> AsyncWebClient:
    return AsyncWebClient(lab.bot_token, base_url=slack.api, retry_handlers=[])


@pytest.fixture
def app(slack: FakeSlack, client: AsyncWebClient) -> AsyncApp:
    """Without listeners: a test adds its own before `connected` or after."""
    return AsyncApp(client=client, signing_secret=slack.signing_secret)


@pytest.fixture
async def connected(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app in Socket Mode."""
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.1)  # how soon it notices a cut
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await slack.sockets.connected()
    yield handler
    await handler.close_async()  # type: ignore[no-untyped-call]
