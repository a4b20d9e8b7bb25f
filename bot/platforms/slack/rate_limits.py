"""Slack's rate limits: a method that was answered with 429 is paused, and posts in one channel are a second apart.

Facts from docs.slack.dev/apis/web-api/rate-limits: a 429 counts for one method of one workspace and says in Retry-After
how many seconds it lasts; `chat.postMessage` may be called about once a second for each channel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.platforms.slack.connections import Connections
from bot.ports.platform import NotAccepted, Sleep

_POST = "chat.postMessage"
_SECONDS_A_POST = 1.0
_LONGEST_TURN_SECONDS = 10.0
_SHORTEST_REST_SECONDS, _LONGEST_REST_SECONDS = 1.0, 86_400.0
_MOST_CHANNELS = 10_000


class RateLimiter:
    """The rate limits of one workspace. `seconds` is a clock that only runs forward."""

    def __init__(self, seconds: Callable[[], float], sleep: Sleep) -> None:
        self._seconds, self.sleep = seconds, sleep
        self._resting_until: dict[str, float] = {}
        self._free_at: dict[str, float] = {}

    def remaining(self, method: str) -> float:
        """Seconds until a paused method may be called again."""
        return max(self._resting_until.get(method, 0.0) - self._seconds(), 0.0)

    def pause(self, method: str, seconds: float) -> None:
        """Pause a method for the seconds that Slack asked for."""
        self._resting_until[method] = self._seconds() + max(seconds, _SHORTEST_REST_SECONDS)

    async def wait(self, channel: str) -> None:
        """Wait for the next moment at which a channel may be posted in, without taking it; ten seconds at most."""
        if (seconds := self._free_at.get(channel, 0.0) - self._seconds()) > 0:
            await self.sleep(min(seconds, _LONGEST_TURN_SECONDS))

    async def acquire(self, channel: str) -> None:
        """Wait for the next moment at which a channel may be posted in. Raises NotAccepted when too many wait there."""
        now = self._seconds()
        at = max(self._free_at.get(channel, now), now)
        if at - now > _LONGEST_TURN_SECONDS:
            raise NotAccepted("Too many messages wait for this channel.", at - now)
        self._free_at[channel] = at + _SECONDS_A_POST
        if at > now:
            await self.sleep(at - now)

    def posted(self, channel: str) -> None:
        """Slack has answered a post: the next one is sent a second later, however long this one took."""
        now = self._seconds()
        if len(self._free_at) >= _MOST_CHANNELS:
            self._free_at = {other: at for other, at in self._free_at.items() if at > now}
        self._free_at[channel] = max(self._free_at.get(channel, now), now + _SECONDS_A_POST)


class RateLimitedClient(AsyncWebClient):
    """Slack's client with rate limits. It repeats a call only after a 429, and only if it has `patience`.

    A call of a paused method waits up to `patience` seconds in all. If the pause is longer, the call raises NotAccepted
    with the seconds that remain, and nothing was sent.
    """

    def __init__(
        self, limiter: RateLimiter, connections: Connections, token: str, url: str, patience: float = 0.0
    ) -> None:
        super().__init__(token, base_url=url, retry_handlers=[], logger=logging.getLogger("slack_sdk"))
        self._limiter, self._connections, self._patience = limiter, connections, patience

    async def api_call(self, api_method: str, **how: Any) -> AsyncSlackResponse:
        """Make a call once the rate limits allow it. Raises slack_sdk's errors, and NotAccepted."""
        if api_method != _POST:
            return await self._call(api_method, how)
        self._refuse(api_method, self._patience)
        channel = str((how.get("json") or how.get("params") or {}).get("channel"))
        await self._limiter.acquire(channel)
        try:
            return await self._call(api_method, how)
        finally:
            self._limiter.posted(channel)

    async def _call(self, method: str, how: dict[str, Any]) -> AsyncSlackResponse:
        patience = self._patience
        while True:
            self._refuse(method, patience)
            if seconds := self._limiter.remaining(method):
                patience -= seconds
                await self._limiter.sleep(seconds)
                continue
            self.session = self._connections.session
            try:
                return await super().api_call(method, **how)
            except SlackApiError as error:
                if error.response.status_code != 429:
                    raise
                self._limiter.pause(method, retry_after(error))
                if not self._patience:
                    raise

    async def _request(self, **how: Any) -> dict[str, Any]:
        """Make one request. slack_sdk can't handle an answer that is no JSON object, such as a proxy's page. It is
        replaced by an empty object, which counts as an answer that is not Slack's."""
        try:
            answer: dict[str, Any] = await super()._request(**how)
        except SlackApiError as error:  # it claims to be JSON and is none; the response is then aiohttp's
            answer = {"headers": error.response.headers, "status_code": error.response.status}
        return answer if isinstance(answer.get("data"), dict) else answer | {"data": {}}

    def _refuse(self, method: str, patience: float) -> None:
        if (seconds := self._limiter.remaining(method)) > patience:
            raise NotAccepted(f"Slack asked to leave {method} alone for {seconds:.0f} s more.", seconds)


def retry_after(error: SlackApiError) -> float:
    """The seconds to wait that an answer names, a day at most; 0 if it names none."""
    headers = getattr(error.response, "headers", {})
    answer = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(float(answer), _LONGEST_REST_SECONDS) if answer.isdecimal() else 0.0
