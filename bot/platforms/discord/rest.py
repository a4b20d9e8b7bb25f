"""Discord's REST API as the bot uses it.

discord.py keeps to Discord's rate limits and repeats a request where that is safe. A post is tried once, because
Discord may have accepted the first try although its answer was lost. Codes:
docs.discord.com/developers/topics/opcodes-and-status-codes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import aiohttp
import discord
import structlog
import yarl
from discord.http import HTTPClient, Route

from bot.platforms.discord.failures import (
    ALREADY_ANSWERED,
    HAS_THREAD,
    INVALID_WEBHOOK_TOKEN,
    NO_REPLY_WITHOUT_HISTORY,
    NotDiscords,
    code_of,
    translate_errors,
)
from bot.platforms.discord.pace import Pace
from bot.platforms.discord.render import EPHEMERAL, DiscordMessage, Json
from bot.platforms.discord.tracing import tracing
from bot.platforms.discord.uploads import multipart
from bot.platforms.files import decoded
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected, Sleep, Uncertain

API_URL, GATEWAY_URL = "https://discord.com/api/v10", ""
_LONGEST_WAIT = 30.0
_LONGEST_QUEUE_SECONDS = 10.0
"""A request that would wait longer is refused and tried later: the delivery worker waits half a minute in all."""
_ANSWER_WAITS_SECONDS = (1.0, 4.0, 15.0, 60.0, 120.0)
"""Waits between the tries to show an answer, whose token is valid for fifteen minutes."""
_DEFERRED, _CHOICES, _MODAL = 5, 8, 9
log = structlog.get_logger(__name__)


class Http(HTTPClient):
    """discord.py's client at the given addresses. For a `gateway_url` of "", Discord is asked for it."""

    def __init__(self, api_url: str = API_URL, gateway_url: str = GATEWAY_URL, **how: Any) -> None:
        super().__init__(asyncio.get_running_loop(), **how)
        self._api_url, self._gateway_url = api_url.rstrip("/"), gateway_url

    async def request(self, route: Route, **how: Any) -> Any:
        """Make a request. Raises discord.py's errors, and `NotDiscords` for an answer that is not Discord's."""
        if route.url.startswith(Route.BASE):  # else this is another try
            route.url = self._api_url + route.url.removeprefix(Route.BASE)
        try:
            answer_body = await super().request(route, **how)
        except (AttributeError, KeyError, TypeError) as error:  # discord.py met JSON of another shape than Discord's
            raise NotDiscords("it is not Discord's; a proxy may be in the way") from error
        if isinstance(answer_body, str) and answer_body:  # discord.py gives JSON as it is, and "" for an empty answer
            raise NotDiscords("it is a page and not Discord's; a proxy or a network's login page may be in the way")
        return answer_body

    async def static_login(self, token: str) -> Any:
        """Log in. Returns the bot's own user. Raises the errors of `request`."""
        me = await super().static_login(token)
        if not isinstance(me, dict) or "id" not in me:
            raise NotDiscords("it is not Discord's; a proxy may be in the way")
        return me

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a gateway's connection."""
        if self._gateway_url:
            url = str(yarl.URL(self._gateway_url).with_query(yarl.URL(url).query))
        return await super().ws_connect(url, compress=compress)


