"""The web server of a running bot: the routes of its platforms, and the page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog

from bot.app import App, system_clock
from bot.jobs.tasks import cancel_all
from bot.page.context import ChannelParts, PageContext
from bot.page.health import Health
from bot.page.routes import page_routes
from bot.page.views import page_templates
from bot.ports.platform import Clock, Inviting, Sleep
from bot.web.security import networks_of, others_reach
from bot.web.server import Served, Unservable, serving

_MAIL = "/mail"
"""The page on which visitors subscribe to mails, if a platform serves it."""
_PREPARED_EVERY_SECONDS = 10.0
log = structlog.get_logger(__name__)


async def prepare_pages(app: App, sleep: Sleep = asyncio.sleep) -> None:
    """Let no visitor wait for what the first pages over a new state of the index need. It never ends."""
    while True:
        await sleep(_PREPARED_EVERY_SECONDS)
        await asyncio.to_thread(app.paper_index.engine.warm_up)


@contextlib.asynccontextmanager
async def website(app: App, *, required: bool = False, clock: Clock = system_clock) -> AsyncIterator[str]:
    """Serve the platforms' routes and the page, and yield the page's address; "" if no page is served.

    Raises Unservable if the server can't listen and a platform needs it, or the page is `required`. Else the bot runs
    on without a page, and the log says why.
    """
    web = app.settings.web
    platform_routes = [
        route for platform in app.platforms.values() if isinstance(platform, Served) for route in platform.routes
    ]
    invitations = [each.invitation for each in app.platforms.values() if isinstance(each, Inviting)]
    page = None
    if web.page:
        parts = ChannelParts(app.digests, app.emoji, app.private, time.monotonic)
        page = PageContext(
            app.store, app.paper_index, clock, page_templates(), app.source_names, parts, invitations=invitations
        )
        page.has_mail = any(route.path == _MAIL for route in platform_routes)
    async with contextlib.AsyncExitStack() as stack:
        if not (platform_routes or page):
            yield ""
            return
        token = web.metrics_token.get_secret_value()
        health = Health(app.store, app.paper_index, clock, token, queue=app.queue, is_behind_proxy=bool(web.public_url))
        routes = [*platform_routes, *health.routes, *(page_routes(page) if page else ())]
        server = serving(
            routes,
            web.host,
            web.port,
            trusted_proxies=networks_of(web.trusted_proxies),
            requests_per_minute=web.requests_per_minute,
        )
        try:
            url = await stack.enter_async_context(server)
        except Unservable as error:
            if platform_routes or required:
                raise
            log.warning("The page is not served.", why=str(error))
            yield ""
            return
        if page is None:
            log.info(f"The web server listens on {url}.")
            yield ""
            return
        page.url = web.public_url or url
        if web.public_url or others_reach(web.host):
            app.page.url = page.url
        preparation = asyncio.create_task(prepare_pages(app))
        stack.push_async_callback(cancel_all, [preparation])
        log.info(f"The page is at {page.url}." if page.url == url else f"The page is at {page.url}, served by {url}.")
        yield page.url
