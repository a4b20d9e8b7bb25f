"""Mail: each subscription is a place, and each message one mail to its address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from secrets import token_hex

import structlog
from aiohttp import web

from bot.model.messages import Message, Place
from bot.model.subscriptions import Wish, wish_text
from bot.platforms.mail.checks import mail_checks
from bot.platforms.mail.envelope import Sender, composed, message_id
from bot.platforms.mail.letter import LONGEST_TEXT, Letter, letter_of
from bot.platforms.mail.links import NAME, MailLinks, Vote
from bot.platforms.mail.outbox import Outbox
from bot.platforms.mail.pages import MailPages
from bot.platforms.mail.smtp import RecipientRefused, SmtpClient
from bot.ports.platform import AccessLost, BotApi, Capabilities, Check, Clock, Rejected, Sleep
from bot.ports.subscriptions import Subscriptions
from bot.web.templates import Templates

log = structlog.get_logger(__name__)
_FOOT = "You get this because this address asked for it and confirmed it. Nothing in it tells whether you read it."
_SPARE_SECONDS = 5.0
_ABOUT = "Paperboy brings new research papers, and learns which of them you like."


class MailPlatform:
    """Implements `bot.ports.platform.Platform`, `Attending` and `Checkable`, `bot.ports.subscriptions.Subscribing` and
    `bot.web.server.Served`. `zone` is the time zone that the form for subscribing suggests."""

    name = NAME

    def __init__(
        self,
        client: SmtpClient,
        sender: Sender,
        subscriptions: Subscriptions,
        links: MailLinks,
        clock: Clock,
        *,
        zone: str = "",
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client, self._sender, self._subscriptions, self._clock = client, sender, subscriptions, clock
        self._links, self._templates = links, Templates("bot.platforms.mail")
        self.capabilities = Capabilities(
            max_text=LONGEST_TEXT,
            # The client ends a send by itself and knows what that means; the worker would not.
            send_seconds=client.send_seconds + _SPARE_SECONDS,
            private_replies=False,
            whole_digests=True,
            interactive=False,
            way_back="Subscribe again",
        )
        self.outbox = Outbox(client, sender.address.addr_spec, sleep)
        self._pages = MailPages(subscriptions, links, self.request, clock, self._templates, zone)

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """The pages to subscribe, confirm, vote and leave."""
        return self._pages.routes

    async def run(self, service: BotApi) -> None:
        """Serve until cancelled. There is nothing to connect to: the mail server is asked when there is a mail."""
        self._pages.service = service
        try:
            await asyncio.Event().wait()
        finally:
            self._pages.service = None
            await self.outbox.stop()
            await self._client.close()

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Close the connections of sends at the end of the block. The first send opens them."""
        try:
            yield
        finally:
            await self._client.close()

    async def send(self, place: Place, message: Message, key: str) -> str:
        """Send a message as one mail, and return its Message-ID."""
        address = await self._subscriptions.address_of(place)
        if address is None:
            raise AccessLost("the subscription has ended, or its address is paused")

        def vote_url(paper_id: str, title: str, value: int) -> str:
            return self._links.vote_url(Vote(place, paper_id, title, value))

        letter = letter_of(message, self._links.page_url, self._links.off_url(place), vote_url, _FOOT)
        if not (letter.paragraphs or letter.papers):
            raise Rejected("there is nothing in it to show")
        content = composed(letter, self._sender, address, key, self._clock(), self._templates)
        return_address = self._links.return_address(place) or self._sender.address.addr_spec
        try:
            await self._client.send(return_address, address, content)
        except RecipientRefused as error:
            if await self._subscriptions.refused(place):
                raise AccessLost(f"{error}, twice in a row") from None
            raise Rejected(str(error)) from None
        await self._note_accepted(place)
        return message_id(key, self._sender.host)

    async def _note_accepted(self, place: Place) -> None:
        """Forget earlier refusals. The mail is sent, so an error here must not make it look lost."""
        try:
            await self._subscriptions.accepted(place)
        except Exception:
            log.exception("An accepted mail could not be noted.")

    async def find(
        self, place: Place, key: str, since: datetime | None = None, thread: str = "", after: str = ""
    ) -> str | None:
        """Nothing: nobody but the reader can look into a mailbox."""
        return None

    async def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """Nothing: readers vote by links."""
        return []

    async def tell(self, place: Place, member: str, text: str) -> None:
        """Nothing: an address that refuses mail can't be told so by mail."""

    async def attends(self, place: Place) -> bool:
        """Whether mail may be sent to a place."""
        return await self._subscriptions.address_of(place) is not None

    def checks(self, places: Sequence[Place], lost: Sequence[Place] = ()) -> Sequence[Check]:
        """The checks of the mail server, of the links in mails, and of the addresses that are paused."""
        return mail_checks(self._client, self._links.page_url, lost)

    async def request(self, wish: Wish) -> None:
        """Send a confirmation to the address of a wish, in the background. Raises TooManyConfirmations, WishRefused,
        and NotAccepted while too many others are on their way."""
        self.outbox.make_room()
        token = await self._subscriptions.request(wish)
        letter = Letter(
            "Confirm: papers by mail",
            self._links.page_url,
            (
                f"Somebody, hopefully you, asked for {wish_text(wish)}, to this address.",
                "Confirm it within two days, and it begins. If it was not you, do nothing: no further mail comes.",
            ),
            button="Yes, send me papers",
            button_url=self._links.confirm_url(token),
            foot=(_ABOUT,),
        )
        key = f"confirm-{token_hex(8)}"
        content = composed(letter, self._sender, wish.address, key, self._clock(), self._templates, bulk=False)
        self.outbox.send(wish.address, content)

    async def end_all_of(self, platform: str, workspace: str | None, member: str) -> int:
        """End the subscriptions that a member asked for. Returns their number."""
        return await self._subscriptions.end_all_of(platform, workspace, member)
