"""Who may read a channel's page: whoever has the secret of its link, until it is revoked."""

from __future__ import annotations

import math

from aiohttp import web

from bot.page.context import PageContext
from bot.reports.channel_view import ChannelView
from bot.store import channels, installations, links
from bot.web.errors import PageError
from bot.web.security import RateLimiter
from bot.web.server import client_of

_LONGEST_TOKEN = 100
_FAILURES_AT_ONCE, _FAILURES_PER_SECOND = 20, 0.1
"""Wrong addresses of one client. Nobody guesses 32 random bytes; the limit keeps those who try from costing much."""
_NO_SUCH_LINK = "No channel has this address. Perhaps it was cut off: whoever gave it to you has it whole."
_ENDED = "This link has ended. Whoever manages the channel makes a new one there, with /papers link."


class ChannelAccess:
    """Finds the channel of a request by the secret in its address."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._failures = RateLimiter(_FAILURES_PER_SECOND, _FAILURES_AT_ONCE, context.channels.seconds)

    async def view_of(self, request: web.Request) -> ChannelView:
        """The channel whose link a request has. Raises PageError: 410 for a link that was revoked or whose workspace
        removed the bot, 404 for any other secret, 429 after too many of these."""
        context, token = self._context, request.match_info["token"][:_LONGEST_TOKEN]
        async with context.store.read() as tx:
            link = await links.find(tx, token)
            channel = await channels.get(tx, link.channel_id) if link else None
            has_ended = bool(link and not link.works)
            if channel and not has_ended:
                has_ended = await installations.has_ended(tx, channel.place.platform, channel.place.workspace)
        if channel is None:
            raise self._failure(client_of(request))
        if has_ended:
            raise PageError(410, _ENDED)
        parts = context.channels
        return ChannelView(channel, context.store, context.paper_index, parts.digests, parts.emoji, context.clock())

    def _failure(self, client: str) -> PageError:
        wait = self._failures.seconds_until_allowed(client)
        if not wait:
            return PageError(404, _NO_SUCH_LINK)
        retry = {"Retry-After": str(math.ceil(wait))}
        return PageError(429, "Too many wrong addresses came from you. Wait a moment, then try again.", retry)
