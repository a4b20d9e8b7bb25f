"""Events, commands and interactions over HTTP: posted to the bot, signed with the app's secret."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.payloads import VERIFICATION
from tests.fakes.slack.values import Delivery, Json

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Slack's v0 signature: HMAC-SHA256 of `v0:{timestamp}:{raw body}`."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


class Signed:
    """Posts to `slack.listener`."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, delivery: Delivery, number: int) -> tuple[int, float, Json]:
        """Post a payload: (status, seconds, what was answered); status 0 when nothing came back in time."""
        kinds = {"interactive": {"payload": json.dumps(delivery.payload)}, "slash_commands": delivery.payload}
        form = kinds.get(delivery.kind)
        body = (json.dumps(delivery.payload) if form is None else urlencode(form)).encode()
        headers = {"Content-Type": "application/json" if form is None else "application/x-www-form-urlencoded"}
        if number and delivery.kind == "events_api":
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": delivery.reason}
        started = time.monotonic()
        try:
            status, answered, text = await self._post(body, headers)
        except TimeoutError:
            delivery.reason = "http_timeout"
            return 0, time.monotonic() - started, {}
        except aiohttp.ClientError:
            delivery.reason = "connection_failed"
            return 0, time.monotonic() - started, {}
        after = time.monotonic() - started
        if status >= 300:
            delivery.reason = "http_error"
            delivery.stopped = answered.get("x-slack-no-retry") == "1"
            return status, after, {}
        if "json" in answered.get("Content-Type", ""):
            return status, after, json.loads(text)
        return status, after, {"text": text} if text else {}

    async def verify_url(self) -> bool:
        """Ask the bot's address to prove itself, as when it is typed into the app's settings."""
        told = {"type": "url_verification", "token": VERIFICATION, "challenge": self._slack.unique("challenge")}
        status, _, text = await self._post(json.dumps(told).encode(), {"Content-Type": "application/json"})
        return status == 200 and told["challenge"] in text

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session:
            await self._session.close()

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        stamp = str(int(self._slack.stamp()))
        signed = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self._slack.signing_secret, stamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        async with asyncio.timeout(self._slack.ack_within):
            async with self._session.post(
                self._slack.listener, data=body, headers=headers | signed, allow_redirects=False
            ) as answer:
                return answer.status, {**answer.headers}, await answer.text()
