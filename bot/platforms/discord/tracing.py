"""Hooks into the requests of discord.py's client: each waits for its turn, and a POST is made once."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp

from bot.platforms.discord.failures import BANNED_SECONDS, retry_after
from bot.platforms.discord.pace import Pace
from bot.ports.platform import NotAccepted, Uncertain

_NOT_REPEATED = ("/channels/", "/webhooks/", "/interactions/")
"""A repeated POST under these paths would act twice, or be refused the second time."""
_UNBOUND = ("/webhooks/", "/interactions/")
"""The global rate limit does not count requests under these paths."""


def tracing(api_url: str, pace: Pace) -> aiohttp.TraceConfig:
    """Hooks into every request of aiohttp. Each request, also a repeated one, waits for its turn; and a POST ends with
    its first answer, where discord.py would try again."""

    async def begins(session: object, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams) -> None:
        if str(params.url).startswith(api_url) and not any(each in params.url.path for each in _UNBOUND):
            await pace.acquire()

    async def ended(session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        status = params.response.status
        if status == 429 and params.response.headers.get("X-RateLimit-Global"):
            pace.pause(retry_after(params.response.headers))
        path = next((each for each in _NOT_REPEATED if each in params.url.path), "")
        if params.method == "POST" and path and (status >= 500 or (status == 429 and path == _NOT_REPEATED[0])):
            seconds = retry_after(params.response.headers)
            params.response.close()
            if status == 429:
                raise NotAccepted("Discord says 429: too many messages.", seconds or BANNED_SECONDS)
            raise Uncertain(f"Discord says {status}, and not whether it took the message.")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begins)
    trace.on_request_end.append(ended)
    return trace
