"""What goes wrong on demand, and Discord's rates."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.discord.values import Call, Json


@dataclass(slots=True)
class Fault:
    """One thing that will go wrong, `times` times. `accepted`: Discord does what it was asked to nevertheless."""

    name: str
    kind: str
    times: int = 1
    accepted: bool = False
    status: int = 0
    code: int = 0
    seconds: float = 0.0
    via: bool = True
    everywhere: bool = False
    channel: str | None = None
    body: Any = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, call: Call) -> bool:
        """Whether it befalls this call."""
        here = self.channel in (None, call.where.get("channel"))
        return self.times > 0 and self.name in (call.name, "*") and here


class Faults:
    """Faults to come, first asked for first met.

    `name` is a route's (`create_message`, `get_reactions`…) or `*`; `channel` is an id.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.ahead: list[Fault] = []
        self._names = {"*", *names}

    def lose_reply(self, name: str, times: int = 1, channel: str | None = None) -> Fault:
        """Do it, then hang up without an answer."""
        return self._add(Fault(name, "cut", times, accepted=True, channel=channel))

    def lose_request(self, name: str, times: int = 1, channel: str | None = None) -> Fault:
        """Hang up without doing it."""
        return self._add(Fault(name, "cut", times, channel=channel))

    def status(
        self, name: str, status: int, times: int = 1, *, accepted: bool = False, channel: str | None = None
    ) -> Fault:
        """Answer 502, 503… with a page that is not JSON; `accepted`: after doing it."""
        return self._add(Fault(name, "status", times, accepted=accepted, status=status, channel=channel))

    def proxy(self, name: str, status: int, body: Json, times: int = 1, channel: str | None = None) -> Fault:
        """Answer with the JSON of a proxy in the place of Discord's."""
        return self._add(Fault(name, "proxy", times, status=status, body=body, channel=channel))

    def error(self, name: str, code: int, times: int = 1, channel: str | None = None) -> Fault:
        """Refuse with a code of Discord's: 50013, 50001, 0 (401)…"""
        return self._add(Fault(name, "error", times, code=code, channel=channel))

    def limit(
        self,
        name: str,
        retry_after: float,
        times: int = 1,
        *,
        via: bool = True,
        everywhere: bool = False,
        channel: str | None = None,
    ) -> Fault:
        """Answer 429, `retry_after` in seconds; `everywhere` is the global limit; without `via` it is a ban's page."""
        fault = Fault(name, "limit", times, seconds=retry_after, via=via, everywhere=everywhere, channel=channel)
        return self._add(fault)

    def hang(self, name: str, times: int = 1, *, accepted: bool = False, channel: str | None = None) -> asyncio.Event:
        """Answer only when the returned event is set: after doing it, or with `accepted` done at once."""
        return self._add(Fault(name, "hang", times, accepted=accepted, channel=channel)).gate

    def next(self, call: Call) -> Fault | None:
        """The fault that befalls this call."""
        met = next((one for one in self.ahead if one.meets(call)), None)
        if met:
            met.times -= 1
        return met

    def let_go(self) -> None:
        """Open every gate: the server is closing."""
        for one in self.ahead:
            one.gate.set()

    def _add(self, fault: Fault) -> Fault:
        assert fault.name in self._names, f"no route is called {fault.name!r}: {sorted(self._names)}"
        self.ahead.append(fault)
        return fault


@dataclass(slots=True)
class Rates:
    """Buckets by Discord's clock. While not `on` every answer says that there is plenty left.

    A bucket is a route and its major parameter: `limit` calls in `seconds`, as for messages in a channel.
    """

    on: bool = False
    limit: int = 5
    seconds: float = 5.0
    worldwide: int = 50
    """Calls a second over all buckets; answers to interactions do not count."""
    refused: int = 0
    """How many calls were answered 429 by these rates."""
    _buckets: dict[str, deque[datetime]] = field(default_factory=dict)
    _all: deque[datetime] = field(default_factory=deque)

    def take(self, call: Call, now: datetime) -> tuple[dict[str, str], Json | None]:
        """The headers of the answer, and the body of a 429 where the call may not pass."""
        major = next((call.where[key] for key in ("channel", "guild", "token") if key in call.where), "")
        name = f"{call.name}:{major}"
        if not self.on:
            return self._headers(call, self.limit - 1, 1.0), None
        if call.name not in ("create_interaction_response", "create_followup"):
            if (wait := _wait(self._all, now, 1.0, self.worldwide)) is not None:
                self.refused += 1
                headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global", "Retry-After": str(wait)}
                return headers, _limited(wait, everywhere=True)
            self._all.append(now)
        bucket = self._buckets.setdefault(name, deque())
        if (wait := _wait(bucket, now, self.seconds, self.limit)) is not None:
            self.refused += 1
            headers = self._headers(call, 0, wait) | {"X-RateLimit-Scope": "user", "Retry-After": str(wait)}
            return headers, _limited(wait)
        bucket.append(now)
        return self._headers(call, self.limit - len(bucket), self.seconds), None

    def _headers(self, call: Call, remaining: int, reset: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(call.at.timestamp() + reset),
            "X-RateLimit-Reset-After": str(reset),
            "X-RateLimit-Bucket": f"bucket-{call.name}",
        }


def _limited(wait: float, *, everywhere: bool = False) -> Json:
    return {"message": "You are being rate limited.", "retry_after": wait, "global": everywhere}


def _wait(recent: deque[datetime], now: datetime, seconds: float, limit: int) -> float | None:
    while recent and now - recent[0] >= timedelta(seconds=seconds):
        recent.popleft()
    return seconds - (now - recent[0]).total_seconds() if len(recent) >= limit else None
