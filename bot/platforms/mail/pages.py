"""The pages to subscribe, confirm, vote and leave. No GET changes anything: programs that scan mail open every link."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs

from aiohttp import web

from bot.model.messages import Asker
from bot.model.subscriptions import Content, Wish, read_address, wish_text
from bot.model.text import count
from bot.model.zones import find_zone
from bot.platforms.mail.bounces import came_back
from bot.platforms.mail.links import MailLinks, Vote
from bot.ports.platform import BotApi, Clock, NotAccepted
from bot.ports.subscriptions import Subscriptions, TooManyConfirmations, WishRefused
from bot.web.errors import PageError
from bot.web.security import PRIVATE_HEADERS, RateLimiter
from bot.web.server import body_of, client_of
from bot.web.templates import Templates

_FORM = "form"
"""The purpose of the token in the form."""
_FORM_LIFETIME = timedelta(days=1)
_BURST, _PER_SECOND = 5, 1 / 60
"""Requests to subscribe from one client: five at once, then one a minute."""
_LONGEST_FORM, _MOST_FIELDS = 20_000, 20
_LONGEST_QUERY = 500
_LONGEST_REPORT = 256 * 1024
"""Bytes of a report that are read. The part for programs stands before the mail that came back."""
_LINK_TOKEN = re.compile(r"(?:https?://\S{1,300}/)?([A-Za-z0-9_-]{20,100})/?")
_HOURS = tuple(f"{hour:02}:00" for hour in range(24))
_ZONES = ("UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo",
          "Australia/Sydney", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver",
          "America/Los_Angeles")  # fmt: skip
"""Zones that the form suggests; any other may be typed."""
_TOO_OLD = "This link is too old, or was cut off. Subscribe once more, and a new one comes."
_NO_LINK = "This link is none of ours, or was cut off. Use the one in your newest mail."


class MailPages:
    """The routes of mail. `request` sends a confirmation. `service` is set while the bot serves."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        links: MailLinks,
        request: Callable[[Wish], Awaitable[None]],
        clock: Clock,
        templates: Templates,
        zone: str = "",
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscriptions, self._links, self._request, self._clock = subscriptions, links, request, clock
        self._templates, self._zone = templates, zone or "UTC"
        self._limiter = RateLimiter(_PER_SECOND, _BURST, seconds)
        self.service: BotApi | None = None

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """The routes."""
        return [
            web.get("/mail", self._form),
            web.post("/mail", self._subscribe),
            web.get("/mail/confirm/{token}", self._ask_to_confirm),
            web.post("/mail/confirm/{token}", self._confirm),
            web.get("/mail/off/{token}", self._ask_to_end),
            web.post("/mail/off/{token}", self._end),
            web.get("/mail/vote/{token}", self._ask_to_vote),
            web.post("/mail/vote/{token}", self._vote),
            web.post("/mail/bounce/{token}", self._bounce),
        ]

    async def _form(self, request: web.Request) -> web.Response:
        query, link = request.query.get("q", "")[:_LONGEST_QUERY], request.query.get("link", "")[:_LONGEST_QUERY]
        content = Content.CHANNEL if link else Content.SEARCH if query else Content.TRENDING
        return self._form_page({"content": content, "q": query, "link": link})

    def _form_page(self, values: Mapping[str, str], problem: str = "", status: int = 200) -> web.Response:
        defaults = {"address": "", "content": Content.TRENDING, "q": "", "link": "", "often": "daily", "hour": "09:00"}
        token = self._subscriptions.seal(_FORM, str(int(self._clock().timestamp())))
        page = self._templates.page(
            "subscribe.html",
            status=status,
            values={**defaults, "zone": self._zone, **values},
            problem=problem,
            hours=_HOURS,
            zones=_ZONES,
            token=token,
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    async def _subscribe(self, request: web.Request) -> web.Response:
        values = _fields(await body_of(request))
        if not self._is_fresh(values.get("token", "")):
            return self._form_page(values, "The form was open for long. Look it over, and send it again.", 400)
        try:
            wish = _wish_of(values)
            await self._subscriptions.check(wish)
        except (ValueError, WishRefused) as error:
            return self._form_page(values, str(error), HTTPStatus.BAD_REQUEST)
        if wait := self._limiter.seconds_until_allowed(client_of(request)):
            raise PageError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "So many requests came from your network. Wait a minute, then try again.",
                {"Retry-After": str(int(wait) + 1)},
            )
        try:
            await self._request(wish)
        except TooManyConfirmations:
            pass  # the answer tells nothing about an address
        except NotAccepted:
            raise PageError(HTTPStatus.SERVICE_UNAVAILABLE, "Too many ask just now. Try again in a minute.") from None
        return self._answer(
            "Look into your inbox",
            f"If mail reaches {wish.address}, one with a link is on its way. Open it within two days, and papers begin "
            "to come. Nothing came? Look under spam, or ask again tomorrow: an address gets three such mails a day at "
            "most.",
        )

    def _is_fresh(self, token: str) -> bool:
        """Whether a form was made here within a day."""
        values = self._subscriptions.open(_FORM, token)
        made_at = datetime.fromtimestamp(int(values[0]), UTC) if values else datetime.min.replace(tzinfo=UTC)
        return timedelta(0) <= self._clock() - made_at + timedelta(minutes=1) <= _FORM_LIFETIME

    async def _ask_to_confirm(self, request: web.Request) -> web.Response:
        wish = self._wish(request)
        return self._answer("Papers by mail", f"Send {wish_text(wish)} to {wish.address}?", button="Yes, send them")

    async def _confirm(self, request: web.Request) -> web.Response:
        wish = self._wish(request)
        try:
            await self._subscriptions.confirm(wish)
        except WishRefused as error:
            raise PageError(HTTPStatus.CONFLICT, str(error)) from None
        return self._answer(
            "It is set up",
            f"{wish.address} gets {wish_text(wish)}, as soon as there are some. A day without papers for you brings no "
            "mail. Each mail has a link that ends it.",
        )

    def _wish(self, request: web.Request) -> Wish:
        wish = self._subscriptions.wish_of(_token(request))
        if wish is None:
            raise PageError(HTTPStatus.GONE, _TOO_OLD)
        return wish

    async def _ask_to_end(self, request: web.Request) -> web.Response:
        if self._links.place_to_end(_token(request)) is None:
            raise PageError(HTTPStatus.NOT_FOUND, _NO_LINK)
        return self._answer(
            "No more mails?",
            "One press, and no more of these come. Your votes in them and your address are deleted, too.",
            button="Unsubscribe",
        )

    async def _end(self, request: web.Request) -> web.Response:
        """Unsubscribe. Mail programs post `List-Unsubscribe=One-Click`, the page's button nothing; both mean the same,
        so the body is not read (RFC 8058)."""
        place = self._links.place_to_end(_token(request))
        if place is None:
            raise PageError(HTTPStatus.NOT_FOUND, _NO_LINK)
        await self._subscriptions.end(place)
        return self._answer("You are unsubscribed", "No more of these mails come, and the address is deleted here.")

    async def _ask_to_vote(self, request: web.Request) -> web.Response:
        vote = self._read_vote(request)
        title, button = (
            ("More like this?", "👍 More like this") if vote.value > 0 else ("Less like this?", "👎 Less like this")
        )
        if not vote.value:
            title, button = "Take your vote back?", "Take it back"
        return self._answer(title, f"“{vote.title}”", button=button)

    async def _vote(self, request: web.Request) -> web.Response:
        vote = self._read_vote(request)
        if self.service is None:
            raise PageError(HTTPStatus.SERVICE_UNAVAILABLE, "The bot is just starting. Try again in a minute.")
        reply = await self.service.vote(vote.place, Asker(vote.place.address), vote.paper_id, vote.value)
        if not reply.ok:
            raise PageError(HTTPStatus.CONFLICT, reply.text)
        others = {1: "👍 More like this", -1: "👎 Less like this", 0: "Take it back"}
        actions = [
            (words, "/mail/vote/" + self._links.vote_token(Vote(vote.place, vote.paper_id, vote.title, value)))
            for value, words in others.items()
            if value != vote.value
        ]
        return self._answer("Thank you" if vote.value else "Taken back", reply.text, actions=actions)

    def _read_vote(self, request: web.Request) -> Vote:
        vote = self._links.vote_of(_token(request))
        if vote is None:
            raise PageError(HTTPStatus.NOT_FOUND, _NO_LINK)
        return vote

    async def _bounce(self, request: web.Request) -> web.Response:
        """A mail server hands over the report about a mail that came back."""
        place = self._links.place_of_return(_token(request))
        if place is None:
            raise PageError(HTTPStatus.NOT_FOUND, "No mail has this token.")
        report = (await body_of(request))[:_LONGEST_REPORT]
        if not await asyncio.to_thread(came_back, report):
            raise PageError(HTTPStatus.UNPROCESSABLE_ENTITY, "This is no report (RFC 3464) of a mail that failed.")
        await self._subscriptions.bounced(place)
        return web.Response(text="The address is paused.\n")

    def _answer(self, title: str, text: str, button: str = "", actions: Sequence[tuple[str, str]] = ()) -> web.Response:
        """A page with a text, and a button that posts to its own address or some that post to others."""
        page = self._templates.page("answer.html", title=title, text=text, button=button, actions=actions)
        page.headers.update({**PRIVATE_HEADERS, "Cache-Control": "no-store"})
        return page


