"""Calls to Slack's Web API, the meaning of its errors, and caches for answers that are needed often.

`client` posts messages and never repeats a call by itself: Slack has no idempotency key, so a second try after a lost
reply would post a second message. `reader` and `answerer` wait for a while when Slack asks for it, since no later try
would give the answer. Error names: docs.slack.dev/reference/methods/chat.postMessage.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.model.messages import Place, PlaceKind
from bot.platforms.files import decoded
from bot.platforms.slack.connections import Connections
from bot.platforms.slack.rate_limits import RateLimitedClient, RateLimiter, retry_after
from bot.ports.platform import AccessLost, Clock, NotAccepted, PlatformError, Rejected, Sleep, Uncertain, WorkspaceLost

_ACCESS_LOST = {
    "access_denied", "as_user_not_supported", "cannot_dm_bot", "channel_is_limited_access",
    "channel_not_found", "ekm_access_denied", "enterprise_is_restricted", "is_archived",
    "messages_tab_disabled", "missing_scope", "no_permission", "not_in_channel", "org_login_required",
    "team_access_not_granted", "team_not_found", "user_is_restricted",
}  # fmt: skip
_WORKSPACE_LOST = {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
_NOT_NOW = {
    "message_limit_exceeded", "rate_limited", "ratelimited", "request_timeout", "team_added_to_org",
    "accesslimited",
}  # fmt: skip
_MAYBE_DONE = {"fatal_error", "internal_error", "service_unavailable"}
_NAME = re.compile(r"[a-z_]{1,60}")
"""The form of Slack's error names. Any other text comes from a proxy and is never shown."""
_FORGET_PEOPLE = timedelta(minutes=10)
_MOST_PEOPLE = 10_000
_PAGE, _MOST_PAGES = 200, 20
_FILE_SECONDS = 20.0
_READING_WAITS_SECONDS, _ANSWERING_WAITS_SECONDS = 10.0, 60.0
_AWAY_SECONDS = 60.0
"""Seconds until the next try if Slack can't be reached. An outage may last for hours, and uses up no tries."""


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The bot's user id, its bot id, and the id of the workspace it is installed in."""

    user: str
    bot: str
    workspace: str