class Rest:
    """The requests that the bot makes. Every method raises `PlatformError`s only."""

    def __init__(
        self, token: str, api_url: str = API_URL, sleep: Sleep = asyncio.sleep, pace: Pace | None = None
    ) -> None:
        self._token, self._api_url, self._sleep, self.pace = token, api_url, sleep, pace or Pace()
        self._http: HTTPClient | None = None
        self._me = ""
        self._opening = asyncio.Lock()
        self._directs: dict[str, str] = {}

    async def open(self, http: HTTPClient | None = None) -> str:
        """Log in, unless that is done. Returns the bot's own user id. `http` is a client to use instead of a new
        one."""
        async with self._opening:
            if self._http is None:
                trace = tracing(self._api_url, self.pace)
                opened = http or Http(self._api_url, http_trace=trace, max_ratelimit_timeout=_LONGEST_WAIT)
                try:
                    with translate_errors():
                        me = str((await opened.static_login(self._token))["id"])
                except BaseException as error:
                    await opened.close()
                    if isinstance(error, Uncertain):
                        raise NotAccepted(str(error)) from error
                    raise
                self._http, self._me = opened, me
            return self._me

    async def close(self) -> None:
        """Close the connections; the next request opens them again."""
        async with self._opening:
            if self._http is not None:
                await self._http.close()
                self._http = None

    async def ask(self, path: str, where: Mapping[str, Any], query: Mapping[str, Any] | None = None) -> Any:
        """Make a GET request; `where` fills in the path."""
        return await self._request(Route("GET", path, **where), patient=False, params=query)

    async def post(self, channel: str, message: DiscordMessage, nonce: str = "", reply_to: str = "") -> Json:
        """Post a message. Under a nonce Discord posts it once, within a few minutes.

        If the bot may not read earlier messages, the message is posted without the one that it replies to.
        """
        more: Json = {"nonce": nonce, "enforce_nonce": True} if nonce else {}
        reference = {"message_id": reply_to, "fail_if_not_exists": False}
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
        body = message.payload() | more
        try:
            whole = body | {"message_reference": reference} if reply_to else body
            return cast(Json, await self._send(route, message, whole, patient=not nonce))
        except PlatformError as error:
            if code_of(error) != NO_REPLY_WITHOUT_HISTORY:
                raise
        return cast(Json, await self._send(route, message, body, patient=not nonce))

    async def rewrite(self, channel: str, posted: str, message: DiscordMessage) -> None:
        """Replace one of the bot's own messages."""
        where: dict[str, Any] = {"channel_id": channel, "message_id": posted}
        route = Route("PATCH", "/channels/{channel_id}/messages/{message_id}", **where)
        await self._request(route, json=message.payload())

    async def open_post(self, forum: str, name: str, tags: list[str], message: DiscordMessage, minutes: int) -> Json:
        """Open a post in a forum. Returns the thread, whose id is also that of its first message."""
        body = {"name": name, "auto_archive_duration": minutes, "applied_tags": tags, "message": message.payload()}
        route = Route("POST", "/channels/{channel_id}/threads", channel_id=forum)
        answer_body = await self._request(route, patient=False, json=body, params={"use_nested_fields": 1})
        return cast(Json, answer_body)

    async def open_thread(self, channel: str, message: str, name: str, minutes: int) -> None:
        """Open the thread of a message, unless it exists."""
        where: dict[str, Any] = {"channel_id": channel, "message_id": message}
        try:
            route = Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", **where)
            await self._request(route, json={"name": name, "auto_archive_duration": minutes})
        except PlatformError as error:
            if code_of(error) != HAS_THREAD:
                raise

    async def unarchive(self, thread: str) -> None:
        """Unarchive a thread."""
        await self._request(Route("PATCH", "/channels/{channel_id}", channel_id=thread), json={"archived": False})

    async def channel(self, channel: str) -> Json:
        """Discord's JSON of a channel."""
        return cast(Json, await self.ask("/channels/{channel_id}", {"channel_id": channel}))

    async def direct(self, member: str) -> str:
        """The address of the conversation with one member."""
        if member not in self._directs:
            answer_body = await self._request(Route("POST", "/users/@me/channels"), json={"recipient_id": member})
            self._directs[member] = str(answer_body["id"])
        return self._directs[member]

    async def commands(self, application: str) -> list[Json]:
        """The global commands that are registered."""
        return cast(
            list[Json], await self.ask("/applications/{application_id}/commands", {"application_id": application})
        )

    async def put_commands(self, application: str, commands: list[Json]) -> None:
        """Replace all global commands."""
        route = Route("PUT", "/applications/{application_id}/commands", application_id=application)
        await self._request(route, json=commands)

    async def file(self, url: str) -> str:
        """The text of a file that a member sent."""
        await self.open()
        assert self._http is not None
        with translate_errors():
            return decoded(await self._http.get_from_cdn(url))

    async def defer(self, interaction: discord.Interaction) -> None:
        """Respond within three seconds that an answer will come, which the asker alone sees."""
        await self._respond(interaction, _DEFERRED, {"flags": EPHEMERAL})

    async def choices(self, interaction: discord.Interaction, lines: list[str]) -> None:
        """Send the completions of an option."""
        await self._respond(interaction, _CHOICES, {"choices": [{"name": line, "value": line} for line in lines]})

    async def modal(self, interaction: discord.Interaction, modal: Json) -> None:
        """Show a form, which is only possible instead of `defer`."""
        await self._respond(interaction, _MODAL, modal)

    async def answer(self, interaction: discord.Interaction, message: DiscordMessage) -> None:
        """Send the answer that `defer` announced. A repeated answer replaces the first, so a lost one is tried
        again."""
        route = Route("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", **_hook(interaction))
        await self._until_taken(lambda: self._send(route, message, message.payload()), NotAccepted, Uncertain)

    async def follow_up(self, interaction: discord.Interaction, message: DiscordMessage, *, public: bool) -> None:
        """Send one more message after the answer, to the asker alone or to everybody. It is tried again only if Discord
        surely did not accept it."""
        route = Route("POST", "/webhooks/{webhook_id}/{webhook_token}", **_hook(interaction))
        body = message.payload(0 if public else EPHEMERAL)
        await self._until_taken(lambda: self._send(route, message, body), NotAccepted)

    async def _until_taken(self, send: Callable[[], Awaitable[Any]], *lost: type[PlatformError]) -> None:
        for wait in _ANSWER_WAITS_SECONDS:
            try:
                await send()
                return
            except lost as error:
                if code_of(error) == INVALID_WEBHOOK_TOKEN:  # the fifteen minutes are over
                    raise
            await self._sleep(wait)
        await send()

    async def _respond(self, interaction: discord.Interaction, kind: int, data: Json) -> None:
        # With the names of a webhook's parts, discord.py gives each interaction a rate limit of its own.
        where: dict[str, Any] = {"webhook_id": interaction.id, "webhook_token": interaction.token}
        path, body = "/interactions/{webhook_id}/{webhook_token}/callback", {"type": kind, "data": data}
        try:
            await self._request(Route("POST", path, **where), json=body)
        except (NotAccepted, Uncertain):
            try:
                await self._request(Route("POST", path, **where), json=body)
            except PlatformError as error:
                if code_of(error) != ALREADY_ANSWERED:  # else Discord accepted the first try
                    raise

    async def _send(self, route: Route, message: DiscordMessage, body: Json, *, patient: bool = True) -> Any:
        """Send a message with its files. Where Discord refuses it with its pictures, it is sent without them."""

        async def send(message: DiscordMessage) -> Any:
            whole, files = body | {"components": message.components}, message.files()
            return await self._request(
                route, patient=patient, **(multipart(whole, files) if files else {"json": whole})
            )

        try:
            return await send(message)
        except (Rejected, AccessLost) as error:
            rest = message.without_pictures()
            if rest == message or not rest.components:
                raise
            log.warning("Discord did not take a picture.", why=str(error))
        return await send(rest)

    async def _request(self, route: Route, *, patient: bool = True, **how: Any) -> Any:
        if not patient and self.pace.wait > _LONGEST_QUEUE_SECONDS:
            raise NotAccepted("Too many requests wait for their turn at Discord.", self.pace.wait)
        await self.open()
        assert self._http is not None
        try:
            with translate_errors():
                return await self._http.request(route, **{name: value for name, value in how.items() if value})
        except Uncertain as error:
            if route.method == "GET":  # it changes nothing
                raise NotAccepted(str(error)) from error
            raise


def _hook(interaction: discord.Interaction) -> dict[str, Any]:
    return {"webhook_id": interaction.application_id, "webhook_token": interaction.token}