def _token(request: web.Request) -> str:
    return request.match_info["token"][:2_000]


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a sent form, each once."""
    if len(body) > _LONGEST_FORM:
        raise PageError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is more than the form has fields for.")
    try:
        fields = parse_qs(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise PageError(HTTPStatus.BAD_REQUEST, f"The form has {count(_MOST_FIELDS, 'field')} at most.") from None
    return {name: values[0].strip()[:_LONGEST_QUERY] for name, values in fields.items()}


def _wish_of(values: Mapping[str, str]) -> Wish:
    """The wish of a filled form. Raises ValueError, whose text says what is wrong."""
    typed_address, zone = values.get("address", ""), values.get("zone", "")
    try:
        address = read_address(typed_address)
    except ValueError as error:
        raise ValueError(f"“{typed_address}” {error}.") from None
    try:
        zone = find_zone(zone)
    except ValueError as error:
        raise ValueError(f"“{zone}” {error}.") from None
    if values.get("hour") not in _HOURS:
        raise ValueError("The hour is one of 00:00, 01:00 and so on.")
    content = values.get("content", "")
    if content not in list(Content):
        raise ValueError("Choose which papers: trending ones, those of a search, or a channel's.")
    subject = values.get("q", "") if content == Content.SEARCH else ""
    if content == Content.CHANNEL:
        link = _LINK_TOKEN.fullmatch(values.get("link", ""))
        if link is None:
            raise ValueError("A channel's link ends in /c/ and a long word. Its managers get it from /papers link.")
        subject = link[1]
    return Wish(address, Content(content), subject, values.get("often") == "weekly", values["hour"], zone)
