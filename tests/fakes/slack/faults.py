"""What goes wrong on demand, and Slack's rates."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}
"""Calls a minute by tier, per method and workspace; chat.postMessage's own tier stands last."""
TIERS = {
    "chat.postMessage": 5,
    "chat.update": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "conversations.history": 3,
    "conversations.replies": 3,
    "conversations.info": 3,
    "conversations.open": 3,
    "conversations.members": 4,
    "reactions.get": 3,
    "reactions.add": 3,
    "users.info": 4,
    "users.conversations": 3,
    "views.open": 4,
    "views.update": 4,
    "views.push": 4,
    "views.publish": 4,
    "files.getUploadURLExternal": 4,
    "files.completeUploadExternal": 4,
    "apps.connections.open": 1,
}
JITTER = 0.05
"""Seconds by which a post may come early: the network does not keep time so well."""


@dataclass(slots=True)
class Fault:
    """One thing that will go wrong, `times` times. `accepted`: Slack does what it was asked to nevertheless."""

    method: str
    kind: str
    accepted: bool = False
    error: str = ""
    status: int = 200
    seconds: float = 0.0
    times: int = 1
    channel: str | None = None
    workspace: str | None = None
    text: str = ""
    content_type: str = "text/html"
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, method: str, workspace: str, channel: str) -> bool:
        """Whether it befalls this call."""
        return (
            self.times > 0
            and self.method in (method, "*")
            and self.channel in (None, channel)
            and self.workspace in (None, workspace)
        )


class Faults:
    """Faults to come, first asked for first met. `method` may be `*`; `times` is how many calls are met."""

    def __init__(self) -> None:
        self.ahead: list[Fault] = []
        self.history_lag = 0.0
        """Seconds by Slack's clock for which a message that was posted is not yet in the history of its channel."""

    def lose_reply(self, method: str, times: int = 1, **where: str | None) -> Fault:
        """Do it, then hang up without an answer."""
        return self._add(Fault(method, "cut", accepted=True, times=times), where)

    def lose_request(self, method: str, times: int = 1, **where: str | None) -> Fault:
        """Hang up without doing it."""
        return self._add(Fault(method, "cut", times=times), where)

    def status(self, method: str, status: int, times: int = 1, *, accepted: bool = False, **where: str | None) -> Fault:
        """Answer 500, 503… with a page that is not JSON."""
        return self._add(Fault(method, "status", accepted, status=status, times=times), where)

    def page(self, method: str, status: int, text: str, content_type: str = "text/html", times: int = 1) -> Fault:
        """Answer what a proxy in between says in Slack's place."""
        return self._add(Fault(method, "page", status=status, times=times, text=text, content_type=content_type), {})

    def error(self, method: str, error: str, times: int = 1, *, accepted: bool = False, **where: str | None) -> Fault:
        """Answer ok: false with this error."""
        return self._add(Fault(method, "error", accepted, error=error, times=times), where)

    def limit(self, method: str, retry_after: int, times: int = 1, **where: str | None) -> Fault:
        """Answer 429 with Retry-After in seconds."""
        return self._add(Fault(method, "limit", seconds=retry_after, times=times), where)

    def hang(self, method: str, times: int = 1, *, accepted: bool = False, **where: str | None) -> asyncio.Event:
        """Answer only when the returned event is set: after doing it, or with `accepted` done at once."""
        return self._add(Fault(method, "hang", accepted, times=times), where).gate

    def slow(self, method: str, seconds: float, times: int = 1, **where: str | None) -> Fault:
        """Do it, and answer so many real seconds late."""
        return self._add(Fault(method, "slow", accepted=True, seconds=seconds, times=times), where)

    def late(self, method: str, seconds: float, times: int = 1, **where: str | None) -> Fault:
        """Do it so many real seconds late, though nobody may wait for the answer any more."""
        return self._add(Fault(method, "slow", seconds=seconds, times=times), where)

    def next(self, method: str, workspace: str, channel: str) -> Fault | None:
        """The fault that befalls this call."""
        met = next((one for one in self.ahead if one.meets(method, workspace, channel)), None)
        if met:
            met.times -= 1
        return met

    def let_go(self) -> None:
        """Open every gate: the server is closing."""
        for one in self.ahead:
            one.gate.set()

    def _add(self, fault: Fault, where: dict[str, str | None]) -> Fault:
        assert not set(where) - {"channel", "workspace"}, "a fault is narrowed by channel= and workspace= alone"
        fault.channel, fault.workspace = where.get("channel"), where.get("workspace")
        self.ahead.append(fault)
        return fault


@dataclass(slots=True)
class Rates:
    """Slack's rates by its clock, when `on`: calls a minute per method and workspace, one post a second a channel."""

    on: bool = False
    seconds_a_post: float = 1.0
    _posts: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _calls: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)
    refused: int = 0
    """How many calls were answered 429 by these rates."""

    def wait(self, method: str, workspace: str, channel: str, now: datetime) -> int:
        """Whole seconds to wait; 0 where the call may pass, and then it is counted."""
        if not self.on:
            return 0
        wait = 0.0
        recent = self._calls.setdefault((method, workspace), deque())
        while recent and (now - recent[0]).total_seconds() >= 60:
            recent.popleft()
        if len(recent) >= PER_MINUTE[TIERS.get(method, 4)]:
            wait = 60 - (now - recent[0]).total_seconds()
        posted = self._posts.get((workspace, channel))
        if method == "chat.postMessage" and posted is not None:
            early = self.seconds_a_post - (now - posted).total_seconds()
            wait = max(wait, early if early > JITTER else 0.0)
        if wait > 0:
            self.refused += 1
            return max(1, math.ceil(wait))
        recent.append(now)
        if method == "chat.postMessage":
            self._posts[workspace, channel] = now
        return 0
