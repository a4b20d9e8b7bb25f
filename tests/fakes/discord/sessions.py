"""A bot's sessions at the gateway: what each one asked to hear, and what it was told, for a RESUME."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.discord.bits import Intent, Op
from tests.fakes.discord.values import Json


class Link:
    """One websocket with the bot. What is sent goes through a queue, so that the world can change without waiting."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.received: list[Json] = []
        self.ended = False
        """Whether Discord closed it, and not the bot."""
        self._request = request
        self._deflate = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._queue: asyncio.Queue[Json | int] = asyncio.Queue()
        self._writer = asyncio.get_running_loop().create_task(self._write())

    def send(self, op: Op, told: object = None, *, name: str | None = None, seq: int | None = None) -> None:
        """Send a payload after those before it."""
        self._queue.put_nowait({"op": int(op), "d": told, "s": seq, "t": name})

    def end(self, code: int) -> None:
        """Close with that code after what is still to be sent."""
        self.ended = True
        self._queue.put_nowait(code)

    async def flush(self) -> None:
        """Return when everything left, or cannot any more."""
        joined = asyncio.get_running_loop().create_task(self._queue.join())
        await asyncio.wait({joined, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._writer.cancel()
        if self._request.transport is not None:
            self._request.transport.abort()

    def over(self) -> None:
        """The connection has ended."""
        self._writer.cancel()

    async def _write(self) -> None:
        while True:
            told = await self._queue.get()
            try:
                if isinstance(told, int):
                    await self.socket.close(code=told)
                elif self._deflate is not None:
                    packed = self._deflate.compress(json.dumps(told).encode())
                    await self.socket.send_bytes(packed + self._deflate.flush(zlib.Z_SYNC_FLUSH))
                else:
                    await self.socket.send_json(told)
            except (ConnectionError, RuntimeError):
                return
            finally:
                self._queue.task_done()


@dataclass(slots=True, eq=False)
class Session:
    """What began with an IDENTIFY. `told` is replayed on RESUME; `link` is None while the bot is away."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    link: Link | None
    seq: int = 0
    told: list[tuple[int, str, Json]] = field(default_factory=list)

    def hears(self, guild: str | None) -> bool:
        """Whether a guild's events (a DM's with None) go to its shard: (guild_id >> 22) % shards."""
        number, count = self.shard
        return number == ((int(guild) >> 22) % count if guild else 0)

    def dispatch(self, name: str, told: Json) -> None:
        """Tell an event, or keep it until the session is resumed."""
        self.seq += 1
        self.told.append((self.seq, name, told))
        if self.link is not None:
            self.link.send(Op.DISPATCH, told, name=name, seq=self.seq)
