"""The gateway: websockets from HELLO to their end, and who hears what (docs.discord.com/developers/events/gateway)."""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from tests.fakes.discord import shapes
from tests.fakes.discord.bits import PRIVILEGED, Intent, Op
from tests.fakes.discord.sessions import Link, Session
from tests.fakes.discord.values import Json

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Guild

MOST_SENDS = 120
"""Payloads that a connection may send in a minute; one more closes it with 4008."""
NOT_AUTHENTICATED, FAILED, ALREADY, TOO_FAST, BAD_SHARD, BAD_INTENTS = 4003, 4004, 4005, 4008, 4010, 4014


class Gateway:
    """All connections and sessions of the bot."""

    def __init__(self, discord: FakeDiscord) -> None:
        self._discord = discord
        self.links: list[Link] = []
        """The open connections."""
        self.sessions: list[Session] = []
        """Those that can hear or be resumed."""
        self.identified: list[Json] = []
        """The body of every IDENTIFY that was let in."""
        self.resumed: list[Json] = []
        """The body of every RESUME, whether it could be or not."""
        self.opened = 0
        """How many connections were tried."""
        self.shards = 1
        """What `/gateway/bot` recommends."""
        self.heartbeat = 41.25
        """Seconds between heartbeats."""
        self.acks = True
        """Whether heartbeats are acknowledged."""
        self.starts_left = 1000
        """IDENTIFYs that are left for the day."""
        self._refusals: deque[int] = deque()

    @property
    def ready(self) -> list[Session]:
        """The sessions that are connected now."""
        return [session for session in self.sessions if session.link is not None]

    async def connected(self, count: int = 1) -> None:
        """Return when so many sessions are connected."""
        await self._discord.until(lambda: len(self.ready) >= count)

    def emit(self, name: str, told: Json, intent: Intent, guild: Guild | None = None, bare: Json | None = None) -> None:
        """Tell an event to each session of the guild's shard that asked for one of these intents (0: to all).

        `bare` is for those that may not read what others write.
        """
        if guild is not None and not guild.has_bot and name != "INTERACTION_CREATE":
            return
        for session in self.sessions:
            if session.hears(guild.id if guild else None) and (not intent or session.intents & intent):
                blind = bare is not None and Intent.MESSAGE_CONTENT not in session.intents
                session.dispatch(name, bare if blind and bare is not None else told)
        self._discord.changed()

    async def flush(self) -> None:
        """Return when everything was sent."""
        for link in list(self.links):
            await link.flush()

    async def reconnect(self) -> None:
        """Ask every connection to come again and resume: opcode 7."""
        for link in self.links:
            link.send(Op.RECONNECT)
        await self.flush()

    async def invalidate(self, *, resumable: bool = False) -> None:
        """End every session: opcode 9. Unless it is resumable nothing is ever replayed."""
        for link in list(self.links):
            link.send(Op.INVALID_SESSION, resumable)
            if not resumable and link.session is not None:
                self._forget(link.session)
        await self.flush()

    def forget(self) -> None:
        """Lose all sessions unseen: the next RESUME is answered with opcode 9."""
        for session in list(self.sessions):
            self._forget(session)

    async def close(self, code: int = 4000) -> None:
        """Close every connection with a code; 4007 and 4009 end the session, too."""
        for link in list(self.links):
            if code in (4007, 4009) and link.session is not None:
                self._forget(link.session)
            link.end(code)
        await self.flush()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for link in list(self.links):
            self._end(link)
            link.abort()

    def refuse(self, times: int = 1, status: int = 503) -> None:
        """Let the next connections fail before the first word."""
        self._refusals.extend([status] * times)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from HELLO to its end."""
        self.opened += 1
        if self._refusals:
            return web.Response(status=self._refusals.popleft(), text="upstream connect error")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        link = Link(request, socket)
        self.links.append(link)
        link.send(Op.HELLO, {"heartbeat_interval": int(self.heartbeat * 1000)})
        recent: deque[datetime] = deque()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if self._too_fast(recent):
                link.end(TOO_FAST)
                continue
            told = json.loads(message.data)
            link.received.append(told)
            self._read(link, told["op"], told.get("d"))
            self._discord.changed()
        goodbye = socket.close_code in (1000, 1001) and not link.ended
        if goodbye and link.session is not None and link.session.link is link:
            self._forget(link.session)
        self._end(link)
        link.over()
        self._discord.changed()
        return socket

    async def stop(self) -> None:
        """End every connection: the server is closing."""
        for link in list(self.links):
            link.over()
            await link.socket.close(code=1001)

    def _too_fast(self, recent: deque[datetime]) -> bool:
        now = self._discord.clock()
        while recent and now - recent[0] >= timedelta(seconds=60):
            recent.popleft()
        recent.append(now)
        return len(recent) > MOST_SENDS

    def _read(self, link: Link, op: int, told: Any) -> None:
        if op == Op.HEARTBEAT:
            if self.acks:
                link.send(Op.HEARTBEAT_ACK)
        elif op == Op.IDENTIFY:
            self._identify(link, told)
        elif op == Op.RESUME:
            self._resume(link, told)
        elif link.session is None:
            link.end(NOT_AUTHENTICATED)
        elif op == Op.REQUEST_MEMBERS:
            self._members(link.session, told)

    def _identify(self, link: Link, told: Json) -> None:
        intents = Intent(told.get("intents", 0))
        number, count = told.get("shard", [0, 1])
        if link.session is not None:
            return link.end(ALREADY)
        if told.get("token") != self._discord.token:
            return link.end(FAILED)
        if intents & PRIVILEGED & ~self._discord.privileged:
            return link.end(BAD_INTENTS)
        if not 0 <= number < count:
            return link.end(BAD_SHARD)
        self.starts_left -= 1
        self.identified.append(told)
        session = Session(f"session-{len(self.identified)}", intents, (number, count), link)
        link.session = session
        mine = [guild for guild in self._discord.guilds.values() if guild.has_bot and session.hears(guild.id)]
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": shapes.user(self._discord.bot) | {"verified": True, "mfa_enabled": True, "email": None},
                "guilds": [{"id": one.id, "unavailable": True} for one in mine],
                "session_id": session.id,
                "resume_gateway_url": self._discord.gateway_url,
                "shard": [number, count],
                "application": {"id": self._discord.application, "flags": 0},
            },
        )
        self.sessions.append(session)
        if Intent.GUILDS in intents:
            for one in mine:
                if not one.unavailable:
                    session.dispatch("GUILD_CREATE", shapes.guild(one) | {"unavailable": False})
        return None

    def _resume(self, link: Link, told: Json) -> None:
        self.resumed.append(told)
        if told.get("token") != self._discord.token:
            return link.end(FAILED)
        session = next((session for session in self.sessions if session.id == told.get("session_id")), None)
        if session is None:
            return link.send(Op.INVALID_SESSION, False)
        link.session, session.link = session, link
        for seq, name, body in session.told:
            if seq > int(told.get("seq") or 0):
                link.send(Op.DISPATCH, body, name=name, seq=seq)
        session.dispatch("RESUMED", {})
        return None

    def _members(self, session: Session, told: Json) -> None:
        """Members by id or name; all of them only with the members intent."""
        guild = self._discord.guilds.get(str(told.get("guild_id")))
        if guild is None:
            return
        asked, query = told.get("user_ids"), told.get("query")
        if query == "" and not asked and Intent.GUILD_MEMBERS not in session.intents:
            return
        wanted = {str(one) for one in ([asked] if isinstance(asked, str | int) else asked or [])}
        members = [
            member
            for member in guild.members.values()
            if (member.id in wanted if wanted else member.name.startswith(str(query or "")))
        ]
        body: Json = {"guild_id": guild.id, "members": [shapes.member(one) for one in members]}
        body |= {"chunk_index": 0, "chunk_count": 1, "not_found": sorted(wanted - {one.id for one in members})}
        session.dispatch("GUILD_MEMBERS_CHUNK", body | ({"nonce": told["nonce"]} if "nonce" in told else {}))

    def _end(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        if link.session is not None and link.session.link is link:
            link.session.link = None

    def _forget(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
