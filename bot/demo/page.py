"""The page of the demo, with the link of its channel."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from bot.app import App
from bot.model.messages import Place
from bot.ports.platform import Clock
from bot.store import channels, links
from bot.web.server import Unservable
from bot.website import website

_ANY_PORT = 0


@dataclass(frozen=True, slots=True)
class DemoPage:
    """The addresses of the page for everyone, and of the channel's page."""

    url: str
    channel_url: str


@contextlib.asynccontextmanager
async def demo_page(app: App, place: Place, member: str, clock: Clock) -> AsyncIterator[DemoPage]:
    """Serve the page on this machine alone, with a link that a member made of the channel at a place. If the port of
    the settings is taken, it is another one. Raises Unservable."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(_served(app, app.settings.web.port, clock))
        except Unservable:
            url = await stack.enter_async_context(_served(app, _ANY_PORT, clock))
        app.page.url = url  # whoever chats here is at this machine
        async with app.store.write() as tx:
            channel = await channels.find(tx, place)
            token = await links.make(tx, channel.id, member, clock()) if channel else None
        yield DemoPage(url, f"{url}/c/{token}" if token else url)


def _served(app: App, port: int, clock: Clock) -> contextlib.AbstractAsyncContextManager[str]:
    web = app.settings.web.model_copy(update={"host": "127.0.0.1", "port": port, "public_url": "", "page": True})
    settings = app.settings.model_copy(update={"web": web})
    return website(replace(app, settings=settings), required=True, clock=clock)
