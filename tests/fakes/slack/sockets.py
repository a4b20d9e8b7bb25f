"""Socket Mode: one-time addresses, envelopes and their acknowledgements, and connections that end."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.fakes.slack.values import Delivery, Json

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

MOST_CONNECTIONS = 10


class Sockets:
    """All open connections of the app. Each payload goes to one of them, in turn."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self.connections: list[web.WebSocketResponse] = []
        self.acks: list[Json] = []
        """Every acknowledgement as it came."""
        self.taken: list[web.WebSocketResponse] = []
        """The connection that each payload went to, in order."""
        self.opened = 0
        """How many connections there have been."""
        self._requests: dict[web.WebSocketResponse, web.Request] = {}
        self._tickets: set[str] = set()
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Json | None]]] = {}
        self._turn = itertools.count()

    def address(self) -> str:
        """A new one-time address to connect to."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return f"{self._slack.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._slack.app_id}"

    async def connected(self, count: int = 1) -> None:
        """Return when so many connections are open."""
        await self._slack.until(lambda: len(self.connections) >= count)

    async def disconnect(self, reason: str = "refresh_requested", *, close: bool = True) -> None:
        """Tell every connection that it ends, and end it; a `warning` only announces it."""
        for connection in list(self.connections):
            await connection.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-fake"}})
            if close and reason != "warning":
                await connection.close()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self.connections):
            self._forget(connection)
            transport = self._requests[connection].transport
            if transport is not None:
                transport.abort()

    async def carry(self, delivery: Delivery, number: int) -> tuple[int, float, Json]:
        """Hand a payload to one connection: (200, seconds to the acknowledgement, its payload), or (0, …) without."""
        started = time.monotonic()
        if not self.connections:
            delivery.reason = "connection_failed"
            return 0, 0.0, {}
        chosen = self.connections[next(self._turn) % len(self.connections)]
        self.taken.append(chosen)
        envelope = str(uuid.uuid4())
        told: Json = {
            "envelope_id": envelope,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":
            told |= {"retry_attempt": number, "retry_reason": delivery.reason if number else ""}
        acked: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope] = (chosen, acked)
        try:
            await chosen.send_json(told)
            answer = await asyncio.wait_for(acked, self._slack.ack_within)
        except (TimeoutError, ConnectionError):
            answer = None
        finally:
            del self._waiting[envelope]
        after = time.monotonic() - started
        if answer is None:
            delivery.reason = "http_timeout" if chosen in self.connections else "connection_failed"
            return 0, after, {}
        return 200, after, answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from `hello` to its end."""
        if request.query.get("ticket", "") not in self._tickets:
            raise web.HTTPUnauthorized
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        self._requests[socket] = request
        self.connections.append(socket)
        self.opened += 1
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "connection_info": {"app_id": self._slack.app_id},
                "debug_info": {"host": "applink-fake", "build_number": 1, "approximate_connection_time": 18060},
            }
        )
        self._slack.changed()
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                self._read(json.loads(message.data))
        self._forget(socket)
        self._slack.changed()
        return socket

    async def close(self) -> None:
        """End every connection: the server is closing."""
        for connection in list(self.connections):
            await connection.close()

    def _read(self, told: Json) -> None:
        self.acks.append(told)
        waiting = self._waiting.get(str(told.get("envelope_id")))
        if waiting and not waiting[1].done():
            waiting[1].set_result(told.get("payload") or {})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self.connections:
            self.connections.remove(socket)
        for chosen, acked in self._waiting.values():
            if chosen is socket and not acked.done():
                acked.set_result(None)