@dataclass(frozen=True, slots=True)
class Person:
    """A member as Slack describes them. `manager`: an admin or owner of this workspace, or a member that the settings
    name."""

    bot: bool = False
    manager: bool = False
    name: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel as Slack describes it. `joined`: the bot is in it, and it is not archived. `private`: also true for
    group conversations; None where Slack does not show the channel."""

    address: str
    name: str = ""
    joined: bool = False
    private: bool | None = None


class SlackApi:
    """The Web API of one workspace as the bot uses it. Every method raises `PlatformError`s only.

    `seconds` is a clock that only runs forward; the rate limits are measured with it. `managers` are members with the
    rights of workspace admins.
    """

    def __init__(
        self,
        token: str,
        url: str,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
        identity: BotIdentity | None = None,
        connections: Connections | None = None,
        managers: Collection[str] = (),
    ) -> None:
        self._limiter, self._connections = RateLimiter(seconds, sleep), connections or Connections()
        self.client = RateLimitedClient(self._limiter, self._connections, token, url)
        self.reader = RateLimitedClient(self._limiter, self._connections, token, url, _READING_WAITS_SECONDS)
        self.answerer = RateLimitedClient(self._limiter, self._connections, token, url, _ANSWERING_WAITS_SECONDS)
        self._clock = clock
        self._identity, self._managers = identity, frozenset(managers)
        self._people: dict[str, tuple[datetime, Person]] = {}
        self._directs: dict[str, str] = {}

    def set_token(self, token: str) -> None:
        """Use a renewed token from now on. The caches stay."""
        self.client.token = self.reader.token = self.answerer.token = token

    async def turn(self, channel: str) -> None:
        """Wait until a channel may be posted in again."""
        await self._limiter.wait(channel)

    async def identity(self) -> BotIdentity:
        """The bot's own identity, asked once."""
        if self._identity is None:
            with translate_errors():
                answer = await self.reader.auth_test()
            self._identity = BotIdentity(str(answer["user_id"]), str(answer["bot_id"]), str(answer["team_id"]))
        return self._identity

    def cached_person(self, member: str) -> Person | None:
        """The member as Slack described them in the last ten minutes, or None."""
        asked_at, person = self._people.get(member, (None, None))
        return person if asked_at is not None and self._clock() - asked_at < _FORGET_PEOPLE else None

    async def person(self, member: str) -> Person:
        """The member as Slack describes them, asked once in ten minutes. A member whom Slack does not show gets
        defaults."""
        if person := self.cached_person(member):
            return person
        try:
            with translate_errors():
                user = (await self.reader.users_info(user=member)).get("user") or {}
        except (AccessLost, Rejected):
            user = {}
        # In a channel that two companies share, an admin of the other company has no special rights.
        teams = [user.get("team_id"), *((user.get("enterprise_user") or {}).get("teams") or [])]
        own = self._identity is not None and self._identity.workspace in teams
        person = Person(
            bot=bool(user.get("is_bot")) or member == "USLACKBOT",
            manager=member in self._managers
            or (own and any(user.get(each) for each in ("is_admin", "is_owner", "is_primary_owner"))),
            name=str(
                (user.get("profile") or {}).get("display_name") or user.get("real_name") or user.get("name") or ""
            ),
            zone=str(user.get("tz") or ""),
        )
        if len(self._people) >= _MOST_PEOPLE:
            self._people.clear()
        self._people[member] = self._clock(), person
        return person

    async def channel(self, address: str) -> ChannelInfo:
        """The channel as Slack describes it. A channel that Slack does not show gets defaults."""
        try:
            with translate_errors():
                answer = (await self.reader.conversations_info(channel=address)).get("channel") or {}
        except (AccessLost, Rejected):
            answer = {}
        return _channel_info(answer, address)

    async def direct(self, member: str) -> str:
        """The address of the conversation with one member."""
        if member not in self._directs:
            with translate_errors():
                opened = await self.reader.conversations_open(users=member)
            if len(self._directs) >= _MOST_PEOPLE:
                self._directs.clear()
            self._directs[member] = str((opened.get("channel") or {}).get("id"))
        return self._directs[member]

    async def channels_of(self, member: str) -> frozenset[str]:
        """The addresses of the member's channels. A private channel is among them only if the bot is in it too."""
        return frozenset(str(answer.get("id")) for answer in await self._conversations(user=member))

    async def own_channels(self) -> list[ChannelInfo]:
        """The channels that the bot is in."""
        answer = await self._conversations(exclude_archived=True)
        return [_channel_info(each, str(each.get("id")), joined=True) for each in answer]

    async def _conversations(self, **options: Any) -> list[Mapping[str, Any]]:
        channels: list[Mapping[str, Any]] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            with translate_errors():
                page = await self.reader.users_conversations(
                    types="public_channel,private_channel", limit=_PAGE, cursor=cursor or None, **options
                )
            channels += page.get("channels") or []
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return channels

    async def is_in(self, member: str, place: Place) -> bool:
        """Whether a member is in the channel, or it is their own direct conversation."""
        if place.kind is PlaceKind.DIRECT:
            return place.address == await self.direct(member)
        return place.address in await self.channels_of(member)

    async def read_file(self, url: str, most: int) -> str:
        """The first `most` bytes of a text file that a member sent. Raises Rejected where Slack does not give it out.

        The request holds the token, so it goes to Slack's addresses only and follows no redirect. Without the right to
        read the file, Slack answers with its login page (docs.slack.dev/reference/objects/file-object).
        """
        address, own = urlsplit(url), urlsplit(str(self.client.base_url))
        if (address.scheme, address.netloc) not in (("https", "files.slack.com"), (own.scheme, own.netloc)):
            raise Rejected("That file is not at Slack.")
        headers, content = {"Authorization": f"Bearer {self.client.token}"}, bytearray()
        with translate_errors():
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_FILE_SECONDS)) as session,
                session.get(url, headers=headers, proxy=self.client.proxy, allow_redirects=False) as answer,
            ):
                if answer.status != 200 or answer.content_type == "text/html":
                    raise Rejected("Slack does not let me read that file.")
                async for chunk in answer.content.iter_chunked(1 << 16):
                    content += chunk
                    if len(content) >= most:
                        break
        return decoded(bytes(content[:most]))

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer through the response address of a command or a button."""
        session = self._connections.session
        client = AsyncWebhookClient(response_url, session=session, retry_handlers=[], proxy=self.client.proxy)
        with translate_errors():
            response = await client.send_dict(dict(message))
        if response.status_code != 200:
            why = response.body if _NAME.fullmatch(response.body) else "and a page that is not Slack's"
            raise Rejected(f"Slack does not take this answer: {response.status_code} {why}")


def _channel_info(answer: Mapping[str, Any], address: str, joined: bool = False) -> ChannelInfo:
    hidden = bool(answer.get("is_private") or answer.get("is_mpim") or answer.get("is_im"))
    private = hidden if answer else None
    is_in = (joined or bool(answer.get("is_member"))) and not answer.get("is_archived")
    return ChannelInfo(address, str(answer.get("name") or ""), is_in, private)


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of Slack's libraries as the `PlatformError` with the same meaning."""
    try:
        yield
    except SlackApiError as error:
        raise _platform_error(error) from error
    except aiohttp.ClientConnectorError as error:
        raise NotAccepted(f"Slack can't be reached: {error}", _AWAY_SECONDS) from error
    except (aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
        raise Uncertain(f"Slack's answer was lost: {str(error) or type(error).__name__}") from error


def name_of(error: PlatformError) -> str:
    """Slack's name of the error, "" if there is none."""
    return str(_error_body(error.__cause__).get("error") or "") if isinstance(error.__cause__, SlackApiError) else ""


def _error_body(error: SlackApiError) -> Mapping[str, Any]:
    """The body of Slack's error response. It is empty if the answer is not from Slack: Slack's always has `ok`."""
    data = getattr(error.response, "data", None)
    return data if isinstance(data, Mapping) and data.get("ok") is False else {}


def _platform_error(error: SlackApiError) -> PlatformError:
    answer = _error_body(error)
    name, status = str(answer.get("error") or ""), int(getattr(error.response, "status_code", 0))
    notes = (answer.get("response_metadata") or {}).get("messages") or []
    why = f"Slack says {name or status}" + (f": {'; '.join(map(str, notes))[:300]}" if notes else "")
    if status == 429 or name in _NOT_NOW:
        return NotAccepted(why, retry_after(error))
    if not name and 400 <= status < 500:
        return NotAccepted(
            f"A page that is not Slack's was the answer ({status}); a proxy or a firewall may be in the way.",
            _AWAY_SECONDS,
        )
    if not name or name in _MAYBE_DONE:
        return Uncertain(why)
    if name in _WORKSPACE_LOST:
        return WorkspaceLost(why)
    if name in _ACCESS_LOST or name.startswith("restricted_action"):
        return AccessLost(why)
    return Rejected(why)
