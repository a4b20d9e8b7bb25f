"""The REST door: each call is written down, let in, done and answered, or not, as the faults will have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.discord import about, channels, commands, hooks, messages, reactions, threads
from tests.fakes.discord.faults import Fault
from tests.fakes.discord.values import Call, Refused, Upload

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

Handler = Callable[["FakeDiscord", Call], Any]
ROUTES: list[tuple[str, str, Handler]] = [
    *about.ROUTES,
    *channels.ROUTES,
    *threads.ROUTES,
    *messages.ROUTES,
    *reactions.ROUTES,
    *commands.ROUTES,
    *hooks.ROUTES,
]
NAMES = {handler.__name__ for _, _, handler in ROUTES}
"""What calls and faults are named by."""
INVALID = (401, 403, 429)
"""Too many of these within ten minutes, and Cloudflare keeps the address out."""
OPEN = ("get_gateway", "create_interaction_response", *(one.__name__ for _, _, one in hooks.ROUTES))
"""What needs no bot token: an interaction's own token stands in the address."""


class Rest:
    """All routes under `/api/v10`."""

    def __init__(self, discord: FakeDiscord) -> None:
        self._discord = discord

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Open the door."""
        for method, path, handler in ROUTES:
            router.add_route(method, f"/api/v10{path}", self._serving(handler))
        router.add_route("*", "/api/v10/{tail:.*}", self._unknown)

    def _serving(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body, files = await _read(request)
            where = dict(request.match_info)
            call = Call(handler.__name__, request.method, request.path, where, dict(request.query), body, self._now())
            call.files = files
            self._discord.calls.append(call)
            try:
                return await self._answer(request, call, handler)
            finally:
                self._discord.changed()

        return serve

    async def _answer(self, request: web.Request, call: Call, handler: Handler) -> web.StreamResponse:
        if self._banned():
            return self._page(call, 429, "error code: 1015", via=False)
        fault = self._discord.faults.next(call)
        if fault and not fault.accepted:
            if fault.kind == "hang":
                await fault.gate.wait()
            else:
                return self._fail(request, call, fault, {})
        headers, limited = self._discord.rates.take(call, call.at)
        if limited:
            return self._json(call, 429, limited, headers)
        try:
            self._let_in(request, call)
            status, answer = 200, handler(self._discord, call)
        except Refused as refused:
            status, answer = refused.status, refused.body
        if fault and fault.accepted:
            if fault.kind == "hang":
                self._discord.changed()
                await fault.gate.wait()
            else:
                return self._fail(request, call, fault, headers)
        if status == 200 and answer is None:
            call.status = 204
            return web.Response(status=204, headers=headers | {"Via": "1.1 google"})
        return self._json(call, status, answer, headers)

    def _let_in(self, request: web.Request, call: Call) -> None:
        if call.name not in OPEN and request.headers.get("Authorization") != f"Bot {self._discord.token}":
            raise Refused(0)
        if call.body is _BROKEN:
            raise Refused(50109)

    def _fail(self, request: web.Request, call: Call, fault: Fault, headers: dict[str, str]) -> web.StreamResponse:
        if fault.kind == "cut":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if fault.kind == "proxy":
            return self._json(call, fault.status, fault.body, headers)
        if fault.kind == "error":
            refused = Refused(fault.code)
            return self._json(call, refused.status, refused.body, headers)
        if fault.kind == "limit":
            if not fault.via:
                return self._page(call, 429, "error code: 1015", via=False)
            wait = str(fault.seconds)
            headers = {"Retry-After": wait, "X-RateLimit-Scope": "global" if fault.everywhere else "user"}
            if fault.everywhere:
                headers["X-RateLimit-Global"] = "true"
            told = {"message": "You are being rate limited.", "retry_after": fault.seconds, "global": fault.everywhere}
            return self._json(call, 429, told, headers)
        return self._page(call, fault.status, "<html>upstream</html>", via=True)

    def _json(self, call: Call, status: int, answer: Any, headers: dict[str, str]) -> web.Response:
        self._count(call, status)
        call.answer = answer
        # discord.py reads a body as JSON only under exactly this type, without a charset
        headers = headers | {"Via": "1.1 google", "Content-Type": "application/json"}
        return web.Response(status=status, body=json.dumps(answer).encode(), headers=headers)

    def _page(self, call: Call, status: int, text: str, *, via: bool) -> web.Response:
        self._count(call, status)
        return web.Response(status=status, text=text, headers={"Via": "1.1 google"} if via else {})

    def _count(self, call: Call, status: int) -> None:
        call.status = status
        if status in INVALID:
            self._discord.invalid.append(call)

    def _banned(self) -> bool:
        return len(self._discord.invalid) >= self._discord.most_invalid

    def _now(self) -> Any:
        return self._discord.clock()

    async def _unknown(self, request: web.Request) -> web.Response:
        self._discord.unknown.append(f"{request.method} {request.path}")
        return web.json_response({"message": "404: Not Found", "code": 0}, status=404, headers={"Via": "1.1 google"})


_BROKEN = object()


async def _read(request: web.Request) -> tuple[Any, list[Upload]]:
    if not request.content_type.startswith("multipart/"):
        return _parsed(await request.text()), []
    body: Any = {}
    files: list[Upload] = []
    for name, value in (await request.post()).items():
        if name == "payload_json":
            body = _parsed(str(value))
        elif isinstance(value, web.FileField):
            files.append(Upload(value.filename, value.file.read()))
    return body, files


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return _BROKEN
