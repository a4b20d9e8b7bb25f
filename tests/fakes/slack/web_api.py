"""The Web API's front: reads a call, asks for rates and faults, checks the token, answers and records."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.slack import chat, oauth, reads, surfaces
from tests.fakes.slack.faults import Fault
from tests.fakes.slack.methods import METHODS, Asked
from tests.fakes.slack.values import Call, Json, Refused
from tests.fakes.slack.world import Workspace

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["WebApi", "chat", "reads", "surfaces"]

_NESTED = ("blocks", "metadata", "view", "files", "attachments", "event_payload")


class WebApi:
    """Everything below /api/."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        name = request.match_info["method"]
        args, token = await _read(request)
        workspace = self._whose(token)
        call = Call(name, workspace.id if workspace else "", token, args, self._slack.clock())
        self._slack.calls.append(call)
        channel = str(args.get("channel") or "")
        try:
            wait = self._slack.rates.wait(name, call.workspace, channel, call.at)
            if wait:
                return self._limited(call, wait)
            fault = self._slack.faults.next(name, call.workspace, channel)
            if fault is None:
                return self._answer(call, self._do(call, workspace), workspace)
            return await self._broken(request, call, workspace, fault)
        finally:
            self._slack.changed()

    async def _broken(
        self, request: web.Request, call: Call, workspace: Workspace | None, fault: Fault
    ) -> web.StreamResponse:
        answer = self._do(call, workspace) if fault.accepted else None
        self._slack.changed()
        if fault.kind == "limit":
            return self._limited(call, int(fault.seconds))
        if fault.kind == "status":
            call.status = fault.status
            return web.Response(status=fault.status, text="<html>upstream trouble</html>", content_type="text/html")
        if fault.kind == "page":
            call.status = fault.status
            return web.Response(status=fault.status, text=fault.text, content_type=fault.content_type)
        if fault.kind == "error":
            return self._answer(call, {"ok": False, "error": fault.error}, workspace)
        if fault.kind == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        else:
            await fault.gate.wait()
        return self._answer(call, self._do(call, workspace) if answer is None else answer, workspace)

    def _do(self, call: Call, workspace: Workspace | None) -> Json:
        try:
            return {"ok": True} | self._run(call, workspace)
        except Refused as refused:
            return {"ok": False, "error": refused.error} | refused.more

    def _run(self, call: Call, workspace: Workspace | None) -> Json:
        slack = self._slack
        if call.method == "api.test":
            return {"args": call.args}
        if call.method == "oauth.v2.access":
            return oauth.access(slack, call.args)
        if call.method == "apps.connections.open":
            if call.token != slack.app_token:
                raise Refused("not_allowed_token_type" if workspace else "invalid_auth")
            if "connections:write" not in slack.app_scopes:
                raise Refused("missing_scope", needed="connections:write", provided=",".join(sorted(slack.app_scopes)))
            return {"url": slack.sockets.address()}
        listed = METHODS.get(call.method)
        if listed is None:
            slack.unknown.append(call.method)
            raise Refused("unknown_method", req_method=call.method)
        if not call.token:
            raise Refused("not_authed")
        if workspace is None:
            raise Refused("not_allowed_token_type" if call.token == slack.app_token else "invalid_auth")
        token = next(token for token in workspace.tokens if token.value == call.token)
        if token.dead or not workspace.installed:
            raise Refused(token.dead or "account_inactive")
        if token.ends and slack.clock() >= token.ends:
            raise Refused("token_expired")
        asked = Asked(slack, workspace, call.args)
        asked.need(*listed.scopes)
        return listed.run(asked)

    def _whose(self, token: str) -> Workspace | None:
        every = self._slack.workspaces.values()
        return next((one for one in every if any(t.value == token for t in one.tokens)), None)

    def _limited(self, call: Call, wait: int) -> web.Response:
        call.status, call.answer = 429, {"ok": False, "error": "ratelimited"}
        return web.json_response(call.answer, status=429, headers={"Retry-After": str(wait)})

    def _answer(self, call: Call, answer: Json, workspace: Workspace | None) -> web.Response:
        call.status, call.answer = 200, answer
        headers = {}
        if workspace:
            headers["x-oauth-scopes"] = ",".join(sorted(workspace.scopes))
            needed = METHODS[call.method].scopes if call.method in METHODS else ()
            headers["x-accepted-oauth-scopes"] = ",".join(needed)
        return web.json_response(answer, headers=headers)


async def _read(request: web.Request) -> tuple[Json, str]:
    """The arguments, from the query, a form or JSON, and the token."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        args |= await request.json()
    elif request.method == "POST":
        args |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    for name in _NESTED:
        if isinstance(args.get(name), str):
            try:
                args[name] = json.loads(args[name])
            except ValueError:
                args[name] = {"unreadable": args[name]}
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        args["client_id"], _, args["client_secret"] = b64decode(token).decode().partition(":")
        token = ""
    return args, token or str(args.pop("token", ""))
